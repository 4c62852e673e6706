import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { minute } from 'gatewright/clock'
import type { Page } from 'playwright-core'
import { untilEqual } from '../process/until.ts'
import { addAuthenticator } from './authenticators.ts'
import { addApp, addPasskey, keepRecoveryCodes, nextCode } from './factors.ts'
import {
  browserMissing,
  type Console,
  fillSignIn,
  makeUser,
  open,
  openAs,
  startConsole,
} from './start-console.ts'

const signOut = (page: Page) => page.getByRole('button', { name: 'Sign out' }).click()
const signedIn = (page: Page, username: string) => page.getByText(`Signed in as ${username}`).waitFor()

describe('the second step of a sign-in', { skip: browserMissing }, () => {
  let c: Console
  before(async () => {
    c = await startConsole()
  })
  after(() => c.close())
  afterEach(() => c.rest())

  /** Somebody with an authenticator app, signed out again. */
  const withApp = async (username: string) => {
    await makeUser(c, username)
    const page = await openAs(c, username, '/me/security')
    const secret = await addApp(c, page)
    const codes = await keepRecoveryCodes(page)
    await page.getByText('Codes left: 10').waitFor()
    await signOut(page)
    return { page, secret, codes }
  }

  test('after the password comes the code of the app, where the focus is; a wrong one is told, and none is taken twice', async () => {
    const { page, secret } = await withApp('alice')
    await fillSignIn(page, 'alice')
    const field = page.getByLabel('Code from the app')
    await field.waitFor()
    await untilEqual(() => page.evaluate('document.activeElement.name'), 'code')
    assert.equal(await field.getAttribute('autocomplete'), 'one-time-code')
    await page.keyboard.type('000000')
    await page.keyboard.press('Enter')
    await page.getByText('This code is not right').waitFor()
    const code = nextCode(c, secret)
    await field.fill(code)
    await page.keyboard.press('Enter')
    await signedIn(page, 'alice')
    await signOut(page)
    await fillSignIn(page, 'alice')
    await field.fill(code)
    await page.keyboard.press('Enter')
    await page.getByText('was used before').waitFor()
  })

  test('a recovery code stands in for a lost app, once', async () => {
    const { page, codes } = await withApp('bob')
    for (const told of [undefined, 'This code is not right, or was used before.']) {
      await fillSignIn(page, 'bob')
      await page.getByRole('button', { name: 'Use a recovery code instead' }).click()
      await page.getByLabel('Recovery code').fill(codes[0] ?? '')
      await page.getByRole('button', { name: 'Confirm' }).click()
      if (told !== undefined) await page.getByText(told).waitFor()
      else {
        await signedIn(page, 'bob')
        await page.getByRole('link', { name: 'Security' }).click()
        await page.getByText('Codes left: 9').waitFor()
        await signOut(page)
      }
    }
  })

  test('a passkey is the second step, and signs in by itself without a name or a password', async () => {
    await makeUser(c, 'carol')
    const page = await openAs(c, 'carol', '/me/security')
    const { refuse } = await addAuthenticator(page)
    await addPasskey(page, 'Laptop')
    await keepRecoveryCodes(page)
    await page.getByText('Codes left: 10').waitFor()
    await signOut(page)
    await fillSignIn(page, 'carol')
    await page.getByRole('button', { name: 'Use the passkey' }).click()
    await signedIn(page, 'carol')
    await signOut(page)
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
    await signedIn(page, 'carol')
    await signOut(page)
    await refuse()
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
    await page.getByText('No passkey was used.').waitFor()
  })

  test('half a sign-in that was left too long begins again, with the name still there', async () => {
    const { page, secret } = await withApp('dave')
    await fillSignIn(page, 'dave')
    await page.getByLabel('Code from the app').waitFor()
    c.t.clock.advance(11 * minute)
    await page.getByLabel('Code from the app').fill(nextCode(c, secret))
    await page.getByRole('button', { name: 'Confirm' }).click()
    await page.getByText('Begin again with your password.').waitFor()
    assert.equal(await page.getByLabel('Username').inputValue(), 'dave')
    assert.equal(await page.getByLabel('Password', { exact: true }).inputValue(), '')
  })

  test('guessing: after a few wrong codes it begins again, however many are tried', async () => {
    const { page } = await withApp('erin')
    await fillSignIn(page, 'erin')
    await page.getByLabel('Code from the app').waitFor()
    const again = page.getByText('Begin again with your password.')
    for (let tries = 0; tries < 6 && (await again.count()) === 0; tries += 1) {
      await page.getByLabel('Code from the app').fill(`00000${tries}`)
      const answered = page.waitForResponse('**/login/mfa')
      await page.getByRole('button', { name: 'Confirm' }).click()
      await answered
      await page.getByText('This code is not right').or(again).waitFor()
    }
    await again.waitFor()
    assert.equal(await page.getByLabel('Username').inputValue(), 'erin')
  })

  test('half a sign-in opens no page of the account, and leaves nothing in the browser', async () => {
    const { page } = await withApp('frank')
    await fillSignIn(page, 'frank')
    await page.getByLabel('Code from the app').waitFor()
    const another = await open(c, '/me/security', page.context())
    await another.getByRole('heading', { name: 'Sign in' }).waitFor()
    const stored = await page.evaluate(
      'JSON.stringify({ ...localStorage, ...sessionStorage, ...history.state })',
    )
    assert.doesNotMatch(String(stored), /frank|mfa/)
    const names = (await page.context().cookies()).map(({ name }) => name)
    assert.deepEqual(names, ['gw_device'])
  })

  test('whoever began as another begins again', async () => {
    const { page } = await withApp('grace')
    await fillSignIn(page, 'grace')
    await page.getByRole('button', { name: 'Begin again' }).click()
    await makeUser(c, 'heidi')
    await fillSignIn(page, 'heidi')
    await signedIn(page, 'heidi')
  })

  test('no page said anything on the console, broke the policy or asked another host', () => {
    assert.deepEqual(c.faults(), [])
  })
})
