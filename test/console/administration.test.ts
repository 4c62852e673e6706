import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { minute } from 'gatewright/clock'
import { password } from '../harness.ts'
import { untilEqual } from '../process/until.ts'
import { answer, find, isSignedIn, press } from './administration.ts'
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
import { issuer, withIssuer } from './walks/issuer.ts'

describe('an administrator of users', { skip: browserMissing }, () => {
  let c: Console
  before(async () => {
    c = await startConsole(withIssuer)
    await makeUser(c, 'alice', ['admin'])
  })
  after(() => c.close())
  afterEach(() => c.rest())

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

  test('is told that what stands there is from before the change, where it could not be read again', async () => {
    await makeUser(c, 'beatrice')
    const page = await openAs(c, 'alice', '/admin/users')
    await find(page, 'beatrice')
    const reading = '**/api/v1/admin/users/*'
    await page.route(reading, route =>
      route.request().method() === 'GET' ? route.abort() : route.continue(),
    )
    await page.getByLabel('moderator').check()
    await press(page, 'Change the roles')
    await page.getByText('beatrice has other roles now.').waitFor()
    await page.getByText('The server does not answer. Try again.').waitFor()
    await page.unroute(reading)
    await press(page, 'Try again')
    await page.getByRole('button', { name: 'Try again' }).waitFor({ state: 'detached' })
    await page.getByRole('main').getByText('moderator').first().waitFor()
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

  test('creates a user without a password, who chooses one by the link of the mail', async () => {
    const page = await openAs(c, 'alice', '/admin/invitations')
    const fill = async (username: string): Promise<void> => {
      await page.getByLabel('E-mail address').fill('dora@example.org')
      await page.getByLabel('Username').fill(username)
      await press(page, 'Invite')
    }
    await fill('alice')
    await page.getByText('This username is taken').first().waitFor()
    await fill('dora')
    await page.getByText('dora is created. A link to choose a password is on its way').waitFor()
    const link = (await c.t.deliverMail()).findLast(({ to }) => to === 'dora@example.org')?.link
    const hers = await open(c, `/reset#${link?.token}`)
    await hers.getByLabel('New password').fill(password)
    await press(hers, 'Set the password')
    await untilEqual(async () => {
      const body = { username: 'dora', password }
      return (await c.t.call('POST', 'login', { body })).status
    }, 200)
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

  test('links a user to whom another issuer names, takes that away and undoes it, and links the same to nobody else', async () => {
    for (const username of ['margaret', 'nicolette']) await makeUser(c, username)
    const page = await openAs(c, 'alice', '/admin/users')
    const link = async (username: string) => {
      await find(page, username)
      await untilEqual(() => page.getByLabel('Issuer').inputValue(), issuer)
      await page.getByLabel('Subject').fill('margaret-elsewhere')
      await press(page, 'Link')
    }
    await link('margaret')
    await page.getByText('margaret-elsewhere is linked.').waitFor()
    await press(page, 'Remove the link to margaret-elsewhere')
    await answer(page, 'Remove')
    await page.getByText('margaret-elsewhere is linked no more.').waitFor()
    const links = page.getByRole('list', { name: 'Linked identities' })
    await untilEqual(() => links.count(), 0)
    await press(page, 'Undo')
    await links.getByText('margaret-elsewhere').waitFor()
    await link('nicolette')
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
