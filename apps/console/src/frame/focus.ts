export const headingId = 'heading'

/** Where reading goes on after the page has changed: its heading. */
export const focusHeading = (): void => document.getElementById(headingId)?.focus()
