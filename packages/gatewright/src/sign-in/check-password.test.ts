import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import * as argon2 from '@node-rs/argon2'
import { password, startTestApp, type TestApp } from '../../../../test/harness.ts'
import { logQueries } from '../../../../test/sessions/query-log.ts'
import { openSecondConnection, type SecondConnection } from '../../../../test/sessions/second-connection.ts'
import { addUser } from '../../../../test/sessions/signed-in.ts'
import { systemOrigin as origin } from '../audit/record.ts'
import type { Engine } from '../compose.ts'
import { Refusal } from '../ground/refusal.ts'
import { parsePassword } from '../users/password.ts'
import { createPasswordHasher, type PasswordHash } from '../users/password-hasher.ts'
import { signIn } from './sign-in.ts'

const right = parsePassword(password)
const wrong = parsePassword('correct horse battery stapler')
const hasher = createPasswordHasher()
let passwordHash: PasswordHash

let t: TestApp
let second: SecondConnection
before(async () => {
  passwordHash = await hasher.hash(right)
  t = await startTestApp()
  second = openSecondConnection(t.engine)
  await addUser(t.engine, 'ann', { passwordHash })
  await addUser(t.engine, 'gone', { passwordHash })
  await addUser(t.engine, 'keyless', { passwordHash })
  await second.run("update users set disabled_at = 1 where username = 'gone'")
  await second.run("update users set password_hash = null where username = 'keyless'")
})
after(async () => {
  second.close()
  await t.close()
})

const enter = (name: string, shown = right, engine: Engine = t.engine) =>
  signIn(engine, { name, password: shown, device: '', origin })

const refuse = async (attempt: Promise<unknown>): Promise<Refusal> => {
  const error = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof Refusal, `not refused: ${error}`)
  return error
}

const failures = [
  { who: 'an unknown user', name: 'nobody', shown: right, reason: 'unknown_user' },
  { who: 'an unknown e-mail address', name: 'nobody@example.org', shown: right, reason: 'unknown_user' },
  { who: 'a wrong password', name: 'ann', shown: wrong, reason: 'wrong_password' },
  { who: 'a user without a password', name: 'keyless', shown: right, reason: 'wrong_password' },
  { who: 'a disabled user with the right password', name: 'gone', shown: right, reason: 'user_disabled' },
  { who: 'a disabled user with a wrong password', name: 'gone', shown: wrong, reason: 'wrong_password' },
] as const

