import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { openSetupLink } from '../../packages/gatewright/src/sign-in/setup-link.ts'
import { password } from '../harness.ts'
import { untilEqual } from '../process/until.ts'
import {
  browserMissing,
  type Console,
  fillSignIn,
  makeUser,
  open,
  openAs,
  startConsole,
} from './start-console.ts'

describe('signing in', { skip: browserMissing }, () => {
  let c: Console
  before(async () => {
    c = await startConsole({ limitsScale: 1 })
  })
  after(() => c.close())
  afterEach(() => c.rest())

  test('before there is an administrator, the sign-in says how one is made', async () => {
    const page = await open(c, '/sign-in')
    await page.getByText('open the set-up link that the first start printed').waitFor()
  })

  test('the set-up link makes the first administrator and signs in, once, and its token leaves the address bar', async () => {
    const link = await openSetupLink(c.t.engine)
    assert.ok(link.state === 'made')
    const page = await open(c, `/setup#${link.token}`)
    await page.getByLabel('Username').fill('alice')
    await untilEqual(() => new URL(page.url()).hash, '')
    await page.getByLabel('Password', { exact: true }).fill('too short')
    await page.getByText('9 of 15 characters').waitFor()
    await page.getByRole('button', { name: 'Make the administrator' }).click()
    await page.getByText('The password is too short: 15 characters or more.').waitFor()
    await page.getByLabel('Password', { exact: true }).fill(password)
    await page.getByText('Long enough').waitFor()
    await page.getByRole('button', { name: 'Make the administrator' }).click()
    await page.getByRole('heading', { name: 'Profile' }).waitFor()
    await page.getByText('admin', { exact: true }).waitFor()

    const another = await open(c, '/sign-in')
    await another.getByLabel('Username').waitFor()
    assert.equal(await another.getByText('set-up link').count(), 0)

    const again = await open(c, `/setup#${link.token}`)
    await again.getByLabel('Username').fill('mallory')
    await again.getByLabel('Password', { exact: true }).fill(password)
    await again.getByRole('button', { name: 'Make the administrator' }).click()
    await again.getByText('This link can’t be used').waitFor()
    await again.getByRole('link', { name: 'Sign in' }).click()
    await again.getByRole('heading', { name: 'Sign in' }).waitFor()
  })

  test('a set-up link that is pasted into an open page is read as well', async () => {
    const page = await open(c, '/setup')
    await page.getByText('Open this page by the set-up link').waitFor()
    await page.getByRole('link', { name: 'Sign in' }).waitFor()
    await page.goto('/console/setup#another')
    await page.getByRole('button', { name: 'Make the administrator' }).waitFor()
    await untilEqual(() => new URL(page.url()).hash, '')
  })

  test('who registers is signed in, and a taken name is said at its field', async () => {
    const page = await open(c, '/sign-in')
    await page.getByRole('link', { name: 'Register' }).click()
    await page.getByLabel('Username').fill('Alice')
    await page.getByLabel('Password', { exact: true }).fill(password)
    await page.getByRole('button', { name: 'Register' }).click()
    await page.getByText('This username is taken.').waitFor()
    await untilEqual(() => page.getByLabel('Username').getAttribute('aria-invalid'), 'true')
    await page.getByLabel('Username').fill('bob')
    await page.getByRole('button', { name: 'Register' }).click()
    await page.getByRole('heading', { name: 'Profile' }).waitFor()
    await page.getByText('Signed in as bob').waitFor()
  })

  test('who must sign in first comes back to where they wanted to go', async () => {
    await makeUser(c, 'carol')
    const page = await open(c, '/me/devices')
    await fillSignIn(page, 'carol')
    await page.getByRole('heading', { name: 'Devices' }).waitFor()
    await untilEqual(() => new URL(page.url()).pathname, '/console/me/devices')
    await untilEqual(() => page.title(), 'Devices · Gatewright')
    await page.goto('/console/sign-in')
    await page.getByRole('heading', { name: 'Profile' }).waitFor()
  })

  test('the session cookie is none that a script could read', async () => {
    await makeUser(c, 'dave')
    const page = await openAs(c, 'dave', '/me')
    assert.equal(await page.evaluate('document.cookie'), '')
    const stored = await page.evaluate('JSON.stringify({ ...localStorage, ...sessionStorage })')
    assert.doesNotMatch(String(stored), /gws_|csrf/)
  })

  test('guessing: wrong credentials get one text, and after a few the button counts down until the next try', async () => {
    await makeUser(c, 'erin')
    const page = await open(c, '/sign-in')
    await fillSignIn(page, 'erin', 'a wrong password')
    await page.getByText('The username or the password is wrong.').waitFor()
    for (let tries = 1; tries < 6; tries += 1) {
      const answered = page.waitForResponse('**/api/v1/sessions')
      await page.getByRole('button', { name: 'Sign in', exact: true }).click()
      await answered
    }
    await page.getByText('Too many attempts.').waitFor()
    const button = page.getByRole('button', { name: /^Try again in \d+ s$/ })
    await button.waitFor()
    await untilEqual(() => button.isDisabled(), true)
  })

  test('a server that does not answer is said to be away, and the next try works', async () => {
    await makeUser(c, 'frank')
    const page = await open(c, '/sign-in')
    await page.getByLabel('Username').waitFor()
    await page.route('**/api/v1/sessions', route => route.abort())
    await fillSignIn(page, 'frank')
    await page.getByText('The server does not answer.').waitFor()
    await page.unroute('**/api/v1/sessions')
    await fillSignIn(page, 'frank')
    await page.getByText('Signed in as frank').waitFor()
  })

  test('at another address than the own one, the page says at which one it goes on', async () => {
    const context = await c.browser.newContext({ locale: 'en-GB' })
    const page = await context.newPage()
    await page.goto(`${c.url.replace('localhost', '127.0.0.1')}/console/sign-in`)
    await fillSignIn(page, 'frank')
    await page.getByText(`Open ${c.url}/console and try again.`).waitFor()
    await context.close()
  })

  test('signing out ends the session and says so, and the way back leads to the sign-in', async () => {
    await makeUser(c, 'grace')
    const page = await openAs(c, 'grace', '/me')
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByText('You are signed out.').waitFor()
    await untilEqual(() => new URL(page.url()).pathname, '/console/sign-in')
    const cookies = async () => (await page.context().cookies()).map(({ name }) => name)
    // It signs nobody in, and is kept for the next time.
    await untilEqual(cookies, ['gw_device'])
    await page.goto('/console/me')
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  })

  test('no page said anything on the console, broke the policy or asked another host', () => {
    assert.deepEqual(
      c.faults().filter(text => !text.includes('ERR_FAILED')),
      [],
    )
  })
})
