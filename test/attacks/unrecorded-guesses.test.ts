import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { second as oneSecond } from '../../packages/gatewright/src/ground/clock.ts'
import { hashingThreads } from '../../packages/gatewright/src/users/hashing-threads.ts'
import { parsePassword } from '../../packages/gatewright/src/users/password.ts'
import type { PasswordHash } from '../../packages/gatewright/src/users/password-hasher.ts'
import { testsDatabase } from '../environment.ts'
import { type Answer, password, startTestApp, type TestApp } from '../harness.ts'
import { hashCheaply, keepHashesCheap } from '../models/cheap-passwords.ts'
import { freshName } from '../senders.ts'
import { show } from '../sessions/browser.ts'
import { openSecondConnection, type SecondConnection } from '../sessions/second-connection.ts'
import { addUser } from '../sessions/signed-in.ts'
import { mostOfAddress } from './played-attacks.ts'

let t: TestApp
let second: SecondConnection
let from: string
let network = 0
before(async () => {
  t = await startTestApp({ limitsScale: 1 })
  second = openSecondConnection(t.engine)
})
after(async () => {
  second.close()
  await t.close()
})
beforeEach(() => {
  from = `203.0.113.${network++}`
})

/** A database that takes counters, and no more audit events: as where a grant is missing, or a disk nearly full. */
const refuseEvents =
  testsDatabase.kind === 'postgres'
    ? [
        `create function refuse_event() returns trigger language plpgsql as $$
          begin raise 'no more events' using errcode = 'disk_full'; end $$`,
        'create trigger refuse_events before insert on audit_events for each row execute function refuse_event()',
      ]
    : [
        `create trigger refuse_events before insert on audit_events begin select raise(abort, 'no more events'); end`,
      ]
const takeEvents =
  testsDatabase.kind === 'postgres'
    ? ['drop trigger refuse_events on audit_events', 'drop function refuse_event']
    : ['drop trigger refuse_events']
const run = async (statements: readonly string[]): Promise<void> => {
  for (const statement of statements) await second.run(statement)
}

const enter = (path: string, username: string, shown: string): Promise<Answer> =>
  t.call('POST', path, { body: { username, password: shown }, address: from })
const wrong = 'a wrong one, long'

/** Of fifteen, how many the address has left after one more wrong guess. */
const leftAfterOneMore = async (): Promise<number> => {
  const { headers } = await enter('login', freshName(), wrong)
  return Number(/"failed-sign-in-address-hour";r=(\d+)/.exec(String(headers.ratelimit))?.[1])
}

describe('while no audit event can be written', () => {
  before(() => keepHashesCheap(t.engine.hasher))
  beforeEach(() => run(refuseEvents))
  afterEach(() => run(takeEvents))

  for (const path of ['login', 'sessions'])
    test(`brute force at /${path}: wrong guesses that are not recorded are no free ones, 30 an hour reach the hash`, async () => {
      const before = t.engine.hasher.count()
      // Both ends of the hour.
      for (let n = 0; n <= 120; n++) {
        const { status } = await enter(path, freshName(), wrong)
        assert.ok(status >= 500 || status === 429, `${status}`)
        t.clock.advance(30 * oneSecond)
      }
      assert.equal(t.engine.hasher.count() - before, mostOfAddress)
    })

  test('credential testing: a throttled guess that is not recorded counts as a wrong one does', async () => {
    const name = freshName()
    for (let n = 0; n < 11; n++) {
      await enter('login', name, wrong)
      t.clock.advance(12 * oneSecond)
    }
    assert.equal(await leftAfterOneMore(), 3)
  })

  test('a right password, whose session can not be begun, is given back', async () => {
    await run(takeEvents)
    const { username: name } = await addUser(t.engine, freshName(), { passwordHash: hashCheaply(password) })
    await run(refuseEvents)
    for (let n = 0; n < 20; n++) {
      assert.ok((await enter('login', name, password)).status >= 500)
      t.clock.advance(12 * oneSecond)
    }
    assert.equal(await leftAfterOneMore(), 14)
  })
})

/** Hashes that are computed, or lie ready. */
const atOnce = 2 * hashingThreads()

/** A hash that asks for most of what a stored one may: a second or so. */
const slow = `$argon2id$v=19$m=131072,t=16,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}` as PasswordHash

test('a sign-in that finds the hashing queue full was not checked, and is given back', async () => {
  const { hasher } = t.engine
  const flooding = new AbortController()
  const flood = { group: from, isKnown: false, gone: flooding.signal }
  const guesses = Array.from({ length: atOnce + 64 }, () =>
    hasher.verify(parsePassword(wrong), slow, flood).catch(() => false),
  )
  for (let n = 0; n < 5; n++)
    assert.equal(show(await enter('login', freshName(), password)), '503 unavailable')
  flooding.abort()
  await Promise.all(guesses)
  assert.equal(await leftAfterOneMore(), 14)
})
