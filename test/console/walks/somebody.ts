import { minute } from 'gatewright/clock'
import type { BrowserContext, Page } from 'playwright-core'
import { type Console, makeUser, openAs } from '../start-console.ts'

let people = 0

/** A name that nobody has yet. */
export const newName = (kind: string): string => `${kind}-${++people}`

type Shown = { readonly page: Page; readonly username: string }

/** Somebody new, who is signed in here. */
export const openAsSomebody = async (
  console: Console,
  context: BrowserContext,
  path: string,
  roles = ['moderator', 'user'],
): Promise<Shown> => {
  const username = newName('person')
  await makeUser(console, username, roles)
  return { username, page: await openAs(console, username, path, context) }
}

/** Somebody signed in longer ago; the clock goes on for everybody, and walks are gone side by side. */
export const signedInBefore = async ({ t }: Console, username: string): Promise<void> => {
  await t.engine.db
    .updateTable('sessions')
    .set(eb => ({ auth_time: eb('auth_time', '-', 11 * minute) }))
    .where('user_id', '=', eb => eb.selectFrom('users').select('id').where('username', '=', username))
    .execute()
}

/** Goes on by the navigation or a link of the page, once that shows a text. */
export const follow = async (page: Page, link: string, until: string): Promise<void> => {
  await page.getByRole('link', { name: link, exact: true }).first().click()
  await page.getByRole('main').getByText(until).first().waitFor()
}

export const press = (page: Page, name: string): Promise<void> =>
  page.getByRole('button', { name, exact: true }).click()

/** Presses a button of the dialog that is open. */
export const answer = (page: Page, name: string): Promise<void> =>
  page.getByRole('dialog').getByRole('button', { name, exact: true }).click()
