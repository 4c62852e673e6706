import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { minute } from 'gatewright/clock'
import { defaultSettings } from 'gatewright/settings'
import { join as takePlace } from '../../packages/gatewright/src/processes/join.ts'
import { openSetupLink } from '../../packages/gatewright/src/sign-in/setup-link.ts'
import { inTransaction } from '../../packages/gatewright/src/storage/transaction.ts'
import { giveKey } from '../api-keys/given.ts'
import { type Answer, type Caller, password, signUp, startTestApp, type TestApp } from '../harness.ts'
import { keepHashesCheap } from '../models/cheap-passwords.ts'
import { freshName } from '../senders.ts'
import { browse, openBrowser, show, toBrowser } from '../sessions/browser.ts'
import { codeAt, nextCode, plantTotp } from './enrolled.ts'

let t: TestApp
let admin: Caller
before(async () => {
  t = await startTestApp({ adminSecondFactor: 'required' })
  keepHashesCheap(t.engine.hasher)
})
after(() => t.close())
beforeEach(async () => {
  t.clock.advance(minute)
  admin = await signUp(t, freshName(), ['admin'])
})

const make = (token: string): Promise<Answer> =>
  t.call('POST', 'users', { token, body: { username: freshName(), password, roles: ['moderator'] } })
const metrics = (token: string): Promise<Answer> => t.call('GET', '/metrics', { token })
const addFactor = async (token: string): Promise<string> => {
  const { body } = await t.call('POST', 'me/totp', { token })
  const code = codeAt(body.secret, t.clock.now())
  const answer = await t.call('POST', 'me/totp/confirm', { token, body: { code } })
  assert.equal(answer.status, 200, answer.text)
  return answer.body.access_token
}

describe('with ADMIN_SECOND_FACTOR=required an administrator without a second factor', () => {
  test('keeps the session, and what everybody may do', async () => {
    const post = { title: 'Hello', content: 'from an administrator' }
    assert.equal((await t.call('POST', 'posts', { token: admin.access, body: post })).status, 201)
    const { body } = await t.call('GET', 'me', { token: admin.access })
    assert.ok(body.permissions.includes('users:read'))
    assert.ok(!body.permissions.includes('users:write'))
    assert.ok(body.withheld_permissions.includes('users:write'))
    assert.ok(!body.withheld_permissions.includes('posts:moderate'))
  })

  test('is refused what administrators may do, and told that a factor is missing', async () => {
    for (const answer of [await make(admin.access), await metrics(admin.access)])
      assert.equal(show(answer), '403 second_factor_required')
  })

  test('adds one, and has the permissions at once, in that session', async () => {
    const access = await addFactor(admin.access)
    assert.equal((await make(access)).status, 201)
    const { body } = await t.call('GET', 'me', { token: access })
    assert.deepEqual(body.withheld_permissions, [])
  })

  test('does so by cookie as well', async () => {
    const browser = await openBrowser(t, admin.username)
    const body = { username: freshName(), password, roles: ['user'] }
    assert.equal(show(await browse(t, browser, 'POST', 'users', { body })), '403 second_factor_required')
    const { body: shown } = await browse(t, browser, 'POST', 'me/totp')
    const code = codeAt(shown.secret, t.clock.now())
    const next = toBrowser(await browse(t, browser, 'POST', 'me/totp/confirm', { body: { code } }))
    assert.equal((await browse(t, next, 'POST', 'users', { body })).status, 201)
  })

  test('loses the permissions with the last factor, in the session that goes on', async () => {
    const access = await addFactor(admin.access)
    const { body } = await t.call('DELETE', 'me/totp', { token: access })
    assert.equal(show(await make(body.access_token)), '403 second_factor_required')
  })
})

