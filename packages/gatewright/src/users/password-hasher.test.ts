import assert from 'node:assert/strict'
import { pbkdf2 } from 'node:crypto'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import * as argon2 from '@node-rs/argon2'
import { systemRandom } from '../ground/random.ts'
import { Refusal } from '../ground/refusal.ts'
import { parsePassword } from './password.ts'
import { createPasswordHasher, type PasswordHash } from './password-hasher.ts'

const right = parsePassword('correct horse battery staple')
const wrong = parsePassword('correct horse battery stapler')

const queueIsFull = (error: unknown): boolean => {
  assert.ok(error instanceof Refusal)
  assert.equal(error.code, 'unavailable')
  assert.deepEqual(error.details, { reason: 'hashing_queue_full', retryAfter: 1 })
  return true
}

describe('verify says no', () => {
  const hasher = createPasswordHasher({ maxWaiting: 500 })
  const made = hasher.hash(right)

  test('to a wrong password, a longer one, a shorter one and the empty one', async () => {
    const texts = [wrong, parsePassword(`${right} `), parsePassword(right.slice(0, -1)), parsePassword('')]
    for (const password of texts) assert.equal(await hasher.verify(password, await made), false)
  })

  test('to what stands before a NUL', async () => {
    const stored = await hasher.hash(parsePassword('a\0b'))
    assert.equal(await hasher.verify(parsePassword('a'), stored), false)
    assert.equal(await hasher.verify(parsePassword('a\0b'), stored), true)
  })

  test('to 1,024 bytes of which only the last differs', async () => {
    const stored = await hasher.hash(parsePassword('a'.repeat(1_024)))
    assert.equal(await hasher.verify(parsePassword(`${'a'.repeat(1_023)}b`), stored), false)
  })

  test('at the price of one hash, whether the user exists or not', async () => {
    const costs = async (stored: PasswordHash | undefined) => {
      const before = hasher.count()
      assert.equal(await hasher.verify(wrong, stored), false)
      return hasher.count() - before
    }
    assert.equal(await costs(await made), 1)
    assert.equal(await costs(undefined), 1)
    assert.equal(await costs('' as PasswordHash), 1)
  })

  const change = (from: string | RegExp, to: string) => async () => (await made).replace(from, to)
  const planted = {
    'asks for 4 TiB': change('m=19456', 'm=4294967295'),
    'asks for 1 KiB more than 256 MiB': change('m=19456', 'm=262145'),
    'asks for 17 passes': change('t=2', 't=17'),
    'asks for 5 lanes': change('p=1', 'p=5'),
    'asks for no passes': change('t=2', 't=0'),
    'asks for less memory than its lanes need': change('m=19456,t=2,p=1', 'm=31,t=2,p=4'),
    'names a parameter twice': change('p=1', 'p=1,m=19456'),
    'names one instead of another': change('p=1', 'm=19456'),
    'leaves one out': change(',p=1', ''),
    'adds one of its own': change('p=1', 'p=1,x=1'),
    'writes a number in hexadecimal': change('m=19456', 'm=0x4c00'),
    'writes a number with a zero before it': change('m=19456', 'm=019456'),
    'is Argon2i': change('argon2id', 'argon2i'),
    'is of an older version': change('v=19', 'v=16'),
    'has no output': change(/[^$]+$/, ''),
    'has an output of one byte': change(/[^$]+$/, 'AA'),
    'has an output of a kilobyte': change(/[^$]+$/, 'A'.repeat(1_400)),
    'has bits to spare in its last character': change(/.$/, '9'),
    'is padded': change(/$/, '='),
    'is in base64url': change(/[^$]{3}$/, '-_A'),
    'goes on after its end': change(/$/, '\n'),
    'is text': async () => 'correct horse battery staple',
  }
  for (const [what, plant] of Object.entries(planted))
    test(`to the right password and a planted hash that ${what}`, async () => {
      const stored = (await plant()) as PasswordHash
      assert.notEqual(stored, await made)
      const before = hasher.count()
      assert.equal(await hasher.verify(right, stored), false)
      assert.equal(hasher.count() - before, 1)
      assert.equal(hasher.needsRehash(stored, right), true)
    })

  test('for a user who does not exist even if the dummy hash were of that very password', async () => {
    const salt = new Uint8Array(16).fill(7)
    const output = await argon2.hashRaw(right, { salt })
    const unlucky = createPasswordHasher({ random: { bytes: count => (count === 16 ? salt : output) } })
    assert.equal(await unlucky.verify(right, await unlucky.hash(right)), true)
    assert.equal(await unlucky.verify(right, undefined), false)
  })
})

