import assert from 'node:assert/strict'
import { minute } from 'gatewright/clock'
import type { BrowserContext, Page } from 'playwright-core'
import { replaceSetupLink } from '../../packages/gatewright/src/sign-in/setup-link.ts'
import { password } from '../harness.ts'
import { type Console, fillSignIn, makeUser, open, openAs, withSettings } from './start-console.ts'

type Scene = {
  /** Opens the view and waits until it shows what it is about. */
  readonly show: (console: Console, context: BrowserContext) => Promise<Page>
}

const withMail = ({ show }: Scene): Scene => ({
  show: async (console, context) => {
    await withSettings(context, { sends_mail: true })
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

/** A view of somebody new who is signed in here. */
const as = (path: string): Scene => ({
  show: async (console, context) => {
    const username = `person-${++people}`
    await makeUser(console, username, ['moderator', 'user'])
    return openAs(console, username, path, context)
  },
})

const agents = [
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0',
  `a-script/1.0 ${'with-a-long-name-and-no-blank-'.repeat(6)}`,
]

const showDevices: Scene['show'] = async (console, context) => {
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
  return page
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
  devices: { show: showDevices },
  confirmation: {
    show: async (console, context) => {
      const page = await showDevices(console, context)
      console.t.clock.advance(11 * minute)
      await page.getByRole('button', { name: 'End all others' }).click()
      await page.getByRole('dialog').getByLabel('Password', { exact: true }).waitFor()
      return page
    },
  },
  'verify-email': withMail(at('/verify#token')),
  'link-broken': withMail({
    show: async (console, context) => {
      const json = { code: 'invalid_link' }
      await context.route('**/email/verify', route => route.fulfill({ status: 400, json }))
      const page = await open(console, '/verify#token', context)
      await page.getByRole('button', { name: 'Verify the address' }).click()
      await page.getByRole('alert').waitFor()
      return page
    },
  }),
  'not-me': withMail(at('/not-me#token')),
  'reset-password': withMail(at('/reset#token')),
  'forgot-password': withMail(at('/forgot')),
  'no-mail': at('/forgot'),
  'not-found': at('/nowhere'),
} as const satisfies Readonly<Record<string, Scene>>

export const sceneNames = Object.keys(scenes) as (keyof typeof scenes)[]
