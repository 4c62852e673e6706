import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { disableUser } from 'gatewright/administration'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { hour, minute, second } from '../../packages/gatewright/src/ground/clock.ts'
import { parsePassword } from '../../packages/gatewright/src/users/password.ts'
import {
  createPasswordHasher,
  type PasswordHash,
} from '../../packages/gatewright/src/users/password-hasher.ts'
import { type Answer, type Call, password, startTestApp, type TestApp } from '../harness.ts'
import { addUser } from './signed-in.ts'

let passwordHash: PasswordHash
let t: TestApp
before(async () => {
  passwordHash = await createPasswordHasher().hash(parsePassword(password))
  t = await startTestApp()
  await addUser(t.engine, 'alice', { passwordHash })
  const { id: userId } = await addUser(t.engine, 'gone', { passwordHash })
  await disableUser(t.engine, { userId, origin })
})
after(() => t.close())

const logIn = (username: string, shown = password, options: Call = {}, on = t): Promise<Answer> =>
  on.call('POST', 'login', { body: { username, password: shown }, ...options })

const countHashes = async (act: () => Promise<unknown>, on = t): Promise<number> => {
  const before = on.engine.hasher.count()
  await act()
  return on.engine.hasher.count() - before
}

describe('whoever can not sign in', () => {
  const attempts: Record<string, () => Promise<Answer>> = {
    'an unknown user': () => logIn('nobody'),
    'an unknown e-mail address': () => logIn('nobody@example.org'),
    'a wrong password': () => logIn('alice', 'wrong password here'),
    'a password with a space more': () => logIn('alice', `${password} `),
    'a password in capitals': () => logIn('alice', password.toUpperCase()),
    'a disabled user': () => logIn('gone'),
    'a name that nobody can have': () => logIn('\u202ealice'),
    'a name in another script': () => logIn('аlice'),
    'the name of a table': () => logIn("alice' or '1'='1"),
  }
  const told = ({ status, body, headers }: Answer) => {
    const { 'x-request-id': _, date: __, ratelimit: ___, ...others } = headers
    return { status, body: { ...body, request_id: undefined }, others }
  }
  for (const [name, attempt] of Object.entries(attempts))
    test(`gets the same answer, but for its id, after one hash: ${name}`, async () => {
      const expected = told(await logIn('nobody', 'wrong password here'))
      assert.equal(expected.body.code, 'invalid_credentials')
      let answer: Answer | undefined
      assert.equal(
        await countHashes(async () => {
          answer = await attempt()
        }),
        1,
      )
      assert.ok(answer)
      assert.deepEqual(told(answer), expected)
    })
})

describe('what can not be a password is refused before any hash', () => {
  const rows: Record<string, { readonly shown: unknown; readonly status: number }> = {
    'of 1,025 bytes': { shown: 'a'.repeat(1_025), status: 400 },
    'of 1,026 bytes in 513 characters': { shown: 'é'.repeat(513), status: 400 },
    'of 5,000 characters': { shown: 'a'.repeat(5_000), status: 400 },
    'that is empty': { shown: '', status: 400 },
    'that is half a character': { shown: '\ud800', status: 400 },
    'that is a number': { shown: 1, status: 400 },
    'that is a list': { shown: [password], status: 400 },
    'that is an object': { shown: { $ne: '' }, status: 400 },
    'that is null': { shown: null, status: 400 },
  }
  for (const [name, { shown, status }] of Object.entries(rows))
    test(name, async () => {
      const hashes = await countHashes(async () => {
        const answer = await t.call('POST', 'login', { body: { username: 'alice', password: shown } })
        assert.equal(answer.status, status)
      })
      assert.equal(hashes, 0)
    })

  test('and of 1,024 bytes it is only wrong', async () => {
    assert.equal((await logIn('alice', 'a'.repeat(1_024))).status, 401)
  })
})

test('a password is the same however its characters are composed', async () => {
  const composed = 'crème brûlée à l’œuf'.normalize('NFC')
  const decomposed = composed.normalize('NFD')
  assert.notEqual(composed, decomposed)
  const pairs = [
    { username: 'claire', set: composed, shown: decomposed },
    { username: 'denise', set: decomposed, shown: composed },
  ]
  for (const { username, set, shown } of pairs) {
    await t.call('POST', 'register', { body: { username, password: set } })
    assert.equal((await logIn(username, shown)).status, 200)
    assert.equal((await logIn(username, shown.normalize('NFKC').replace('œ', 'oe'))).status, 401)
  }
})

test('a username is the same in any case and width', async () => {
  for (const name of ['alice', 'ALICE', 'Alice', 'ａｌｉｃｅ'])
    assert.equal((await logIn(name)).status, 200, name)
})

describe('signing in by e-mail address', () => {
  before(async () => {
    const register = (username: string) =>
      t.call('POST', 'register', { body: { username, password, email: 'Bob@Example.org' } })
    assert.equal((await register('bob')).status, 201)
    assert.equal((await register('bobs-impostor')).status, 201)
  })
  const verify = (username: string) =>
    t.engine.db.updateTable('users').set({ email_verified_at: 1 }).where('username', '=', username).execute()
  const nameOf = async ({ body }: Answer): Promise<string> =>
    (await t.call('GET', 'me', { token: body.access_token })).body.username

  test('is refused until the address is verified, whoever wrote it down', async () => {
    assert.equal((await logIn('bob@example.org')).body.code, 'invalid_credentials')
  })

  test('means the user who has verified it, in any case', async () => {
    await verify('bob')
    for (const name of ['bob@example.org', 'BOB@EXAMPLE.ORG', 'ｂob@example.org']) {
      const answer = await logIn(name)
      assert.equal(answer.status, 200, name)
      assert.equal(await nameOf(answer), 'bob')
    }
  })

  test('is never another who only claims the address', async () => {
    const impostors = await t.engine.db
      .selectFrom('sessions')
      .innerJoin('users', 'users.id', 'sessions.user_id')
      .select('sessions.id')
      .where('username', '=', 'bobs-impostor')
      .execute()
    assert.deepEqual(impostors, [])
  })
})

