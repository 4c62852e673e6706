import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import { replaceSetupLink } from '../../../packages/gatewright/src/sign-in/setup-link.ts'
import { type Console, fillSignIn, open, withSettings } from '../start-console.ts'
import { press } from './somebody.ts'
import type { Walk } from './walk.ts'

const at = async (page: Page, path: string): Promise<Page> => {
  await page.goto('about:blank')
  await page.goto(`/console${path}`)
  await page.getByRole('heading', { level: 1 }).waitFor()
  return page
}

const newSetupLink = async ({ t: { engine } }: Console): Promise<string> => {
  await engine.db.updateTable('installation').set({ first_administrator_at: null }).execute()
  const link = await replaceSetupLink(engine, { actor: 'system', address: null, requestId: null })
  assert.ok(link.state === 'made')
  return link.token
}

const linkViews = {
  invitation: '/invitation#token',
  'not-me': '/not-me#token',
  'undo-email': '/undo-email#token',
  'prove-address': '/prove#token',
  'reset-password': '/reset#token',
  'verify-email': '/verify#token',
} as const

/** What is open to whoever is not signed in. */
export const strangersWalk: Walk = async function* (console, context) {
  const page = await open(console, '/setup', context)
  yield ['set-up-without-link', page]
  yield ['set-up', await at(page, `/setup#${await newSetupLink(console)}`)]
  yield ['sign-in-first', await at(page, '/sign-in')]
  yield ['register', await at(page, '/register')]
  await page.getByLabel('Username').fill('a@b')
  await page.getByLabel('Password', { exact: true }).fill('short')
  await press(page, 'Register')
  await page.getByText('The password is too short').waitFor()
  yield ['register-refused', page]
  for (const [name, path] of Object.entries(linkViews)) yield [name, await at(page, path)]
  await press(page, 'Verify the address')
  await page.getByRole('alert').waitFor()
  yield ['link-broken', page]
  yield ['forgot-password', await at(page, '/forgot')]
  yield ['not-found', await at(page, '/nowhere')]
}

/** Where somebody has set the server up, and it sends no mail. */
export const settledWalk: Walk = async function* (console, context) {
  await withSettings(context, { awaits_administrator: false, sends_mail: false })
  const page = await open(console, '/forgot', context)
  yield ['no-mail', page]
  yield ['sign-in', await at(page, '/sign-in')]
  await fillSignIn(page, 'nobody', 'a wrong password')
  await page.getByRole('alert').waitFor()
  yield ['sign-in-refused', page]
}
