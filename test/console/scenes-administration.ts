import type { BrowserContext, Page } from 'playwright-core'
import type { Scene } from './scene.ts'
import { type Console, makeUser, openAs } from './start-console.ts'

let people = 0

/** A view of an administrator, once it shows a text. */
const openAsAdministrator = async (
  console: Console,
  context: BrowserContext,
  { path, until }: { readonly path: string; readonly until: string },
): Promise<Page> => {
  const username = `administrator-${++people}`
  await makeUser(console, username, ['admin'])
  const page = await openAs(console, username, path, context)
  await page.getByRole('main').getByText(until).first().waitFor()
  return page
}

/** A view that shows what is there anyhow. */
const at = (path: string, until: string): Scene => ({
  show: (console, context) => openAsAdministrator(console, context, { path, until }),
})

const seesUser: Scene['show'] = async (console, context) => {
  const username = `found-${++people}`
  await makeUser(console, username, ['moderator', 'user'])
  const page = await openAsAdministrator(console, context, { path: '/admin/users', until: 'Made' })
  await page.getByLabel('Beginning of the name').fill(username)
  await page.getByRole('button', { name: 'Search' }).click()
  await page.getByRole('link', { name: username }).click()
  await page.getByText('Open sessions').waitFor()
  return page
}

const makesService: Scene['show'] = async (console, context) => {
  const page = await openAsAdministrator(console, context, {
    path: '/admin/services',
    until: 'A new service',
  })
  await page.getByLabel('Name').fill(`backup-${++people}`)
  await page.getByLabel('What it is for').fill('Fetches what is new, every hour')
  await page.getByLabel('user', { exact: true }).check()
  await page.getByRole('button', { name: 'Make the service' }).click()
  await page.getByText('is made.').waitFor()
  await page.getByText('Fetches what is new').first().waitFor()
  return page
}

/** Every view of administrators. */
export const administrationScenes = {
  users: at('/admin/users', 'Made'),
  'users-none': {
    show: async (console, context) => {
      const page = await openAsAdministrator(console, context, { path: '/admin/users', until: 'Made' })
      await page.getByLabel('Beginning of the name').fill('nobody-is-called-so')
      await page.getByRole('button', { name: 'Search' }).click()
      await page.getByText('No user is like that.').waitFor()
      return page
    },
  },
  user: { show: seesUser },
  'user-disable': {
    show: async (console, context) => {
      const page = await seesUser(console, context)
      await page.getByRole('button', { name: 'Disable' }).click()
      await page.getByRole('dialog').getByLabel('Reason').waitFor()
      return page
    },
  },
  'user-disabled': {
    show: async (console, context) => {
      const page = await seesUser(console, context)
      await page.getByRole('button', { name: 'Disable' }).click()
      await page.getByRole('dialog').getByLabel('Reason').fill('left the company')
      await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click()
      await page.getByRole('button', { name: 'Undo' }).waitFor()
      return page
    },
  },
  'user-gone': at('/admin/users/nobody', 'or it is gone'),
  roles: {
    show: async (console, context) => {
      const page = await openAsAdministrator(console, context, { path: '/admin/roles', until: 'Held by' })
      const name = `support-${++people}`
      await page.getByLabel('Name').fill(name)
      await page.getByLabel('users:read').check()
      await page.getByRole('button', { name: 'Make the role' }).click()
      await page.getByRole('button', { name: `Change the role ${name}` }).click()
      await page.getByRole('button', { name: 'Change', exact: true }).last().waitFor()
      return page
    },
  },
  services: { show: makesService },
  service: {
    show: async (console, context) => {
      const page = await makesService(console, context)
      await page.getByRole('list', { name: 'Services' }).getByRole('link').first().click()
      await page.getByRole('button', { name: 'Change the roles' }).waitFor()
      return page
    },
  },
  sessions: at('/admin/sessions', 'Last used'),
  'signing-keys': at('/admin/signing-keys', 'ES256'),
  'signing-key-revoke': {
    show: async (console, context) => {
      const page = await openAsAdministrator(console, context, {
        path: '/admin/signing-keys',
        until: 'ES256',
      })
      await page
        .getByRole('button', { name: /^Revoke/ })
        .first()
        .click()
      await page.getByRole('dialog').getByText('Sessions go on').waitFor()
      return page
    },
  },
  'all-api-keys': {
    show: async (console, context) => {
      const page = await makesService(console, context)
      await page.getByRole('list', { name: 'Services' }).getByRole('link').first().click()
      await page.getByLabel('Name', { exact: true }).fill('nightly report')
      await page.getByRole('button', { name: 'Make the key' }).click()
      await page.getByLabel('I have kept this key').check()
      await page.getByRole('button', { name: 'Go on' }).click()
      await page.getByRole('link', { name: 'All API keys' }).click()
      await page
        .getByRole('button', { name: /^Revoke/ })
        .first()
        .waitFor()
      return page
    },
  },
  settings: at('/admin/settings', 'APP_NAME'),
  health: at('/admin/health', 'Ready'),
  why: {
    show: async (console, context) => {
      const page = await openAsAdministrator(console, context, {
        path: '/admin/explain',
        until: 'The gate itself',
      })
      await page.getByLabel('Permission or route').fill('DELETE /api/v1/posts/7')
      await page.getByRole('button', { name: 'Ask' }).click()
      await page.getByText('The rule:').waitFor()
      return page
    },
  },
  invitations: {
    show: async (console, context) => {
      const page = await openAsAdministrator(console, context, {
        path: '/admin/invitations',
        until: 'Open invitations',
      })
      await page.getByLabel('E-mail address').fill(`guest-${++people}@example.org`)
      await page.getByRole('button', { name: 'Invite' }).click()
      await page.getByText('An invitation is on its way').waitFor()
      await page.getByText('Invited by').first().waitFor()
      return page
    },
  },
  forbidden: {
    show: async (console, context) => {
      const username = `person-without-${++people}`
      await makeUser(console, username)
      const page = await openAs(console, username, '/admin/users', context)
      await page.getByText('You may not do this.').waitFor()
      return page
    },
  },
} as const satisfies Readonly<Record<string, Scene>>
