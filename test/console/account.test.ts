import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { minute } from 'gatewright/clock'
import type { Page } from 'playwright-core'
import { userKey } from '../../packages/gatewright/src/sign-in/throttle-keys.ts'
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

const newPassword = 'a new and longer password'

const heading = (page: Page, name: string) => page.getByRole('heading', { name, exact: true })

const changePassword = async (page: Page, current: string, next: string): Promise<void> => {
  await page.getByLabel('Current password').fill(current)
  await page.getByLabel('New password').fill(next)
  await page.getByRole('button', { name: 'Change the password' }).click()
}

const confirm = async (page: Page, secret: string): Promise<void> => {
  const dialog = page.getByRole('dialog', { name: 'Confirm that it is you' })
  await dialog.getByLabel('Password', { exact: true }).fill(secret)
  await dialog.getByRole('button', { name: 'Confirm' }).click()
}

const firefox = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0'

describe('the own account', { skip: browserMissing }, () => {
  let c: Console
  before(async () => {
    c = await startConsole()
  })
  after(() => c.close())

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
    await other.getByText('Your session has ended. Sign in to go on.').waitFor()
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
    await page.getByText('Your session has ended. Sign in to go on.').waitFor()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
  })

  test('ending another device signs that browser out, and this one stays', async () => {
    await makeUser(c, 'erin')
    const [page, other] = [await openAs(c, 'erin', '/me/devices'), await openAs(c, 'erin', '/me')]
    await page.reload()
    await page.getByText('This device').waitFor()
    const devices = page.getByRole('listitem').filter({ hasText: 'Chrome on Linux' })
    await untilEqual(() => devices.count(), 2)
    c.t.clock.advance(11 * minute)
    await page.getByRole('button', { name: /^End Chrome on Linux, 127\.0\.0\.1$/ }).click()
    await confirm(page, password)
    await page.getByText('That device is signed out.').waitFor()
    await page.getByText('You are signed in nowhere else.').waitFor()

    await other.getByRole('link', { name: 'Devices' }).click()
    await heading(other, 'Sign in').waitFor()
    await page.getByRole('link', { name: 'Profile' }).click()
    await heading(page, 'Profile').waitFor()
  })

  test('devices are named in the language of the page, on a phone too, and a hostile name is none', async () => {
    await makeUser(c, 'peggy')
    const hostile = '\u202E<img src=x onerror=alert(1)>'
    const agents = [firefox, 'Mozilla/5.0 (Windows NT 10.0)', 'curl/8.14.1', encodeURI(hostile), hostile]
    for (const agent of agents) {
      const body = { username: 'peggy', password }
      const answer = await c.t.call('POST', 'login', {
        body,
        headers: { 'user-agent': agent },
        address: '192.0.2.1',
      })
      assert.equal(answer.status, 200, answer.text)
    }
    const page = await openAs(c, 'peggy', '/me/devices')
    await page.setViewportSize({ width: 320, height: 640 })
    const names = {
      en: ['Firefox on Windows', 'Unknown program on Windows', 'Unknown device'],
      'zh-Hans': ['Windows 上的 Firefox', 'Windows 上的未知程序', '未知设备'],
      'zh-Hant': ['Windows 上的 Firefox', 'Windows 上的未知程式', '未知的裝置'],
    }
    for (const [language, [known, half, unknown]] of Object.entries(names)) {
      await page.getByRole('banner').locator('select').selectOption(language, { force: true })
      const named = (name = '') => page.getByRole('listitem').getByText(name, { exact: true })
      for (const name of [known, half, 'curl']) await untilEqual(() => named(name).count(), 1)
      assert.equal(await named(unknown).count(), 2)
      assert.equal(await page.getByText('192.0.2.1').count(), agents.length)
      assert.equal(await page.locator('main img').count(), 0)
    }
  })

  test('where the devices can not be read, the page says so and reads them when it is told to', async () => {
    await makeUser(c, 'kim')
    const page = await openAs(c, 'kim', '/me')
    await page.route('**/api/v1/sessions', route => route.fulfill({ status: 502 }))
    await page.getByRole('link', { name: 'Devices' }).click()
    await page.getByText('The server does not answer.').waitFor()
    await page.unroute('**/api/v1/sessions')
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByText('This device').waitFor()
    assert.equal(await page.getByRole('button', { name: 'Try again' }).count(), 0)
  })

  test('all others are ended at once', async () => {
    await makeUser(c, 'frank')
    const others = [await openAs(c, 'frank', '/me'), await openAs(c, 'frank', '/me')]
    const page = await openAs(c, 'frank', '/me/devices')
    await page.getByRole('button', { name: 'End all others' }).click()
    await page.getByText('All other devices are signed out.').waitFor()
    for (const other of others) {
      await other.reload()
      await heading(other, 'Sign in').waitFor()
    }
  })

  describe('in two tabs of one browser', () => {
    /** The second tab hears nothing of the first where it sleeps. */
    const twoTabs = async (
      username: string,
      path: string,
      sleeps = false,
    ): Promise<readonly [Page, Page]> => {
      await makeUser(c, username)
      const one = await openAs(c, username, path)
      const two = await one.context().newPage()
      if (sleeps) await two.addInitScript('BroadcastChannel.prototype.addEventListener = () => {}')
      await two.goto(`/console${path}`)
      await two.getByRole('navigation').waitFor()
      return [one, two]
    }

    test('signing out in one shows the sign-in in the other', async () => {
      const [one, two] = await twoTabs('grace', '/me')
      await one.getByRole('button', { name: 'Sign out' }).click()
      await two.getByText('Your session has ended.').waitFor()
    })

    test('confirming in one leaves the other working, without being asked and without its former token', async () => {
      const [one, two] = await twoTabs('heidi', '/me/password', true)
      c.t.clock.advance(11 * minute)
      await changePassword(one, password, newPassword)
      await confirm(one, password)
      await one.getByText('The password is changed.').waitFor()
      await changePassword(two, newPassword, 'another password, longer still')
      await two.getByText('The password is changed.').waitFor()
    })

    test('what one person asked for is not done as another who signed in meanwhile', async () => {
      await makeUser(c, 'ivan')
      await openAs(c, 'ivan', '/me')
      const [one, two] = await twoTabs('judy', '/me/devices', true)
      await openAs(c, 'judy', '/me')
      await two.reload()
      await two.getByRole('button', { name: 'End all others' }).waitFor()
      await one.getByRole('button', { name: 'Sign out' }).click()
      await fillSignIn(one, 'ivan')
      await one.getByText('Signed in as ivan').waitFor()
      await two.getByRole('button', { name: 'End all others' }).click()
      await two.getByText('Signed in as ivan').waitFor()
      const { sessions } = await c.t.engine.db
        .selectFrom('sessions')
        .innerJoin('users', 'users.id', 'sessions.user_id')
        .select(({ fn }) => fn.countAll<number>().as('sessions'))
        .where('users.username', '=', 'ivan')
        .where('sessions.ended_at', 'is', null)
        .executeTakeFirstOrThrow()
      assert.equal(sessions, 2, 'both devices of ivan live')
    })
  })

  test('no page said anything on the console, broke the policy or asked another host', () => {
    assert.deepEqual(c.faults(), [])
  })
})