describe('an administrator with a second factor', () => {
  test('has the permissions after a sign-in with it', async () => {
    await plantTotp(t.engine, admin.id)
    const begun = await t.call('POST', 'login', { body: { username: admin.username, password } })
    const code = await nextCode(t.engine, admin.id)
    const mfa = { mfa_token: begun.body.mfa_token, method: 'totp', code }
    const { body } = await t.call('POST', 'login/mfa', { body: mfa })
    assert.equal((await make(body.access_token)).status, 201)
  })

  test('shows it in a session from before, by a step-up, and has them then', async () => {
    const other = await t.call('POST', 'login', { body: { username: admin.username, password } })
    await addFactor(admin.access)
    t.clock.advance(minute)
    const token = other.body.access_token
    assert.equal(show(await make(token)), '403 second_factor_required')
    const code = await nextCode(t.engine, admin.id)
    const { body } = await t.call('POST', 'step-up', { token, body: { method: 'totp', code } })
    assert.equal((await make(body.access_token)).status, 201)
  })

  test('keeps them through refreshes and a change of the password', async () => {
    const access = await addFactor(admin.access)
    const change = { current_password: password, new_password: `${password}, another` }
    const { body } = await t.call('PUT', 'me/password', { token: access, body: change })
    t.clock.advance(minute)
    const refreshed = await t.call('POST', 'refresh', { body: { refresh_token: body.refresh_token } })
    assert.equal((await make(refreshed.body.access_token)).status, 201)
  })
})

test('a role given to a session of one factor gives no administrative permission to its live token', async () => {
  const ann = await signUp(t, freshName())
  const { changeRoles } = await import('gatewright/administration')
  const { systemOrigin: origin } = await import('../../packages/gatewright/src/audit/record.ts')
  await changeRoles(t.engine, { userId: ann.id, roles: ['admin'], origin })
  assert.equal(show(await make(ann.access)), '403 second_factor_required')
})

test('set-up locks nobody out: the first administrator signs in and adds a factor', async () => {
  const fresh = await startTestApp({ adminSecondFactor: 'required' })
  try {
    const link = await openSetupLink(fresh.engine)
    assert.ok(link.state === 'made')
    const body = { token: link.token, username: 'root', password }
    assert.equal((await fresh.call('POST', 'setup', { body })).status, 201)
    const login = await fresh.call('POST', 'login', { body: { username: 'root', password } })
    const token = login.body.access_token
    const { body: shown } = await fresh.call('POST', 'me/totp', { token })
    const code = codeAt(shown.secret, fresh.clock.now())
    const done = await fresh.call('POST', 'me/totp/confirm', { token, body: { code } })
    assert.equal((await fresh.call('GET', '/metrics', { token: done.body.access_token })).status, 200)
  } finally {
    await fresh.close()
  }
})

describe('without a word it is asked', () => {
  const asks = async (settings: Parameters<typeof startTestApp>[0]): Promise<boolean> => {
    const app = await startTestApp(settings)
    try {
      return app.engine.asksAdministrators()
    } finally {
      await app.close()
    }
  }
  for (const [where, settings, expected] of [
    ['on this machine alone: no', {}, false],
    ['where HOST can be reached from elsewhere: yes', { host: '0.0.0.0' }, true],
    ['behind a proxy: yes', { trustedProxies: ['192.0.2.1'] }, true],
    ['by the name of another host: yes', { publicUrl: 'https://api.example.org' }, true],
    ['where it is said to be off: no', { host: '0.0.0.0', adminSecondFactor: 'off' }, false],
  ] as const)
    test(where, async () => {
      assert.equal(await asks(settings), expected)
    })

  test('second machine: from the moment at which one comes, also of tokens and keys that were let in before', async () => {
    const app = await startTestApp({})
    try {
      const root = await signUp(app, freshName(), ['admin'])
      const headers = { 'x-api-key': await giveKey(app, root.id, { hasFactor: false }) }
      const asked = async () => {
        const key = await app.call('GET', 'protected', { headers })
        const { status } = await app.call('GET', 'admin/users', { token: root.access })
        return [status, key.body.permissions.includes('users:write')]
      }
      assert.deepEqual(await asked(), [200, true])
      const place = { kind: 'server', version: '1', host: 'there', machine: 'that', feedKinds: [] } as const
      const rest = { id: 'that', clockDifference: null, addressTrouble: null, startedAt: 0 }
      const secretIds = [app.engine.secrets.newestId]
      await inTransaction(app.engine.db, work =>
        takePlace(app.engine, work, { ...place, ...rest, secretIds }),
      )
      await app.engine.processes.beat()
      assert.deepEqual(await asked(), [403, false])
    } finally {
      await app.close()
    }
  })

  test('and a start says so where it is off and others can reach the server', async () => {
    assert.equal(defaultSettings({}).adminSecondFactor, undefined)
    const app = await startTestApp({ host: '0.0.0.0', adminSecondFactor: 'off' })
    assert.ok(app.engine.warnings.some(warning => warning.startsWith('ADMIN_SECOND_FACTOR=off ')))
    await app.close()
  })
})
