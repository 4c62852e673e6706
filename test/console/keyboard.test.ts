import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { minute } from 'gatewright/clock'
import type { Page } from 'playwright-core'
import { password } from '../harness.ts'
import { untilEqual } from '../process/until.ts'
import { addAuthenticator } from './authenticators.ts'
import { codeOf, keepRecoveryCodes, nextCode, readSecret } from './factors.ts'
import {
  browserMissing,
  type Console,
  fillSignIn,
  makeUser,
  open,
  openAs,
  readColours,
  startConsole,
} from './start-console.ts'
import { issuer, withIssuer } from './walks/issuer.ts'

/** What the focus is on, as a screen reader would name it. */
const readFocus = (page: Page): Promise<string> =>
  page.evaluate(`(() => {
    const { activeElement: element } = document
    const label = element.labels?.[0]?.textContent ?? element.getAttribute('aria-label') ?? element.textContent
    return element.localName + ' ' + label.trim()
  })()`)

/** What was drawn has been drawn, and its effects and their timers have run. */
const settle = (page: Page): Promise<unknown> =>
  page.evaluate(
    'new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))',
  )

/** A library may move it a moment later than what it follows; a dialog that opens puts it on its first stop twice. */
const waitForFocus = async (page: Page, expected: string): Promise<void> => {
  await untilEqual(() => readFocus(page), expected)
  await settle(page)
  await untilEqual(() => readFocus(page), expected)
}

const pressTab = async (page: Page, ...expected: readonly string[]): Promise<void> => {
  for (const name of expected) {
    await page.keyboard.press('Tab')
    await waitForFocus(page, name)
  }
}

