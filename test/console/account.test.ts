import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { minute } from 'gatewright/clock'
import type { Page } from 'playwright-core'
import { userKey } from '../../packages/gatewright/src/sign-in/throttle-keys.ts'
import { password } from '../harness.ts'
import { untilEqual } from '../process/until.ts'
import { changePassword, confirm } from './own-account.ts'
import {
  browserMissing,
  type Console,
  fillSignIn,
  makeUser,
  open,
  openAs,
  startConsole,
} from './start-console.ts'

const newPassword = 'a new and longer password'

const heading = (page: Page, name: string) => page.getByRole('heading', { name, exact: true })

describe('the own account', { skip: browserMissing }, () => {
  let c: Console
  before(async () => {
    c = await startConsole()
  })
  after(() => c.close())
  afterEach(() => c.rest())

  test('the profile shows who is signed in, the roles and since when', async () => {
    await makeUser(c, 'alice', ['moderator'])
    const page = await openAs(c, 'alice', '/me')
    for (const text of ['alice', 'moderator', '21 November 2026'])
      await page.getByRole('definition').getByText(text, { exact: true }).waitFor()
  })

  test('the profile says until when others can not sign in anew, after too many wrong passwords', async () => {
    await makeUser(c, 'abe')
    const page = await openAs(c, 'abe', '/me')
    await page.getByText('Member since').waitFor()
    assert.equal(await page.getByText('Sign-in on new devices').count(), 0)
    const { id } = await c.t.engine.db
      .selectFrom('users')
      .select('id')
      .where('username', '=', 'abe')
      .executeTakeFirstOrThrow()
    const open_at = c.t.clock.now() + 10 * minute
    await c.t.engine.db
      .insertInto('sign_in_throttles')
      .values({ key: userKey(id), wrong: 10, open_at, tat: open_at, forgotten_at: open_at })
      .onConflict(conflict => conflict.column('key').doUpdateSet({ open_at }))
      .execute()
    await page.reload()
    await page.getByText('Sign-in on new devices').waitFor()
    await page.getByText('Delayed until').waitFor()
  })

  test('the password is changed, other devices are signed out, and the old password signs in no more', async () => {
    await makeUser(c, 'bob')
    const [page, other] = [await openAs(c, 'bob', '/me/password'), await openAs(c, 'bob', '/me')]
    await changePassword(page, 'not the right password', newPassword)
    await page.getByText('The password is wrong.').waitFor()
    await changePassword(page, password, 'short')
    await page.getByText('The password is too short: 15 characters or more.').waitFor()
    await changePassword(page, password, newPassword)
    await page.getByText('The password is changed.').waitFor()
    await untilEqual(() => page.getByLabel('New password').inputValue(), '')

    await other.getByRole('link', { name: 'Devices' }).click()
    await other.getByText('You were signed out because your password was changed').waitFor()
    await fillSignIn(other, 'bob', password)
    await other.getByText('The username or the password is wrong.').waitFor()
    await fillSignIn(other, 'bob', newPassword)
    await heading(other, 'Devices').waitFor()
  })

  test('after 10 minutes a change asks for the password again, tells a wrong one, and goes on with the right one', async () => {
    await makeUser(c, 'carol')
    const page = await openAs(c, 'carol', '/me/password')
    c.t.clock.advance(11 * minute)
    await changePassword(page, password, newPassword)
    await confirm(page, 'not the right password')
    await page.getByRole('dialog').getByText('The password is wrong.').waitFor()
    await confirm(page, password)
    await page.getByText('The password is changed.').waitFor()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
  })

  test('closing the dialog leaves everything as it was', async () => {
    await makeUser(c, 'dave')
    const page = await openAs(c, 'dave', '/me/password')
    c.t.clock.advance(11 * minute)
    await changePassword(page, password, newPassword)
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    assert.equal(await page.getByRole('alert').count(), 0)
    const another = await open(c, '/sign-in')
    await fillSignIn(another, 'dave', password)
    await another.getByText('Signed in as dave').waitFor()
  })

  test('a dialog of a session that has ended closes, and the sign-in is there', async () => {
    await makeUser(c, 'oscar')
    const page = await openAs(c, 'oscar', '/me/password')
    c.t.clock.advance(11 * minute)
    await changePassword(page, password, newPassword)
    await page.getByRole('dialog').waitFor()
    const elsewhere = await openAs(c, 'oscar', '/me/devices')
    await elsewhere.getByRole('button', { name: 'End all others' }).click()
    await elsewhere.getByText('All other devices are signed out.').waitFor()
    await confirm(page, password)
    await page.getByText('You were signed out from another device of yours').waitFor()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
  })

  test('no page said anything on the console, broke the policy or asked another host', () => {
    assert.deepEqual(c.faults(), [])
  })
})
