import type { Page } from 'playwright-core'

/** The page of one user, found by the beginning of the name. */
export const find = async (page: Page, username: string): Promise<void> => {
  await page.getByRole('link', { name: 'Users', exact: true }).click()
  await page.getByLabel('Beginning of the name').fill(username.slice(0, -1))
  await page.getByRole('button', { name: 'Search' }).click()
  await page.getByRole('link', { name: username, exact: true }).click()
  await page.getByText('Open sessions').waitFor()
}

export const press = (page: Page, name: string): Promise<void> =>
  page.getByRole('button', { name, exact: true }).click()

/** Presses a button of the dialog that is open. */
export const answer = (page: Page, name: string): Promise<void> =>
  page.getByRole('dialog').getByRole('button', { name, exact: true }).click()

export const isSignedIn = async (page: Page): Promise<boolean> => {
  const status = (await page.context().request.get('/api/v1/sessions/current')).status()
  return status === 200
}
