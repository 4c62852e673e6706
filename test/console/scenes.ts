import assert from 'node:assert/strict'
import { minute } from 'gatewright/clock'
import type { BrowserContext, Page } from 'playwright-core'
import { replaceSetupLink } from '../../packages/gatewright/src/sign-in/setup-link.ts'
import { password } from '../harness.ts'
import { addAuthenticator } from './authenticators.ts'
import { addApp, addPasskey, keepRecoveryCodes } from './factors.ts'
import { newestLink } from './mails.ts'
import type { Scene } from './scene.ts'
import { administrationScenes } from './scenes-administration.ts'
import { type Console, fillSignIn, makeUser, open, openAs, withSettings } from './start-console.ts'

/** As on a server that sends no mail. */
const withoutMail = ({ show }: Scene): Scene => ({
  show: async (console, context) => {
    await withSettings(context, { sends_mail: false })
    return show(console, context)
  },
})

/** As on a server that somebody has set up. */
const withAdministrator = ({ show }: Scene): Scene => ({
  show: async (console, context) => {
    await withSettings(context, { awaits_administrator: false })
    return show(console, context)
  },
})

/** A view that needs no more than its address. */
const at = (path: string): Scene => ({
  show: async (console, context) => {
    const page = await open(console, path, context)
    await page.getByRole('heading', { level: 1 }).waitFor()
    return page
  },
})

let people = 0

type Shown = { readonly page: Page; readonly username: string }

/** Somebody new, who is signed in here. */
const openAsSomebody = async (console: Console, context: BrowserContext, path: string): Promise<Shown> => {
  const username = `person-${++people}`
  await makeUser(console, username, ['moderator', 'user'])
  return { username, page: await openAs(console, username, path, context) }
}

/** A view of somebody new who is signed in here. */
const as = (path: string): Scene => ({
  show: async (console, context) => (await openAsSomebody(console, context, path)).page,
})

/** Somebody signed in longer ago; the clock goes on for everybody, and scenes are shown side by side. */
const signedInBefore = async ({ t }: Console, username: string): Promise<void> => {
  await t.engine.db
    .updateTable('sessions')
    .set(eb => ({ auth_time: eb('auth_time', '-', 11 * minute) }))
    .where('user_id', '=', eb => eb.selectFrom('users').select('id').where('username', '=', username))
    .execute()
}

const agents = [
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0',
  `a-script/1.0 ${'with-a-long-name-and-no-blank-'.repeat(6)}`,
]

const openDevices = async (console: Console, context: BrowserContext): Promise<Shown> => {
  const username = `person-${++people}`
  await makeUser(console, username)
  for (const [index, agent] of agents.entries()) {
    const headers = { 'user-agent': agent }
    const { status } = await console.t.call('POST', 'login', {
      headers,
      address: `2001:db8:85a3:${index}::8a2e:370:7334`,
      body: { username, password },
    })
    assert.equal(status, 200)
  }
  const page = await openAs(console, username, '/me/devices', context)
  await page.getByText('This device').waitFor()
  return { page, username }
}

const showCodes: Scene['show'] = async (console, context) => {
  const page = await as('/me/security').show(console, context)
  await addApp(console, page)
  await page.getByLabel('I have kept these codes').waitFor()
  return page
}

/** An app, and passkeys of which one was renamed. */
const openFactors = async (console: Console, context: BrowserContext): Promise<Shown> => {
  const { page, username } = await openAsSomebody(console, context, '/me/security')
  await addApp(console, page)
  await keepRecoveryCodes(page)
  await addAuthenticator(page)
  await addPasskey(page, 'Laptop')
  await page.getByRole('button', { name: 'Remove Laptop' }).waitFor()
  return { page, username }
}

/** Half signed in. */
const showSecondStep: Scene['show'] = async (console, context) => {
  const { page, username } = await openFactors(console, context)
  await page.getByRole('button', { name: 'Sign out' }).click()
  await fillSignIn(page, username)
  await page.getByRole('button', { name: 'Use the passkey' }).waitFor()
  return page
}

/** Makes a key, which is shown then. */
const makeKey = async (page: Page): Promise<void> => {
  await page.getByLabel('Name').fill('nightly report')
  await page.getByLabel('posts:write').check()
  await page.getByLabel('Allowed addresses').fill('192.0.2.0/24')
  await page.getByRole('button', { name: 'Make the key' }).click()
  await page.getByLabel('I have kept this key').waitFor()
}

