import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { plantTotp } from '../../../../test/factors/enrolled.ts'
import {
  type Answer,
  type Call,
  type Caller,
  password,
  signUp,
  startTestApp,
  type TestApp,
} from '../../../../test/harness.ts'
import { minute, second } from '../ground/clock.ts'
import { type RefusalCode, refusals } from '../ground/refusal.ts'
import { statuses } from './problem.ts'

let t: TestApp
let ann: Caller
let users = 0
before(async () => {
  t = await startTestApp()
})
beforeEach(async () => {
  ann = await signUp(t, `ann${++users}`)
})
after(() => t.close())

const window = 10 * second
const call = (method: string, path: string, options: Call = {}): Promise<Answer> =>
  t.call(method, path, options)
const refresh = (refreshToken = ann.refresh): Promise<Answer> =>
  call('POST', 'refresh', { body: { refresh_token: refreshToken } })

/** Only verifiers elsewhere say it: here the roles are read again. */
type Elsewhere = 'token_stale'
type Code = Exclude<
  { [Each in RefusalCode]: (typeof statuses)[Each] extends 401 ? Each : never }[RefusalCode],
  Elsewhere
>

/** How each comes about, and the parameters of its challenge (RFC 6750 §3, RFC 9470 §3). */
const challenges: Readonly<Record<Code, { readonly refuse: () => Promise<Answer>; readonly told: string }>> =
  {
    invalid_credentials: {
      refuse: () => call('POST', 'login', { body: { username: ann.username, password: `${password}!` } }),
      told: '',
    },
    mfa_required: {
      refuse: async () => {
        await plantTotp(t.engine, ann.id)
        return call('POST', 'login', { body: { username: ann.username, password } })
      },
      told: '',
    },
    password_change_required: {
      refuse: async () => {
        const { id, username } = await signUp(t, 'dora')
        await t.engine.db.updateTable('users').set({ password_change_due: 1 }).where('id', '=', id).execute()
        return call('POST', 'login', { body: { username, password } })
      },
      told: '',
    },
    invalid_mfa_code: {
      refuse: () => call('POST', 'login/mfa', { body: { mfa_token: 'x', method: 'totp', code: '000000' } }),
      told: '',
    },
    invalid_token: {
      refuse: () => call('GET', 'me', { token: 'x' }),
      told: ` error="invalid_token", error_description="${refusals.invalid_token}"`,
    },
    token_expired: {
      refuse: () => {
        t.clock.advance(11 * minute)
        return call('GET', 'me', { token: ann.access })
      },
      told: ` error="invalid_token", error_description="${refusals.token_expired}"`,
    },
    session_ended: {
      refuse: async () => {
        await call('POST', 'logout', { token: ann.access })
        return call('GET', 'me', { token: ann.access })
      },
      told: ` error="invalid_token", error_description="${refusals.session_ended}"`,
    },
    refresh_token_reused: {
      refuse: async () => {
        t.clock.advance(window)
        await refresh()
        t.clock.advance(window)
        return refresh()
      },
      told: ` error="invalid_token", error_description="${refusals.refresh_token_reused}"`,
    },
    insufficient_user_authentication: {
      refuse: async () => {
        t.clock.advance(11 * minute)
        const { body } = await refresh()
        return call('DELETE', 'sessions', { token: body.access_token })
      },
      told: ` error="insufficient_user_authentication", error_description="${refusals.insufficient_user_authentication}", max_age="600"`,
    },
  }

describe('WWW-Authenticate of a 401', () => {
  for (const [code, { refuse, told }] of Object.entries(challenges))
    test(`${code} names the scheme, and the error and why where a token was shown`, async () => {
      const { status, headers, body } = await refuse()
      assert.deepEqual([status, body.code], [401, code])
      assert.equal(headers['www-authenticate'], `Bearer${told}`)
    })

  test('is asserted here for every code that is a 401', () => {
    const codes = Object.entries(statuses).flatMap(([code, status]) => (status === 401 ? [code] : []))
    const elsewhere: Elsewhere = 'token_stale'
    assert.deepEqual([...Object.keys(challenges), elsewhere].sort(), codes.sort())
  })

  test('tells no error to a caller that showed no credential', async () => {
    for (const [method, path] of [
      ['GET', 'me'],
      ['POST', 'refresh'],
      ['POST', 'logout'],
    ] as const)
      assert.equal((await call(method, path)).headers['www-authenticate'], 'Bearer', path)
  })

  test('is on no other answer', async () => {
    const answers = [
      await call('GET', 'posts'),
      await call('GET', 'nowhere'),
      await call('POST', 'users', { token: ann.access, body: { username: 'x', password, roles: [] } }),
    ]
    for (const { headers } of answers) assert.equal(headers['www-authenticate'], undefined)
  })
})
