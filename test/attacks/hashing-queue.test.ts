import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { QueueCaller } from '../../packages/gatewright/src/ground/bounded-queue.ts'
import { hashingThreads } from '../../packages/gatewright/src/users/hashing-threads.ts'
import { parsePassword } from '../../packages/gatewright/src/users/password.ts'
import type { PasswordHash } from '../../packages/gatewright/src/users/password-hasher.ts'
import { type Caller, password, startTestApp, type TestApp } from '../harness.ts'
import { until } from '../process/until.ts'
import { freshName, makeOwner } from '../senders.ts'
import { listen } from './raw-http.ts'

let t: TestApp
let owner: Caller
before(async () => {
  t = await startTestApp()
  owner = await makeOwner(t)
})
after(() => t.close())

const guess = parsePassword('a guess at a password')
const flooder = '198.51.100.7'
let guesses: readonly Promise<unknown>[] = []
let gone = new AbortController()

/** Guesses without end, always more of them waiting than there are places for strangers. */
const flood = (addressOf: (n: number) => string): void => {
  const { hasher } = t.engine
  gone = new AbortController()
  const { signal } = gone
  const guessOn = async (caller: QueueCaller): Promise<void> => {
    while (!signal.aborted) await hasher.verify(guess, undefined, caller).catch(() => delay(20))
  }
  guesses = Array.from({ length: 80 }, (_, n) =>
    guessOn({ group: addressOf(n), isKnown: false, gone: signal }),
  )
}
const floodFromOne = (): void => flood(() => flooder)
const floodFromMany = (): void => flood(n => `198.51.100.${n}`)
afterEach(async () => {
  gone.abort()
  await Promise.all(guesses)
})

/** What costs a hash: how it is asked for, and what it answers where there is a place. */
type Door = {
  readonly path: string
  readonly body: () => object
  readonly isSignedIn?: true
  readonly status: number
}

const doors: readonly Door[] = [
  { path: 'login', body: () => ({ username: owner.username, password }), status: 200 },
  { path: 'sessions', body: () => ({ username: owner.username, password }), status: 201 },
  { path: 'register', body: () => ({ username: freshName(), password }), status: 201 },
  { path: 'step-up', body: () => ({ password: 'not mine, alas' }), isSignedIn: true, status: 401 },
  {
    path: 'me/password',
    body: () => ({ current_password: 'not mine, alas', new_password: password }),
    isSignedIn: true,
    status: 401,
  },
]

const methodOf = ({ path }: Door): string => (path.startsWith('me/') ? 'PUT' : 'POST')

const knock = async (door: Door, address: string): Promise<string> => {
  const token = door.isSignedIn ? owner.access : undefined
  const answer = await t.call(methodOf(door), door.path, { address, body: door.body(), token })
  return `${answer.status}${answer.status === 503 ? ` ${answer.body.code}` : ''}`
}

for (const door of doors)
  describe(`flood of guesses: ${door.path}`, () => {
    test('from elsewhere has a place and its turn among the guesses of one address', async () => {
      floodFromOne()
      assert.equal(await knock(door, '203.0.113.9'), String(door.status))
    })

    const [name, expected] = door.isSignedIn
      ? (['has a place all the same: it is no stranger', String(door.status)] as const)
      : (['is told to come again, as the flood is', '503 unavailable'] as const)

    test(`from the very address of the flood ${name}`, async () => {
      floodFromOne()
      assert.equal(await knock(door, flooder), expected)
    })

    test(`from one more address than a flood of many has ${name}`, async () => {
      floodFromMany()
      assert.equal(await knock(door, '203.0.113.9'), expected)
    })
  })

/** Hashes that are computed, or lie ready. */
const atOnce = 2 * hashingThreads()

/** A hash that asks for most of what a stored one may: a second or so. */
const slow = `$argon2id$v=19$m=131072,t=16,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}` as PasswordHash

test('flood of guesses: whoever hangs up while waiting is not hashed for, at any door', async () => {
  const port = await listen(t)
  const { hasher } = t.engine
  guesses = Array.from({ length: atOnce }, () => hasher.verify(guess, slow))
  const before = hasher.count()
  const leaving = new AbortController()
  const asked = doors.map(door =>
    fetch(`http://127.0.0.1:${port}/api/v1/${door.path}`, {
      method: methodOf(door),
      headers: {
        'content-type': 'application/json',
        ...(door.isSignedIn && { authorization: `Bearer ${owner.access}` }),
      },
      body: JSON.stringify(door.body()),
      signal: leaving.signal,
    }),
  )
  await until('all wait', () => hasher.waiting() === doors.length)
  leaving.abort()
  for (const answer of asked) await assert.rejects(answer, { name: 'AbortError' })
  await until('nobody waits', () => hasher.waiting() === 0)
  assert.equal(hasher.count(), before)
})