test('a flood of sign-ins is answered 503 with the time to come back, and those in the queue as usual', async () => {
  const flood = 100
  const own = await startTestApp()
  await addUser(own.engine, 'alice', { passwordHash })
  const answers = await Promise.all(Array.from({ length: flood }, () => logIn('alice', password, {}, own)))
  const refused = answers.filter(({ status }) => status !== 200)
  assert.ok(refused.length > 0 && refused.length < flood)
  for (const { status, body, headers } of refused)
    assert.deepEqual([status, body.code, headers['retry-after']], [503, 'unavailable', '1'])
  assert.equal(own.engine.hasher.count(), flood - refused.length)
  assert.equal((await logIn('alice', password, {}, own)).status, 200)
  await own.close()
})

describe('five sign-ins a minute for each address and name', () => {
  const address = '192.0.2.7'
  let limited: TestApp
  const attempt = (username: string, options: Call = {}, shown = 'wrong password here') =>
    logIn(username, shown, { address, ...options }, limited)
  const useUp = async (username: string, options: Call = {}): Promise<void> => {
    for (let n = 0; n < 5; n++) assert.equal((await attempt(username, options)).status, 401)
  }
  before(async () => {
    limited = await startTestApp({ limitsScale: 1 })
    for (const name of ['ann', 'ben', 'cem', 'dan', 'eve', 'fay'])
      await addUser(limited.engine, name, { passwordHash })
  })
  after(() => limited.close())

  test('the sixth is refused with 429, with when to come back and what the limit is', async () => {
    await useUp('ann')
    const { status, body, headers } = await attempt('ann')
    assert.deepEqual([status, body.code], [429, 'rate_limited'])
    assert.equal(headers['retry-after'], '12')
    assert.match(String(headers['ratelimit-policy']), /"sign-in-address-username";q=5;w=60/)
    assert.match(String(headers.ratelimit), /"sign-in-address-username";r=0;t=12/)
  })

  test('the sixth costs no hash and no row of its own, and the right password fares no better', async () => {
    await useUp('ben', { address: '192.0.2.8' })
    // Behind the answer, at most a row a minute tells of the limit.
    const written = limited.engine.db.selectFrom('audit_events').select('id')
    const rows = () => written.where('event', '!=', 'limit.exceeded').execute()
    const before = await rows()
    const hashes = await countHashes(async () => {
      for (const shown of ['wrong password here', password])
        assert.equal((await attempt('ben', { address: '192.0.2.8' }, shown)).status, 429)
    }, limited)
    assert.equal(hashes, 0)
    assert.deepEqual(await rows(), before)
  })

  test('another name, and another address, are not affected', async () => {
    await useUp('cem', { address: '192.0.2.9' })
    assert.equal((await attempt('cem', { address: '192.0.2.9' })).status, 429)
    assert.equal((await attempt('dan', { address: '192.0.2.9' }, password)).status, 200)
    assert.equal((await attempt('cem', { address: '192.0.2.10' }, password)).status, 200)
  })

  test('the same name written otherwise is the same name', async () => {
    const from = { address: '192.0.2.11' }
    for (const name of ['eve', 'EVE', 'Eve', 'ｅｖｅ', 'evE'])
      assert.equal((await attempt(name, from)).status, 401)
    assert.equal((await attempt('eVe', from)).status, 429)
  })

  test('a name that nobody has is limited as well', async () => {
    await useUp('nobody', { address: '192.0.2.12' })
    assert.equal((await attempt('nobody', { address: '192.0.2.12' })).status, 429)
  })

  test('addresses of one IPv6 network count as one', async () => {
    for (let n = 1; n <= 5; n++)
      assert.equal((await attempt('fay', { address: `2001:db8::${n}` })).status, 401)
    assert.equal((await attempt('fay', { address: '2001:db8::6' })).status, 429)
    assert.equal((await attempt('fay', { address: '2001:db8:0:1::1' })).status, 401)
  })

  test('one more is let in each twelve seconds, and all five after a minute', async () => {
    const from = { address: '192.0.2.13' }
    await useUp('ann', from)
    limited.clock.advance(12 * second - 1)
    assert.equal((await attempt('ann', from)).status, 429)
    limited.clock.advance(1)
    assert.equal((await attempt('ann', from)).status, 401)
    assert.equal((await attempt('ann', from)).status, 429)
    limited.clock.advance(minute)
    await useUp('ann', from)
  })

  test('an address signs in thirty times a minute, all names and right passwords together', async () => {
    const from = { address: '192.0.2.14' }
    limited.clock.advance(hour)
    for (const name of ['ann', 'ben', 'cem', 'dan', 'eve', 'fay'])
      for (let n = 0; n < 5; n++) assert.equal((await attempt(name, from, password)).status, 200)
    const hashes = await countHashes(async () => {
      assert.equal((await attempt('another', from, password)).status, 429)
    }, limited)
    assert.equal(hashes, 0)
  })
})
