import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { minute } from 'gatewright/clock'
import type { Page } from 'playwright-core'
import { password } from '../harness.ts'
import { changePassword, confirm } from './own-account.ts'
import { browserMissing, type Console, fillSignIn, makeUser, openAs, startConsole } from './start-console.ts'

const newPassword = 'a new and longer password'

describe('two tabs of one browser', { skip: browserMissing }, () => {
  let c: Console
  before(async () => {
    c = await startConsole()
  })
  after(() => c.close())
  afterEach(() => c.rest())

  /** The second tab hears nothing of the first where it sleeps. */
  const twoTabs = async (username: string, path: string, sleeps = false): Promise<readonly [Page, Page]> => {
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

  test('no page said anything on the console, broke the policy or asked another host', () => {
    assert.deepEqual(c.faults(), [])
  })
})
