import type { Page } from 'playwright-core'

/** Fills in the change of password that the page shows, and sends it. */
export const changePassword = async (page: Page, current: string, next: string): Promise<void> => {
  await page.getByLabel('Current password').fill(current)
  await page.getByLabel('New password').fill(next)
  await page.getByRole('button', { name: 'Change the password' }).click()
}

/** Answers the question who it is, which the page asks before it goes on. */
export const confirm = async (page: Page, secret: string): Promise<void> => {
  const dialog = page.getByRole('dialog', { name: 'Confirm that it is you' })
  await dialog.getByLabel('Password', { exact: true }).fill(secret)
  await dialog.getByRole('button', { name: 'Confirm' }).click()
}
