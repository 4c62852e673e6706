import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, afterEach, before, describe, test } from 'node:test'
import { minute, second } from 'gatewright/clock'
import { password } from '../harness.ts'
import { answer, find, isSignedIn, press } from './administration.ts'
import { browserMissing, type Console, makeUser, openAs, startConsole } from './start-console.ts'
import { issuer, withIssuer } from './walks/issuer.ts'
import { signedInBefore } from './walks/somebody.ts'

describe('an administrator of what there is beside users', { skip: browserMissing }, () => {
  let c: Console
  before(async () => {
    c = await startConsole(withIssuer)
    await makeUser(c, 'alice', ['admin'])
  })
  after(() => c.close())
  afterEach(() => c.rest())

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
    await page.getByRole('heading', { name: 'Where this user is signed in' }).waitFor()
    await page.getByRole('button', { name: 'End the session of gwendolyn' }).click()
    await page.getByText('gwendolyn is signed out there.').waitFor()
    await page.getByText('Nobody is.').waitFor()
    assert.equal(await isSignedIn(hers), false)

    await page.getByRole('link', { name: 'Signing keys' }).click()
    await press(page, 'Let the next one sign')
    await page.getByText('The next key signs').waitFor()
  })

  test('revokes the key of a user on the page of that user, and sees no key of anybody else there', async () => {
    for (const username of ['kimberley', 'lucinda']) {
      await makeUser(c, username)
      const theirs = await openAs(c, username, '/me/api-keys')
      await theirs.getByLabel('Name').fill(`report of ${username}`)
      await press(theirs, 'Make the key')
      await theirs.getByLabel('I have kept this key').waitFor()
    }
    const page = await openAs(c, 'alice', '/admin/users')
    await find(page, 'kimberley')
    await press(page, 'Revoke the key “report of kimberley”')
    await answer(page, 'Revoke')
    await page.getByText('The key “report of kimberley” is revoked.').waitFor()
    await page.getByRole('main').getByText('ended', { exact: true }).waitFor()
    assert.equal(await page.getByText('report of lucinda').count(), 0)
  })

  test('begins at the numbers, which lead to the lists, and blocks another issuer and takes that back', async () => {
    const page = await openAs(c, 'alice', '/sign-in')
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    await page.getByRole('img', { name: /^Sign-ins: \d+, Failed: \d+$/ }).waitFor()
    await page.getByRole('main').getByRole('link', { name: 'Services' }).click()
    await page.getByText('A new service').waitFor()
    await page.getByRole('link', { name: 'Other issuers' }).click()
    await press(page, `Block ${issuer}`)
    await answer(page, 'Block')
    await page.getByText(`${issuer} is blocked.`).waitFor()
    await page.getByText('blocked', { exact: true }).waitFor()
    await press(page, 'Undo')
    await page.getByText(`${issuer} is not blocked any more.`).waitFor()
    await page.getByRole('button', { name: `Block ${issuer}` }).waitFor()
  })

  test('looks again by itself until somebody stops it, or nobody is there for ten minutes: no session is kept alive for nobody', async () => {
    const page = await openAs(c, 'alice', '/me')
    let asked = 0
    page.on('request', request => {
      if (request.url().includes('/admin/statistics')) asked += 1
    })
    const askedIn = async (milliseconds: number): Promise<number> => {
      await page.waitForLoadState('networkidle')
      const before = asked
      await page.clock.runFor(milliseconds)
      return asked - before
    }
    await page.clock.install()
    await page.goto('/console/admin')
    await page.getByText('Counted').waitFor()
    assert.equal(await askedIn(31 * second), 1)
    await askedIn(10 * minute)
    assert.equal(await askedIn(5 * minute), 0)
    await page.mouse.move(400, 300)
    assert.equal(await askedIn(31 * second), 1)
    await press(page, 'Stop looking again')
    assert.equal(await askedIn(5 * minute), 0)
  })

  test('finds what happened to somebody from the page of that user, follows one session, and exports what was found', async () => {
    await makeUser(c, 'jocelyn')
    await openAs(c, 'jocelyn', '/me')
    const page = await openAs(c, 'alice', '/admin/users')
    await find(page, 'jocelyn')
    await page.getByRole('link', { name: 'Events of jocelyn' }).click()
    const rows = page.getByRole('list', { name: 'Audit log' }).getByRole('listitem')
    await rows.getByText('jocelyn signed in').first().waitFor()
    await page.getByLabel('Address').fill('203.0.113.9')
    await press(page, 'Search')
    await page.getByText('Nothing like that happened.').waitFor()
    await page.getByLabel('Address').fill('nowhere')
    await press(page, 'Search')
    await page.getByText('This can’t be looked for').waitFor()
    await page.getByLabel('Address').fill('')
    await page.getByLabel('Event', { exact: true }).selectOption('session.started')
    await press(page, 'Search')
    await page.getByText('Details').first().click()
    await press(page, 'All of this session')
    await page.getByText('Only of the session').waitFor()
    await signedInBefore(c, 'alice')
    await press(page, 'Export')
    await page.getByRole('dialog').getByLabel('Password', { exact: true }).fill(password)
    const [download] = await Promise.all([page.waitForEvent('download'), answer(page, 'Confirm')])
    const lines = readFileSync(await download.path(), 'utf8')
      .trimEnd()
      .split('\n')
    assert.deepEqual(
      lines.map(line => JSON.parse(line).event),
      ['session.started'],
    )
  })

  test('who may read figures alone is shown neither the audit log nor anything of it', async () => {
    const { body } = await c.t.call('POST', 'login', { body: { username: 'alice', password } })
    const role = { name: 'watcher', permissions: ['metrics:read'] }
    await c.t.call('POST', 'admin/roles', { token: body.access_token, body: role })
    await makeUser(c, 'ingrid', ['watcher'])
    const page = await openAs(c, 'ingrid', '/admin')
    await page.getByText('Counted').waitFor()
    const listed = page.getByRole('list', { name: 'Administration' }).getByRole('link')
    assert.deepEqual(await listed.allInnerTexts(), ['Overview', 'Health'])
    assert.equal(await page.getByRole('heading', { name: 'Unusual sign-ins' }).count(), 0)
    await page.goto('/console/admin/audit')
    await page.getByText('You may not do this.').waitFor()
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
})
