import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { password } from '../harness.ts'
import { untilEqual } from '../process/until.ts'
import { browserMissing, type Console, makeUser, open, openAs, startConsole } from './start-console.ts'

const passwordOf = (page: Page) => page.getByLabel('Password', { exact: true })

describe('what the forms and pages of the console have in common', { skip: browserMissing }, () => {
  let c: Console
  before(async () => {
    c = await startConsole()
  })
  after(() => c.close())

  test('every field for a password is masked, until its button is pressed', async () => {
    for (const path of ['/sign-in', '/register']) {
      const page = await open(c, path)
      await passwordOf(page).fill(password)
      await untilEqual(() => passwordOf(page).getAttribute('type'), 'password')
      await page.getByRole('button', { name: 'Show the password' }).click()
      await untilEqual(() => passwordOf(page).getAttribute('type'), 'text')
    }
    await makeUser(c, 'mia')
    const page = await openAs(c, 'mia', '/me/password')
    await page.locator('input[name="new_password"]').waitFor()
    for (const field of await page.locator('input[name$="password"]').all())
      assert.equal(await field.getAttribute('type'), 'password')
  })

  test('a password can be pasted, and a password manager knows which one is meant', async () => {
    const meant = { '/sign-in': 'current-password', '/register': 'new-password' }
    for (const [path, expected] of Object.entries(meant)) {
      const page = await open(c, path)
      assert.equal(await passwordOf(page).getAttribute('autocomplete'), expected, path)
      await passwordOf(page).focus()
      await page.keyboard.insertText(password)
      await untilEqual(() => passwordOf(page).inputValue(), password)
      const paste = `new ClipboardEvent('paste', { bubbles: true, cancelable: true })`
      const isTaken = await page.evaluate(`document.activeElement.dispatchEvent(${paste})`)
      assert.equal(isTaken, true, 'nobody prevents a paste')
    }
  })

  test('every page of the account offers to sign out', async () => {
    await makeUser(c, 'nora')
    const context = await c.newContext()
    const page = await openAs(c, 'nora', '/me', context)
    for (const path of ['/me', '/me/password', '/me/devices']) {
      await page.goto(`/console${path}`)
      await page.getByRole('button', { name: 'Sign out' }).waitFor()
    }
  })
})