describe('every failed sign-in', () => {
  for (const { who, name, shown, reason } of failures) {
    test(`costs one hash and gets one text, and its row alone tells why: ${who}`, async () => {
      const hashes = t.engine.hasher.count()
      const { place } = second.row('select max(id) as place from audit_events') ?? {}
      const refusal = await refuse(enter(name, shown))
      assert.deepEqual([refusal.code, refusal.message], ['invalid_credentials', 'The credentials are wrong.'])
      assert.equal(t.engine.hasher.count() - hashes, 1)
      const rows = second.rows('select * from audit_events where id > ?', Number(place ?? 0))
      assert.deepEqual(
        rows.map(row => [row.event, row.reason]),
        [['sign-in.failed', reason]],
      )
      const user = second.row('select id from users where username = ?', name)
      assert.equal(rows[0]?.user_id, user?.id ?? null)
      assert.ok(!JSON.stringify(rows).includes(shown))
    })
  }

  test('makes the same number of queries, each of the same shape', async () => {
    const shapes = new Map<string, string>()
    for (const { who, name, shown } of failures) {
      const { engine, queries } = logQueries(t.engine)
      await refuse(enter(name, shown, engine))
      shapes.set(who, queries.map(query => query.replace(/ where .*/, '')).join('; '))
    }
    assert.equal(new Set(shapes.values()).size, 1, JSON.stringify([...shapes], null, 2))
    assert.match(
      [...shapes.values()][0] ?? '',
      /^select .* from "users"; select .* from "sign_in_throttles"; insert into "sign_in_throttles" .*; insert into "audit_events"/,
    )
  })

  const waits = [
    { took: 0, waits: 250 },
    { took: 0.25, waits: 249.75 },
    { took: 31, waits: 219 },
    { took: 249, waits: 1 },
    { took: 250, waits: 250 },
    { took: 251, waits: 249 },
    { took: 1_990, waits: 10 },
  ]
  for (const { took, waits: expected } of waits)
    test(`that took ${took} ms leaves ${expected} ms later, at a multiple of 250 ms`, async () => {
      // When it comes, and when it is written: what was looked at before the password counts as well.
      const times = [7_000.5, 7_000.5 + took]
      const slept = Promise.withResolvers<number>()
      const woken = Promise.withResolvers<void>()
      let isAnswered = false
      const clock = {
        ...t.clock,
        monotonic: () => times.shift() ?? Number.NaN,
        sleep: (milliseconds: number) => {
          slept.resolve(milliseconds)
          return woken.promise
        },
      }
      const answered = refuse(enter('ann', wrong, { ...t.engine, clock })).then(() => {
        isAnswered = true
      })
      assert.equal(await Promise.race([slept.promise, answered]), expected)
      await new Promise(resolve => setImmediate(resolve))
      assert.ok(!isAnswered, 'it was answered before')
      woken.resolve()
      await answered
    })

  test('is on record before it is answered', async () => {
    const before = second.rows('select id from audit_events').length
    const written: number[] = []
    const count = async (): Promise<void> => {
      written.push(second.rows('select id from audit_events').length - before)
    }
    await refuse(enter('ann', wrong, { ...t.engine, clock: { ...t.clock, sleep: count } }))
    assert.deepEqual(written, [1])
  })
})

describe('a full hashing queue', () => {
  test('refuses at the moments at which a wrong password is refused, so that asking again at once is no flood', async () => {
    const tiny = createPasswordHasher({ threads: 1, ahead: 0, maxWaiting: 1 })
    const taken = [tiny.hash(right), tiny.hash(right)]
    const slept: number[] = []
    const times = [7_000, 7_030]
    const monotonic = () => times.shift() ?? Number.NaN
    const sleep = async (milliseconds: number) => void slept.push(milliseconds)
    const engine = { ...t.engine, hasher: tiny, clock: { ...t.clock, monotonic, sleep } }
    await assert.rejects(enter('ann', right, engine), { code: 'unavailable' })
    assert.deepEqual(slept, [220])
    await Promise.all(taken)
  })

  test('refuses with 503 and no hash, and is no failed sign-in', async () => {
    const guessesLeft = () => second.rows('select key, tat from sign_in_throttles order by key')
    const left = guessesLeft()
    const tiny = { ...t.engine, hasher: createPasswordHasher({ threads: 1, ahead: 0, maxWaiting: 1 }) }
    const before = second.rows('select id from audit_events').length
    const answers = await Promise.allSettled(Array.from({ length: 30 }, () => enter('ann', right, tiny)))
    const refused = answers.flatMap(answer => (answer.status === 'rejected' ? [answer.reason] : []))
    const hashed = tiny.hasher.count()
    assert.ok(hashed >= 2 && hashed < 30)
    assert.equal(refused.length, 30 - hashed)
    for (const { code, details } of refused) {
      assert.equal(code, 'unavailable')
      assert.deepEqual(details, { reason: 'hashing_queue_full', retryAfter: 1 })
    }
    assert.equal(second.rows('select id from audit_events').length, before + hashed)
    assert.deepEqual(guessesLeft(), left, 'whoever was not checked has not guessed')
  })
})

test('flood of sign-ins: while the hashing queue is full they ask the database nothing', async () => {
  const tiny = createPasswordHasher({ threads: 1, ahead: 0, maxWaiting: 1 })
  const taken = [tiny.hash(right), tiny.hash(right)]
  const { engine, queries } = logQueries(t.engine)
  await assert.rejects(enter('ann', right, { ...engine, hasher: tiny }), { code: 'unavailable' })
  assert.deepEqual(queries, [])
  await Promise.all(taken)
})

