import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { password } from '../harness.ts'
import { untilEqual } from '../process/until.ts'
import {
  browserMissing,
  type Console,
  makeUser,
  open,
  openAs,
  startConsole,
  withSettings,
} from './start-console.ts'

const passwordOf = (page: Page) => page.getByLabel('Password', { exact: true })

describe('what the forms and pages of the console have in common', { skip: browserMissing }, () => {
  let c: Console
  before(async () => {
    c = await startConsole()
  })
  after(() => c.close())
  afterEach(() => c.rest())

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

  test('everything that is wrong with a form is said at once, each at its field', async () => {
    const page = await open(c, '/register')
    await page.getByLabel('Username').fill('a@b')
    await passwordOf(page).fill('short')
    await page.getByRole('button', { name: 'Register' }).click()
    await page.getByText('This username can’t be used.').waitFor()
    await page.getByText('The password is too short: 15 characters or more.').waitFor()
    for (const field of [page.getByLabel('Username'), passwordOf(page)])
      await untilEqual(() => field.getAttribute('aria-invalid'), 'true')
    assert.equal(await page.getByRole('alert').count(), 0, 'nothing is said twice')
    await passwordOf(page).fill(password)
    await page.getByText('The password is too short').waitFor({ state: 'detached' })
  })

  test('a password that is chosen is told to be easy to guess while it is typed, and what would help', async () => {
    const page = await open(c, '/register')
    await page.getByLabel('Username').fill('cheshire')
    const told = page.getByRole('status')
    await passwordOf(page).fill('password1234567')
    await untilEqual(
      () => told.textContent(),
      'Easy to guess, so it can’t be used. It is much like one that many people use. Add words that are less common; signs and digits are not needed.',
    )
    await passwordOf(page).fill('cheshire-1865-x')
    await page.getByText('It is made of your own names').waitFor()
    await passwordOf(page).fill('too short')
    await untilEqual(() => told.textContent(), '')
    await passwordOf(page).fill(password)
    await untilEqual(() => told.textContent(), 'Hard to guess.')
    assert.equal(await told.getAttribute('aria-live'), 'polite')
  })

  test('a password that is easy to guess is refused at its field', async () => {
    await makeUser(c, 'olga')
    const page = await openAs(c, 'olga', '/me/password')
    await page.locator('input[name="current_password"]').fill(password)
    await page.locator('input[name="new_password"]').fill('password1234567')
    await page.getByText('Easy to guess').waitFor()
    await page.getByRole('button', { name: 'Change the password' }).click()
    await page.getByText('This password is easy to guess or known to attackers.').waitFor()
    await untilEqual(() => page.locator('input[name="new_password"]').getAttribute('aria-invalid'), 'true')
  })

  test('where no mail is sent, what needs one says so, and what helps instead', async () => {
    const context = await c.newContext()
    await withSettings(context, { sends_mail: false })
    for (const path of ['/forgot', '/verify#token', '/reset#token', '/not-me#token']) {
      const page = await open(c, path, context)
      await page.getByText('This server sends no mail').waitFor()
      assert.equal(await page.getByRole('textbox').count(), 0, path)
    }
    await makeUser(c, 'sam')
    const profile = await openAs(c, 'sam', '/me', context)
    await profile.getByText('sam@example.org').waitFor()
    assert.equal(await profile.getByText('verified').count(), 0)
    await profile.getByRole('link', { name: 'E-mail' }).click()
    await profile.getByText('This server sends no mail').waitFor()
    assert.equal(await profile.getByRole('textbox').count(), 0)
    await profile.getByRole('link', { name: 'To the recovery codes' }).click()
    await profile.getByRole('heading', { name: 'Security' }).waitFor()
  })

  test('where mail is sent, its pages are there', async () => {
    const page = await open(c, '/sign-in')
    await page.getByRole('link', { name: 'Forgotten password' }).click()
    await page.getByLabel('E-mail address').waitFor()
    const buttons = {
      '/verify#t': 'Verify the address',
      '/reset#t': 'Set the password',
      '/not-me#t': 'It was not me',
      '/undo-email#t': 'Bring it back',
      '/prove#t': 'Let this device sign in',
    }
    for (const [path, name] of Object.entries(buttons)) {
      await page.goto(`/console${path}`)
      await page.getByRole('button', { name }).waitFor()
    }
    await makeUser(c, 'tess')
    await (await openAs(c, 'tess', '/me')).getByText('not verified').waitFor()
  })

  test('every page of the account offers to sign out', async () => {
    await makeUser(c, 'nora')
    const context = await c.newContext()
    const page = await openAs(c, 'nora', '/me', context)
    for (const path of ['/me', '/me/email', '/me/security', '/me/password', '/me/devices']) {
      await page.goto(`/console${path}`)
      await page.getByRole('button', { name: 'Sign out' }).waitFor()
    }
  })
})