/** Every view of the console, and what a view shows besides. */
export const scenes = {
  'set-up': {
    show: async (console, context) => {
      const origin = { actor: 'system', address: null, requestId: null }
      await console.t.engine.db.updateTable('installation').set({ first_administrator_at: null }).execute()
      const link = await replaceSetupLink(console.t.engine, origin)
      assert.ok(link.state === 'made')
      return at(`/setup#${link.token}`).show(console, context)
    },
  },
  'set-up-without-link': at('/setup'),
  'sign-in': withAdministrator(at('/sign-in')),
  'sign-in-first': at('/sign-in'),
  'sign-in-refused': withAdministrator({
    show: async (console, context) => {
      const page = await open(console, '/sign-in', context)
      await fillSignIn(page, 'nobody', 'a wrong password')
      await page.getByRole('alert').waitFor()
      return page
    },
  }),
  register: at('/register'),
  'register-refused': {
    show: async (console, context) => {
      const page = await open(console, '/register', context)
      await page.getByLabel('Username').fill('a@b')
      await page.getByLabel('Password', { exact: true }).fill('short')
      await page.getByRole('button', { name: 'Register' }).click()
      await page.getByText('The password is too short').waitFor()
      return page
    },
  },
  profile: as('/me'),
  password: as('/me/password'),
  'security-first': as('/me/security'),
  'security-set-up': {
    show: async (console, context) => {
      const page = await as('/me/security').show(console, context)
      await page.getByRole('button', { name: 'Set up an app' }).click()
      await page.getByLabel('Code from the app').waitFor()
      return page
    },
  },
  'recovery-codes': { show: showCodes },
  security: { show: async (console, context) => (await openFactors(console, context)).page },
  'security-refused': {
    show: async (console, context) => {
      const { page, username } = await openFactors(console, context)
      const { db, clock } = console.t.engine
      await db
        .updateTable('passkeys')
        .set({ cloned_at: clock.now() })
        .where('user_id', '=', eb => eb.selectFrom('users').select('id').where('username', '=', username))
        .execute()
      await page.reload()
      await page.getByText('Refused since').waitFor()
      return page
    },
  },
  'security-remove': {
    show: async (console, context) => {
      const { page } = await openFactors(console, context)
      await page.getByRole('button', { name: 'Remove Laptop' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).waitFor()
      return page
    },
  },
  'second-step': { show: showSecondStep },
  'second-step-recovery': {
    show: async (console, context) => {
      const page = await showSecondStep(console, context)
      await page.getByRole('button', { name: 'Use a recovery code instead' }).click()
      await page.getByLabel('Recovery code').waitFor()
      return page
    },
  },
  'confirmation-by-factor': {
    show: async (console, context) => {
      const { page, username } = await openFactors(console, context)
      await signedInBefore(console, username)
      await page.getByRole('button', { name: 'Make new codes' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Use the passkey' }).waitFor()
      return page
    },
  },
  email: as('/me/email'),
  'email-without-mail': withoutMail(as('/me/email')),
  review: as('/me/review'),
  invitation: at('/invitation#token'),
  devices: { show: async (console, context) => (await openDevices(console, context)).page },
  confirmation: {
    show: async (console, context) => {
      const { page, username } = await openDevices(console, context)
      await signedInBefore(console, username)
      await page.getByRole('button', { name: 'End all others' }).click()
      await page.getByRole('dialog').getByLabel('Password', { exact: true }).waitFor()
      return page
    },
  },
  'api-keys': {
    show: async (console, context) => {
      const { page } = await openAsSomebody(console, context, '/me/api-keys')
      await makeKey(page)
      await page.getByLabel('I have kept this key').check()
      await page.getByRole('button', { name: 'Go on' }).click()
      await page.getByRole('button', { name: 'Replace the key “nightly report”' }).waitFor()
      return page
    },
  },
  'api-key-made': {
    show: async (console, context) => {
      const { page } = await openAsSomebody(console, context, '/me/api-keys')
      await makeKey(page)
      return page
    },
  },
  'verify-email': at('/verify#token'),
  'link-broken': {
    show: async (console, context) => {
      const page = await open(console, '/verify#token', context)
      await page.getByRole('button', { name: 'Verify the address' }).click()
      await page.getByRole('alert').waitFor()
      return page
    },
  },
  'new-password-after-link': {
    show: async (console, context) => {
      const { page, username } = await openAsSomebody(console, context, '/me/email')
      await page.getByRole('button', { name: 'Send the link once more' }).click()
      await page.getByText('A link is on its way').waitFor()
      await page.goto(await newestLink(console, `${username}@example.org`))
      await page.getByRole('button', { name: 'Verify the address' }).click()
      await page.getByText('Your e-mail address is verified.').waitFor()
      await page.goto('/console/me/security')
      await addApp(console, page)
      await keepRecoveryCodes(page)
      await page.getByText('Codes left').waitFor()
      await page.goto(await newestLink(console, `${username}@example.org`))
      await page.getByRole('button', { name: 'It was not me' }).click()
      await page.getByLabel('New password').waitFor()
      return page
    },
  },
  'not-me': at('/not-me#token'),
  'undo-email': at('/undo-email#token'),
  'prove-address': at('/prove#token'),
  'reset-password': at('/reset#token'),
  'forgot-password': at('/forgot'),
  'no-mail': withoutMail(at('/forgot')),
  'not-found': at('/nowhere'),
  ...administrationScenes,
} as const satisfies Readonly<Record<string, Scene>>

export const sceneNames = Object.keys(scenes) as (keyof typeof scenes)[]