describe('by keyboard alone', { skip: browserMissing }, () => {
  let c: Console
  before(async () => {
    c = await startConsole({ registration: 'closed', ...withIssuer })
    await makeUser(c, 'alice')
  })
  after(() => c.close())
  afterEach(() => c.rest())

  test('somebody signs in, changes the password after a confirmation, and signs out', async () => {
    const page = await open(c, '/me/password')
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await page.getByRole('heading', { name: 'Sign in' }).focus()
    await page.reload()
    await page.getByLabel('Username').waitFor()
    await pressTab(page, 'button Skip to the content', 'select Language', 'button Colours: as the device')
    await pressTab(page, 'input Username')
    await page.keyboard.type('alice')
    await pressTab(page, 'input Password')
    await page.keyboard.type(password)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Password', exact: true }).waitFor()
    await waitForFocus(page, 'h1 Password')

    c.t.clock.advance(11 * minute)
    await pressTab(page, 'input Current password')
    await page.keyboard.type(password)
    await pressTab(page, 'button Show the password', 'input New password')
    await page.keyboard.type('a new and longer password')
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog', { name: 'Confirm that it is you' })
    await dialog.waitFor()
    await waitForFocus(page, 'input Password')

    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    await waitForFocus(page, 'input New password')
    await page.keyboard.press('Enter')
    await dialog.waitFor()
    await waitForFocus(page, 'input Password')
    await pressTab(page, 'button Show the password', 'button Confirm', 'button Cancel', 'button Close')
    await pressTab(page, 'input Password')
    await page.keyboard.type(password)
    await page.keyboard.press('Enter')
    await page.getByText('The password is changed.').waitFor()
    await waitForFocus(page, 'h1 Password')

    await page.keyboard.press('Shift+Tab')
    await waitForFocus(page, 'button Sign out')
    await page.keyboard.press('Enter')
    await page.getByText('You are signed out.').waitFor()
  })

  test('the first stop leads past the header, and is seen only there', async () => {
    const page = await open(c, '/sign-in')
    const skip = page.getByRole('button', { name: 'Skip to the content' })
    await page.getByLabel('Username').waitFor()
    const isSeen = async () => ((await skip.boundingBox())?.y ?? -1) >= 0
    assert.equal(await isSeen(), false)
    await page.keyboard.press('Tab')
    await untilEqual(isSeen, true)
    await page.keyboard.press('Enter')
    await waitForFocus(page, 'h1 Sign in')
    await pressTab(page, 'input Username')
  })

  test('the language and the colours are chosen by keys, and remembered', async () => {
    const page = await open(c, '/sign-in')
    await page.getByLabel('Language').focus()
    await page.keyboard.press('ArrowDown')
    await page.getByRole('heading', { name: '登录' }).waitFor()
    await untilEqual(() => page.evaluate('document.documentElement.lang'), 'zh-Hans')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: '配色：深色' }).waitFor()
    await page.reload()
    await page.getByRole('button', { name: '配色：深色' }).waitFor()
    await untilEqual(() => readColours(page), 'dark')
    await untilEqual(() => page.title(), '登录 · Gatewright')
  })

  /** Somebody with an authenticator app, whose codes are kept, still on the page of security. */
  const setUpApp = async (page: Page): Promise<string> => {
    await page.getByRole('button', { name: 'Set up an app' }).focus()
    await page.keyboard.press('Enter')
    await waitForFocus(page, 'p Scan this picture with your authenticator app.')
    const secret = await readSecret(page)
    await pressTab(page, 'input Code from the app')
    await page.keyboard.type(codeOf(c, secret))
    await page.keyboard.press('Enter')
    await page.getByText('Nobody can show them again.').waitFor()
    await waitForFocus(page, 'h1 Security')
    await pressTab(page, 'button Copy', 'button Print', 'button Download', 'input I have kept these codes')
    await page.keyboard.press('Space')
    await pressTab(page, 'button Go on')
    await page.keyboard.press('Enter')
    await waitForFocus(page, 'h1 Security')
    return secret
  }

  test('a second factor is set up and its recovery codes are kept, and the next sign-in asks for it where the focus is', async () => {
    await makeUser(c, 'bob')
    const page = await openAs(c, 'bob', '/me/security')
    const secret = await setUpApp(page)
    await pressTab(page, 'button End all others', 'button Keep them')
    await page.keyboard.press('Enter')
    await waitForFocus(page, 'h1 Security')
    await page.getByRole('button', { name: 'Sign out' }).focus()
    await page.keyboard.press('Enter')
    await page.getByText('You are signed out.').waitFor()
    await page.getByLabel('Username').focus()
    await page.keyboard.type('bob')
    await pressTab(page, 'input Password')
    await page.keyboard.type(password)
    await page.keyboard.press('Enter')
    await waitForFocus(page, 'input Code from the app')
    await pressTab(page, 'button Confirm', 'button Use a recovery code instead', 'button Begin again')
    await page.keyboard.press('Shift+Tab')
    await page.keyboard.press('Enter')
    await waitForFocus(page, 'input Recovery code')
    await pressTab(page, 'button Confirm', 'button Use the authenticator app instead')
    await page.keyboard.press('Enter')
    await waitForFocus(page, 'input Code from the app')
    await page.keyboard.type(nextCode(c, secret))
    await page.keyboard.press('Enter')
    await page.getByText('Signed in as bob').waitFor()
  })

  test('who gives up half a sign-in reads on at the heading, and who removes a factor is asked once more', async () => {
    await makeUser(c, 'carol')
    const page = await openAs(c, 'carol', '/me/security')
    await setUpApp(page)
    await page.getByRole('button', { name: 'Remove Authenticator app' }).focus()
    await page.keyboard.press('Enter')
    await waitForFocus(page, 'button Cancel')
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await waitForFocus(page, 'button Remove Authenticator app')
    await page.getByRole('button', { name: 'Sign out' }).click()
    await fillSignIn(page, 'carol')
    await waitForFocus(page, 'input Code from the app')
    await pressTab(page, 'button Confirm', 'button Use a recovery code instead', 'button Begin again')
    await page.keyboard.press('Enter')
    await waitForFocus(page, 'h1 Sign in')
    await pressTab(page, 'input Username')
    assert.equal(await page.getByLabel('Username').inputValue(), 'carol')
  })

  test('a passkey is renamed, and the focus comes back to where it was', async () => {
    await makeUser(c, 'dave')
    const page = await openAs(c, 'dave', '/me/security')
    await addAuthenticator(page)
    await page.getByLabel('Name of the passkey').focus()
    await page.keyboard.type('Laptop')
    await page.keyboard.press('Enter')
    await keepRecoveryCodes(page)
    await page.getByRole('button', { name: 'Rename Laptop' }).focus()
    await page.keyboard.press('Enter')
    await waitForFocus(page, 'input Name of the passkey')
    await page.keyboard.press('ControlOrMeta+a')
    await page.keyboard.type('Kitchen')
    await page.keyboard.press('Enter')
    await waitForFocus(page, 'button Rename Kitchen')
  })

  test('a known browser is forgotten after a question, whose first stop is the way out, and brought back', async () => {
    await makeUser(c, 'erin')
    const page = await openAs(c, 'erin', '/me/devices')
    const forget = page.getByRole('button', { name: 'Forget Chrome on Linux' })
    await forget.focus()
    await page.keyboard.press('Enter')
    await waitForFocus(page, 'button Cancel')
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await waitForFocus(page, 'button Forget Chrome on Linux')
    await page.keyboard.press('Enter')
    await waitForFocus(page, 'button Cancel')
    await pressTab(page, 'button Forget')
    await page.keyboard.press('Enter')
    await page.getByText('Chrome on Linux is forgotten.').waitFor()
    await waitForFocus(page, 'h1 Devices')
    await pressTab(page, 'button Undo')
    await page.keyboard.press('Enter')
    await page.getByText('Chrome on Linux is known again.').waitFor()
    await waitForFocus(page, 'h1 Devices')
    await pressTab(page, 'button Forget Chrome on Linux')
  })

  test('an administrator goes from the numbers to the days and to a list, and blocks another issuer', async () => {
    await makeUser(c, 'frank', ['admin'])
    const page = await openAs(c, 'frank', '/admin/issuers')
    await page.getByRole('button', { name: `Block ${issuer}` }).focus()
    await page.keyboard.press('Enter')
    await waitForFocus(page, 'button Cancel')
    await pressTab(page, 'button Block')
    await page.keyboard.press('Enter')
    await waitForFocus(page, 'h1 Other issuers')
    await pressTab(page, 'button Undo')
    await page.keyboard.press('Enter')
    await waitForFocus(page, 'h1 Other issuers')
    await pressTab(page, `button Block ${issuer}`)
    await page.getByRole('link', { name: 'Overview' }).focus()
    await page.keyboard.press('Enter')
    await page.getByText('Counted').waitFor()
    await waitForFocus(page, 'h1 Overview')
    await pressTab(page, 'button 24 hours', 'button 7 days', 'button 90 days', 'button Stop looking again')
    const table = 'summary All numbers as a table'
    for (let stops = 0; stops < 9 && (await readFocus(page)) !== table; stops += 1)
      await page.keyboard.press('Tab')
    await waitForFocus(page, table)
    await page.keyboard.press('Enter')
    await page.getByRole('table').waitFor()
    await pressTab(page, 'section All numbers as a table')
    await page.keyboard.press('Shift+Tab')
    await page.keyboard.press('Enter')
    await pressTab(page, 'a Users', 'a Administrators', 'a Open sessions', 'a API keys', 'a Services')
    await pressTab(page, 'a Open invitations', 'summary Day by day (days of UTC)')
    await page.keyboard.press('Enter')
    await page
      .getByText(/New users: \d/)
      .first()
      .waitFor()
    for (let back = 0; back < 2; back += 1) await page.keyboard.press('Shift+Tab')
    await waitForFocus(page, 'a Services')
    await page.keyboard.press('Enter')
    await waitForFocus(page, 'h1 Services')
  })
})
