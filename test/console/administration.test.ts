import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { minute } from 'gatewright/clock'
import type { Page } from 'playwright-core'
import { password } from '../harness.ts'
import { untilEqual } from '../process/until.ts'
import { addApp, keepRecoveryCodes } from './factors.ts'
import {
  browserMissing,
  type Console,
  fillSignIn,
  makeUser,
  open,
  openAs,
  startConsole,
} from './start-console.ts'

describe('an administrator', { skip: browserMissing }, () => {
  let c: Console
  before(async () => {
    c = await startConsole()
    await makeUser(c, 'alice', ['admin'])
  })
  after(() => c.close())
  afterEach(() => c.rest())

  /** The page of one user, found by the beginning of the name. */
  const find = async (page: Page, username: string): Promise<void> => {
    await page.getByRole('link', { name: 'Users', exact: true }).click()
    await page.getByLabel('Beginning of the name').fill(username.slice(0, -1))
    await page.getByRole('button', { name: 'Search' }).click()
    await page.getByRole('link', { name: username, exact: true }).click()
    await page.getByText('Open sessions').waitFor()
  }

  const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click()

  const answer = (page: Page, name: string) =>
    page.getByRole('dialog').getByRole('button', { name, exact: true }).click()

  const isSignedIn = async (page: Page): Promise<boolean> => {
    const status = (await page.context().request.get('/api/v1/sessions/current')).status()
    return status === 200
  }

  test('finds a user, disables with a reason, undoes that, and gives other roles and the former ones again', async () => {
    await makeUser(c, 'benjamin', ['moderator', 'user'])
    const bens = await openAs(c, 'benjamin', '/me')
    const page = await openAs(c, 'alice', '/admin/users')
    await find(page, 'benjamin')

    await press(page, 'Disable')
    const dialog = page.getByRole('dialog', { name: 'Disable: benjamin' })
    await dialog.getByText('All sessions end, on every device.').waitFor()
    await dialog.getByLabel('Reason').fill('left the company')
    await answer(page, 'Disable')
    await page.getByText('benjamin is disabled.').waitFor()
    await page.getByRole('main').getByText('Disabled', { exact: true }).waitFor()
    assert.equal(await isSignedIn(bens), false)

    await press(page, 'Undo')
    await page.getByText('benjamin can sign in again.').waitFor()
    assert.equal(await page.getByRole('button', { name: 'Undo' }).count(), 0)
    await openAs(c, 'benjamin', '/me')

    await page.getByLabel('moderator').uncheck()
    await press(page, 'Change the roles')
    await page.getByText('benjamin has other roles now.').waitFor()
    await untilEqual(() => page.getByLabel('moderator').isChecked(), false)
    await press(page, 'Undo')
    await page.getByText('benjamin has the former roles again.').waitFor()
    await untilEqual(() => page.getByLabel('moderator').isChecked(), true)
  })

  test('removes the second factors of whoever has lost them, with a reason, after showing once more who it is', async () => {
    await makeUser(c, 'caroline')
    const hers = await openAs(c, 'caroline', '/me/security')
    await addApp(c, hers)
    await keepRecoveryCodes(hers)
    const page = await openAs(c, 'alice', '/admin/users')
    await find(page, 'caroline')
    c.t.clock.advance(11 * minute)
    await press(page, 'Remove the second factors')
    await page.getByLabel('Reason').fill('lost the telephone, came with a passport')
    await answer(page, 'Remove the second factors')

    const confirmation = page.getByRole('dialog', { name: 'Confirm that it is you' })
    await confirmation.getByLabel('Password', { exact: true }).fill('a wrong password')
    await press(page, 'Confirm')
    await confirmation.getByText('The password is wrong.').waitFor()
    await confirmation.getByLabel('Password', { exact: true }).fill(password)
    await press(page, 'Confirm')
    await page.getByText('The second factors of caroline are removed.').waitFor()
    assert.equal(await page.getByRole('button', { name: 'Remove the second factors' }).count(), 0)
    assert.equal(await isSignedIn(hers), false)
  })

  test('who gives up the confirmation has changed nothing, and is told of nothing', async () => {
    await makeUser(c, 'dominic')
    const page = await openAs(c, 'alice', '/admin/users')
    await find(page, 'dominic')
    c.t.clock.advance(11 * minute)
    await press(page, 'Delete')
    await page.getByText('Nobody can undo this.').waitFor()
    await answer(page, 'Delete')
    await page.getByRole('dialog', { name: 'Confirm that it is you' }).waitFor()
    await answer(page, 'Cancel')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    assert.equal(await page.getByRole('alert').count(), 0)
    await openAs(c, 'dominic', '/me')
  })

  test('deletes a user, of whom nothing is shown any more', async () => {
    await makeUser(c, 'eleanore')
    const page = await openAs(c, 'alice', '/admin/users')
    await find(page, 'eleanore')
    await press(page, 'Delete')
    await answer(page, 'Delete')
    await page.getByText('eleanore is deleted.').waitFor()
    assert.equal(await page.getByText('Open sessions').count(), 0)
  })

  test('makes a service with a key, is told of a name that is taken, disables it and takes that back, and deletes it', async () => {
    const page = await openAs(c, 'alice', '/admin/services')
    const make = async () => {
      await page.getByLabel('Name').fill('nightly-reports')
      await press(page, 'Make the service')
    }
    await make()
    await page.getByText('The service nightly-reports is made.').waitFor()
    await make()
    await page.getByText('This username is taken.').waitFor()
    await page.getByRole('link', { name: 'nightly-reports' }).click()
    await page.getByLabel('user', { exact: true }).check()
    await press(page, 'Change the roles')
    await page.getByText('nightly-reports has other roles now.').waitFor()
    await page.getByLabel('Name', { exact: true }).fill('of the night')
    await page.getByLabel('users:read').check()
    await press(page, 'Make the key')
    await page.getByLabel('I have kept this key').check()
    const key = await page.getByRole('main').locator('code').innerText()
    await press(page, 'Go on')
    const tryKey = async () =>
      (await c.t.call('GET', '/api/v1/users', { headers: { 'x-api-key': key } })).status
    assert.equal(await tryKey(), 200)
    await press(page, 'Disable')
    await answer(page, 'Disable')
    await page.getByText('nightly-reports is disabled.').waitFor()
    await press(page, 'Undo')
    await page.getByText('nightly-reports is enabled.').waitFor()
    assert.equal(await tryKey(), 401)
    await press(page, 'Delete')
    await answer(page, 'Delete')
    await page.getByText('nightly-reports is deleted.').waitFor()
  })

  test('asks why somebody may do something, and reads each part of the rule with a tick or a cross', async () => {
    await makeUser(c, 'francesca')
    const page = await openAs(c, 'alice', '/admin/explain')
    const ask = async (asked: string) => {
      await page.getByLabel('Permission or route').fill(asked)
      await press(page, 'Ask')
    }
    await page.getByLabel('Username').fill('francesca')
    await ask('posts:moderate')
    await page.getByRole('status').getByText('No', { exact: true }).waitFor()
    await page.getByRole('listitem').getByRole('img', { name: 'Does not hold:' }).waitFor()
    await ask('POST /api/v1/posts')
    await page.getByRole('status').getByText('Yes', { exact: true }).waitFor()
    await ask('posts:burn')
    await page.getByText('There is no such permission or route.').waitFor()
    await page.getByLabel('Username').fill('nobody-at-all')
    await ask('posts:write')
    await page.getByText('There is no such thing, or it is gone.').waitFor()
  })

  test("sees where somebody is signed in and ends it there, and is told that a signing key's turn comes", async () => {
    await makeUser(c, 'gwendolyn')
    const hers = await openAs(c, 'gwendolyn', '/me')
    const page = await openAs(c, 'alice', '/admin/users')
    await find(page, 'gwendolyn')
    await page.getByRole('link', { name: '1: show them' }).click()
    await page.getByText('Where gwendolyn is signed in').waitFor()
    await page.getByRole('button', { name: 'End the session of gwendolyn' }).click()
    await page.getByText('gwendolyn is signed out there.').waitFor()
    assert.equal(await isSignedIn(hers), false)

    await page.getByRole('link', { name: 'Signing keys' }).click()
    await press(page, 'Let the next one sign')
    await page.getByText('The next key signs').waitFor()
  })

  test('makes a role, changes it and takes that back, and who has it is offered no more and goes no way up', async () => {
    const page = await openAs(c, 'alice', '/admin/roles')
    await page.getByLabel('Name').fill('support')
    for (const permission of ['users:read', 'users:write']) await page.getByLabel(permission).check()
    await press(page, 'Make the role')
    await page.getByText('The role support is made.').waitFor()
    await press(page, 'Change the role support')
    await page.getByLabel('audit:read').check()
    await page.getByRole('main').getByRole('button', { name: 'Change', exact: true }).last().click()
    await page.getByText('The role support is changed.').waitFor()
    await press(page, 'Undo')
    await page.getByText('The role support is as it was.').waitFor()

    await makeUser(c, 'harriet', ['support'])
    const hers = await openAs(c, 'harriet', '/admin/users')
    assert.equal(await hers.getByRole('link', { name: 'Signing keys' }).count(), 0)
    await find(hers, 'alice')
    await press(hers, 'End all sessions')
    await answer(hers, 'End all sessions')
    await hers.getByText('concerns someone who may do more than you').waitFor()
    assert.equal(await isSignedIn(page), true)

    await page.reload()
    await press(page, 'Delete the role support')
    await answer(page, 'Delete')
    await page.getByText('This does not go with how things stand now.').waitFor()
  })

  test('asks for a new password of somebody, who is signed out, chooses one, and comes to where she wanted to go', async () => {
    await makeUser(c, 'isabella')
    const hers = await openAs(c, 'isabella', '/me')
    const page = await openAs(c, 'alice', '/admin/users')
    await find(page, 'isabella')
    await press(page, 'Ask for a new password')
    await answer(page, 'Ask for a new password')
    await page.getByText('isabella has to choose a new password').waitFor()
    await page.getByText('new password due').waitFor()
    assert.equal(await isSignedIn(hers), false)

    await hers.goto('/console/me/devices')
    await fillSignIn(hers, 'isabella')
    await hers.getByText('A new password is due before you are signed in.').waitFor()
    const choose = async (chosen: string) => {
      await hers.getByLabel('New password').fill(chosen)
      await press(hers, 'Set the password')
    }
    await choose(password)
    await hers.getByText('This is the password that you have. Choose another.').waitFor()
    await choose('a password that nobody else has seen')
    await hers.getByText('The password is set.').waitFor()
    assert.equal(await hers.getByLabel('Username').inputValue(), 'isabella')
    await fillSignIn(hers, 'isabella', 'a password that nobody else has seen')
    await hers.getByRole('heading', { name: 'Devices' }).waitFor()
  })

  test('a new password that was due and came too late begins again, and the old one still opens nothing', async () => {
    await makeUser(c, 'josephine')
    await c.t.engine.db
      .updateTable('users')
      .set({ password_change_due: 1 })
      .where('username', '=', 'josephine')
      .execute()
    const hers = await open(c, '/me/devices')
    await fillSignIn(hers, 'josephine')
    await hers.getByLabel('New password').fill('a password that nobody else has seen')
    c.t.clock.advance(11 * minute)
    await press(hers, 'Set the password')
    await hers.getByText('Begin again with your password.').waitFor()
    assert.equal(await hers.getByLabel('Username').inputValue(), 'josephine')
    await fillSignIn(hers, 'josephine')
    await hers.getByText('A new password is due').waitFor()
    assert.equal(await isSignedIn(hers), false)
  })

  test('is told that the last administrator must stay', async () => {
    const page = await openAs(c, 'alice', '/admin/users')
    await find(page, 'alice')
    await press(page, 'Disable')
    await page.getByLabel('Reason').fill('by mistake')
    await answer(page, 'Disable')
    await page.getByText('This is the last administrator, and one must stay.').waitFor()
    assert.equal(await isSignedIn(page), true)
  })
})