describe('a hash weaker than those of today', () => {
  const weak = (shown: string) => argon2.hash(shown, { memoryCost: 8_192, timeCost: 1, parallelism: 1 })
  const stored = (): PasswordHash =>
    String(
      second.row("select password_hash from users where username = 'old'")?.password_hash,
    ) as PasswordHash
  beforeEach(async () => {
    const hash = await weak(password)
    await second.run("delete from sessions where user_id in (select id from users where username = 'old')")
    await second.run("delete from users where username = 'old'")
    await addUser(t.engine, 'old', { passwordHash: hash })
  })

  test('is replaced when its user signs in, and the password stays the same', async () => {
    assert.ok(t.engine.hasher.needsRehash(stored(), right))
    await enter('old')
    assert.ok(!t.engine.hasher.needsRehash(stored(), right))
    assert.match(stored(), /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    await enter('old')
    await refuse(enter('old', wrong))
  })

  test('stays when the password was wrong', async () => {
    const before = stored()
    await refuse(enter('old', wrong))
    assert.equal(stored(), before)
  })

  test('does not overwrite a password that was changed meanwhile', async () => {
    const changed = await weak('changed meanwhile by its owner')
    const hash: Engine['hasher']['hash'] = async shown => {
      await second.run("update users set password_hash = ? where username = 'old'", changed)
      return t.engine.hasher.hash(shown)
    }
    await enter('old', right, { ...t.engine, hasher: { ...t.engine.hasher, hash } })
    assert.equal(stored(), changed)
  })

  test('is no wrong guess where the queue is full for the new one', async () => {
    const counters = () =>
      second.rows("select key, wrong, tat from sign_in_throttles where key like 'user.%' order by key")
    const hash = async (): Promise<never> => {
      throw new Refusal('unavailable', { reason: 'hashing_queue_full', retryAfter: 1 })
    }
    await enter('ann')
    const before = counters()
    const refusal = await refuse(enter('old', right, { ...t.engine, hasher: { ...t.engine.hasher, hash } }))
    assert.equal(refusal.code, 'unavailable')
    const known = new Set(before.map(({ key }) => key))
    const added = counters().filter(({ key }) => !known.has(key))
    assert.deepEqual(
      added.map(({ wrong, tat }) => [Number(wrong), Number(tat)]),
      [[0, t.clock.now()]],
    )
  })

  test('of today is left alone', async () => {
    await enter('ann')
    assert.equal(
      second.row("select password_hash from users where username = 'ann'")?.password_hash,
      passwordHash,
    )
  })
})

describe('a hash made elsewhere', () => {
  const byWerkzeug =
    'scrypt:1024:4:2$Eu7PkWVzca5JAk66$bf0480c1fd986dcb54a7ae3077ced7ff0737ad040fcc6d9b6eecc0d6dbcf74ea0b641c10cc6b93eb62fec88523e224eafffc1d83748154a7b24c31c3810428ba'
  /** Of 72 times `a`. */
  const byBcrypt = '$2b$05$fmWKlu1XXzORA13btb27rOBeetChkQyWzmMgvu301fLLPcWCQx0d6'
  const storedOf = (name: string) =>
    String(second.row('select password_hash from users where username = ?', name)?.password_hash)

  test('signs its user in, and is replaced by one of ours', async () => {
    await addUser(t.engine, 'moved', { passwordHash: byWerkzeug })
    await refuse(enter('moved', wrong))
    assert.equal(storedOf('moved'), byWerkzeug)
    await enter('moved')
    assert.match(storedOf('moved'), /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    await enter('moved')
    await refuse(enter('moved', wrong))
  })

  test('by bcrypt stays where more was typed than it has seen', async () => {
    await addUser(t.engine, 'long', { passwordHash: byBcrypt })
    await enter('long', parsePassword(`${'a'.repeat(72)} with a slip`))
    assert.equal(storedOf('long'), byBcrypt)
    await enter('long', parsePassword('a'.repeat(72)))
    await refuse(enter('long', parsePassword(`${'a'.repeat(72)} with a slip`)))
  })
})
