import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { minute } from 'gatewright/clock'
import type { Page } from 'playwright-core'
import { password } from '../harness.ts'
import { untilEqual } from '../process/until.ts'
import { browserMissing, type Console, makeUser, open, readColours, startConsole } from './start-console.ts'

/** What the focus is on, as a screen reader would name it. */
const readFocus = (page: Page): Promise<string> =>
  page.evaluate(`(() => {
    const { activeElement: element } = document
    const label = element.labels?.[0]?.textContent ?? element.getAttribute('aria-label') ?? element.textContent
    return element.localName + ' ' + label.trim()
  })()`)

/** A library may move it a moment later than what it follows. */
const waitForFocus = (page: Page, expected: string): Promise<void> =>
  untilEqual(() => readFocus(page), expected)

const pressTab = async (page: Page, ...expected: readonly string[]): Promise<void> => {
  for (const name of expected) {
    await page.keyboard.press('Tab')
    await waitForFocus(page, name)
  }
}

describe('by keyboard alone', { skip: browserMissing }, () => {
  let c: Console
  before(async () => {
    c = await startConsole({ registration: 'closed' })
    await makeUser(c, 'alice')
  })
  after(() => c.close())

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
})
