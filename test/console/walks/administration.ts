import type { BrowserContext, Page } from 'playwright-core'
import { type Console, makeUser } from '../start-console.ts'
import { issuer } from './issuer.ts'
import { answer, follow, newName, openAsSomebody, press } from './somebody.ts'
import type { Walk } from './walk.ts'

const openAsAdministrator = async (console: Console, context: BrowserContext, path: string): Promise<Page> =>
  (await openAsSomebody(console, context, path, ['admin'])).page

const search = async (page: Page, name: string): Promise<void> => {
  await page.getByLabel('Beginning of the name').fill(name)
  await press(page, 'Search')
}

/** Whoever can sign in, what is done to them, and what they may. */
export const usersWalk: Walk = async function* (console, context) {
  const page = await openAsAdministrator(console, context, '/admin/users')
  await page.getByText('Made').first().waitFor()
  yield ['users', page]
  await search(page, 'nobody-is-called-so')
  await page.getByText('No user is like that.').waitFor()
  yield ['users-none', page]
  const username = newName('found')
  await makeUser(console, username, ['moderator', 'user'])
  await search(page, username)
  await follow(page, username, 'Open sessions')
  await page.getByRole('heading', { name: 'Linked identities' }).waitFor()
  await page.getByLabel('Subject').fill(username)
  await press(page, 'Link')
  await page.getByText(`${username} is linked.`).waitFor()
  yield ['user', page]
  await press(page, 'Disable')
  await page.getByRole('dialog').getByLabel('Reason').waitFor()
  yield ['user-disable', page]
  await page.getByRole('dialog').getByLabel('Reason').fill('left the company')
  await answer(page, 'Disable')
  await page.getByRole('button', { name: 'Undo' }).waitFor()
  yield ['user-disabled', page]
  await page.goto('/console/admin/users/nobody')
  await page.getByText('or it is gone').waitFor()
  yield ['user-gone', page]
  await follow(page, 'Access review', 'Disabled, and still with roles')
  await page.getByRole('button', { name: `Take away moderator from ${username}` }).waitFor()
  yield ['access-review', page]
  await press(page, `Take away moderator from ${username}`)
  await page.getByText(`${username} has moderator no more.`).waitFor()
  await page.getByLabel('What there is to say').fill('Seen with Ann')
  await press(page, 'Sign it off')
  await page.getByText('Signed off on').waitFor()
  yield ['access-review-signed', page]
  await follow(page, 'Sessions', 'Last used')
  yield ['sessions', page]
  await follow(page, 'Invitations', 'Open invitations')
  await page.getByLabel('E-mail address').fill(`${newName('guest')}@example.org`)
  await press(page, 'Invite')
  await page.getByText('An invitation is on its way').waitFor()
  await page.getByText('Invited by').first().waitFor()
  yield ['invitations', page]
  await follow(page, 'Roles', 'Held by')
  const role = newName('support')
  await page.getByLabel('Name').fill(role)
  await page.getByLabel('users:read').check()
  await press(page, 'Make the role')
  await press(page, `Change the role ${role}`)
  await page.getByRole('button', { name: 'Change', exact: true }).last().waitFor()
  yield ['roles', page]
}

/** Programs, keys and the server itself. */
export const serverWalk: Walk = async function* (console, context) {
  const page = await openAsAdministrator(console, context, '/admin')
  await page.getByText('Counted').waitFor()
  await page.getByText('Day by day').click()
  yield ['overview', page]
  await follow(page, 'Other issuers', issuer)
  yield ['issuers', page]
  await press(page, `Block ${issuer}`)
  await page.getByRole('dialog').getByText('refused at once').waitFor()
  await answer(page, 'Block')
  await page.getByText(`${issuer} is blocked.`).waitFor()
  yield ['issuer-blocked', page]
  await press(page, 'Undo')
  await page.getByText('is not blocked any more').waitFor()
  await follow(page, 'Services', 'A new service')
  const service = newName('backup')
  await page.getByLabel('Name').fill(service)
  await page.getByLabel('What it is for').fill('Fetches what is new, every hour')
  await page.getByLabel('user', { exact: true }).check()
  await press(page, 'Make the service')
  await page.getByText('is made.').waitFor()
  await page.getByText('Fetches what is new').first().waitFor()
  yield ['services', page]
  await follow(page, service, 'All services')
  await page.getByRole('button', { name: 'Change the roles' }).waitFor()
  yield ['service', page]
  await page.getByLabel('Name', { exact: true }).fill('nightly report')
  await press(page, 'Make the key')
  await page.getByLabel('I have kept this key').check()
  await press(page, 'Go on')
  await follow(page, 'All API keys', 'nightly report')
  yield ['all-api-keys', page]
  await follow(page, 'Signing keys', 'ES256')
  yield ['signing-keys', page]
  await page
    .getByRole('button', { name: /^Revoke/ })
    .first()
    .click()
  await page.getByRole('dialog').getByText('Sessions go on').waitFor()
  yield ['signing-key-revoke', page]
  await answer(page, 'Cancel')
  await follow(page, 'Settings', 'APP_NAME')
  yield ['settings', page]
  await follow(page, 'Health', 'Ready')
  yield ['health', page]
  await follow(page, 'Why?', 'The gate itself')
  await page.getByLabel('Permission or route').fill('DELETE /api/v1/posts/7')
  await press(page, 'Ask')
  await page.getByText('The rule:').waitFor()
  yield ['why', page]
}

/** Whoever may not. */
export const forbiddenWalk: Walk = async function* (console, context) {
  const { page } = await openAsSomebody(console, context, '/admin/users', ['user'])
  await page.getByText('You may not do this.').waitFor()
  yield ['forbidden', page]
}
