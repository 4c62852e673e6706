export const headingId = 'heading'

/** Where reading goes on after the page has changed: its heading. */
export const focusHeading = (): void => document.getElementById(headingId)?.focus()

/** As a ref: the focus goes to what has just appeared in the place of what was pressed. */
export const focusOnce = (element: HTMLElement | null): void => element?.focus()