describe('verify says yes', () => {
  const hasher = createPasswordHasher()

  test('to the right password', async () => {
    assert.equal(await hasher.verify(right, await hasher.hash(right)), true)
  })

  test('whatever the order of the parameters', async () => {
    const stored = await hasher.hash(right)
    for (const order of ['t=2,p=1,m=19456', 'p=1,m=19456,t=2']) {
      const other = stored.replace('m=19456,t=2,p=1', order) as PasswordHash
      assert.equal(await hasher.verify(right, other), true)
      assert.equal(hasher.needsRehash(other, right), false)
    }
  })

  test('to a hash that another program made with other parameters', async () => {
    for (const [memoryCost, timeCost, parallelism] of [
      [8_192, 3, 2],
      [65_536, 1, 4],
    ] as const) {
      const stored = await argon2.hash(right, { memoryCost, timeCost, parallelism, outputLen: 16 })
      assert.equal(await hasher.verify(right, stored as PasswordHash), true)
    }
  })
})

describe('a hash', () => {
  const hasher = createPasswordHasher()

  test('is Argon2id with 19 MiB, 2 passes, 1 lane, and needs no rehash', async () => {
    const stored = await hasher.hash(right)
    assert.match(stored, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    assert.equal(hasher.needsRehash(stored, right), false)
  })

  test('of the same password is another one each time', async () => {
    assert.notEqual(await hasher.hash(right), await hasher.hash(right))
  })

  for (const weaker of ['m=19455,t=2,p=1', 'm=65536,t=1,p=1', 't=1,p=4,m=19456'])
    test(`with ${weaker} needs a rehash`, async () => {
      const stored = (await hasher.hash(right)).replace('m=19456,t=2,p=1', weaker) as PasswordHash
      assert.equal(hasher.needsRehash(stored, right), true)
    })

  test('with more than today asks for needs none', async () => {
    const stored = (await hasher.hash(right)).replace('m=19456,t=2,p=1', 'm=65536,t=3,p=4') as PasswordHash
    assert.equal(hasher.needsRehash(stored, right), false)
  })
})

describe('a flood of sign-ins', () => {
  test('is refused beyond the queue before any hash', async () => {
    const hasher = createPasswordHasher({ threads: 1, ahead: 0, maxWaiting: 4 })
    const results = await Promise.allSettled(
      Array.from({ length: 200 }, () => hasher.verify(wrong, undefined)),
    )
    const reasons = results.flatMap(result => (result.status === 'rejected' ? [result.reason] : []))
    assert.equal(reasons.length, 195)
    for (const reason of reasons) queueIsFull(reason)
    assert.equal(hasher.count(), 5)
    assert.equal(hasher.waiting(), 0)
  })

  test('leaves the pool of Node.js to others: 100 of their jobs pass before half of the hashes', async () => {
    const hasher = createPasswordHasher({ maxWaiting: 200 })
    let hashed = 0
    const flood = Array.from({ length: 100 }, async () => {
      await hasher.verify(wrong, undefined)
      hashed += 1
    })
    for (let n = 0; n < 100; n += 1) await promisify(pbkdf2)('other', 'work', 1, 32, 'sha256')
    assert.ok(hashed < 50, `${hashed} hashes went before`)
    await Promise.all(flood)
    assert.equal(hasher.count(), 100)
  })

  test('gets its answers in the order of its calls', async () => {
    const hasher = createPasswordHasher({ threads: 1, ahead: 0 })
    const order: number[] = []
    await Promise.all(
      Array.from({ length: 10 }, async (_, n) => {
        await hasher.verify(wrong, undefined)
        order.push(n)
      }),
    )
    assert.deepEqual(order, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  test('goes on after a hash that failed', async () => {
    let calls = 0
    const bytes = (count: number) => {
      calls += 1
      // The first two calls are the dummy's salt and output.
      if (calls === 3) throw new Error('no entropy')
      return systemRandom.bytes(count)
    }
    const hasher = createPasswordHasher({ threads: 1, ahead: 0, random: { bytes } })
    const [failed, made] = await Promise.allSettled([hasher.hash(right), hasher.hash(right)])
    assert.equal(failed?.status, 'rejected')
    assert.equal(made?.status, 'fulfilled')
    assert.equal(hasher.waiting(), 0)
  })
})
