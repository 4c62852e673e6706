import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { startTestApp, type TestApp } from '../../../../test/harness.ts'
import { until } from '../../../../test/process/until.ts'
import { openSecondConnection, type SecondConnection } from '../../../../test/sessions/second-connection.ts'
import { revokeKey, rotateKeys } from '../administration/signing-keys.ts'
import { systemOrigin as origin } from '../audit/record.ts'
import { compose } from '../compose.ts'
import { day, minute } from '../ground/clock.ts'
import { newId, systemRandom } from '../ground/random.ts'
import type { Settings } from '../ground/settings.ts'
import type { FakeClock } from '../testing/fake-clock.ts'
import { type KeyRing, openKeyRing } from './key-ring.ts'
import { neededUntil, oldestView, publishedAhead } from './ring-plan.ts'
import { noteAlgorithm } from './turn-ring.ts'

let t: TestApp
let second: SecondConnection
let clock: FakeClock
/** Reads of the table of keys by the rings that `openRing` opened. */
let reads: number

beforeEach(async () => {
  t = await startTestApp()
  // Nothing happens to the ring here that the test does not do.
  await t.engine.keyRing.stop()
  ;({ clock } = t)
  second = openSecondConnection(t.engine)
  reads = 0
})
afterEach(async () => {
  second.close()
  await t.close()
})

/** As another process has it. */
const openRing = (overrides: Partial<Settings> = {}): Promise<KeyRing> => {
  const watch = t.engine.watch.withPlugin({
    transformQuery: ({ node }) => {
      if (JSON.stringify(node).includes('"signing_keys"')) reads += 1
      return node
    },
    transformResult: async ({ result }) => result,
  })
  return openKeyRing({ ...t.engine, watch, settings: { ...t.engine.settings, ...overrides } })
}

const kidsIn = (state: string): readonly string[] =>
  second.rows('select kid from signing_keys where state = ?', state).map(({ kid }) => String(kid))
const kidIn = (state: string): string => kidsIn(state)[0] ?? assert.fail(`no key is ${state}`)
const rowOf = (kid: string) => second.row('select * from signing_keys where kid = ?', kid)
const countEvents = (event: string): number =>
  second.rows('select id from audit_events where event = ?', event).length

const breakTable = (): Promise<void> => second.run('alter table signing_keys rename to away')
const repairTable = (): Promise<void> => second.run('alter table away rename to signing_keys')
const activeOf = async (ring: KeyRing): Promise<string> => (await ring.getActive()).kid

describe('of eight processes', () => {
  test('that turn the ring at once when a rotation is due, one rotates, and makes one key', async () => {
    const rings = await Promise.all(Array.from({ length: 8 }, () => openRing()))
    for (let rotation = 1; rotation <= 3; rotation += 1) {
      const next = kidIn('published')
      clock.advance(30 * day)
      await Promise.all(rings.map(ring => ring.turn()))
      assert.equal(kidIn('active'), next)
      assert.equal(countEvents('signing-key.activated'), 1 + rotation)
      assert.equal(countEvents('signing-key.made'), 2 + rotation)
      assert.deepEqual(new Set(await Promise.all(rings.map(activeOf))), new Set([next]))
    }
  })

  test('that open an empty ring at once, one makes the keys and all sign with the same', async () => {
    await second.run('delete from signing_keys')
    const rings = await Promise.all(Array.from({ length: 8 }, () => openRing()))
    assert.deepEqual(new Set(await Promise.all(rings.map(activeOf))), new Set([kidIn('active')]))
    assert.equal(second.rows('select kid from signing_keys').length, 2)
  })

  test('that revoke one key at once, one does, and one key is made for it', async () => {
    const kid = kidIn('active')
    const done = await Promise.all(Array.from({ length: 8 }, () => revokeKey(t.engine, { kid, origin })))
    assert.equal(done.filter(Boolean).length, 1)
    assert.equal(countEvents('signing-key.revoked'), 1)
    assert.equal(countEvents('signing-key.made'), 3)
  })
})

describe('a process that has not read the ring for long', () => {
  test('knows the key that another one has begun to sign with', async () => {
    const [turner, other] = [await openRing(), await openRing()]
    clock.advance(30 * day)
    await turner.turn()
    const before = reads
    assert.ok(other.find(await activeOf(turner)), 'it was published before')
    assert.equal(reads, before)
  })

  test('reads it before it signs, and signs with the key of all', async () => {
    const [turner, other] = [await openRing(), await openRing()]
    const old = await activeOf(other)
    clock.advance(30 * day)
    await turner.turn()
    const active = await activeOf(other)
    assert.notEqual(active, old)
    assert.equal(active, kidIn('active'))
  })

  test('signs without a read as long as its view is a minute old, by either clock', async () => {
    const ring = await openRing()
    clock.advance(oldestView)
    const before = reads
    assert.ok(!(ring.getActive() instanceof Promise))
    assert.equal(reads, before)
    clock.advance(1)
    await ring.getActive()
    assert.equal(reads, before + 1)
    clock.advance(-1)
    assert.ok(ring.getActive() instanceof Promise, 'the clock went back')
    await ring.getActive()
  })

  test('and can not, signs nothing: 503', async () => {
    const ring = await openRing()
    await breakTable()
    clock.advance(oldestView)
    await ring.getActive()
    clock.advance(1)
    const reason = { code: 'unavailable', details: { reason: 'signing_keys_stale', retryAfter: 1 } }
    await assert.rejects(async () => ring.getActive(), reason)
    await repairTable()
    await ring.getActive()
  })

  test('reads it by itself after a while', async () => {
    const ring = await openRing()
    clock.advance(30 * day)
    await ring.turn()
    const known = (): boolean => t.engine.keyRing.find(kidIn('published')) !== undefined
    assert.ok(!known())
    t.engine.keyRing.follow()
    await until('the app has read the ring', known)
  })
})

describe('a retired key', () => {
  test('verifies until the last token of it is over, and is then gone with its private half', async () => {
    const ring = await openRing()
    const kid = kidIn('active')
    clock.advance(30 * day)
    await ring.turn()
    const row = rowOf(kid) as Parameters<typeof neededUntil>[0] | undefined
    clock.advance(neededUntil(row ?? assert.fail()) - clock.now() - 1)
    await ring.turn()
    assert.ok(ring.find(kid) && ring.listPublic().some(jwk => jwk.kid === kid))
    assert.notEqual(rowOf(kid)?.private_key, '')
    clock.advance(1)
    await ring.turn()
    assert.equal(ring.find(kid), undefined)
    assert.ok(!ring.listPublic().some(jwk => jwk.kid === kid))
    assert.deepEqual([rowOf(kid)?.state, rowOf(kid)?.private_key], ['gone', ''])
  })

  test('stays for the longest ACCESS_TOKEN_TTL of any process that may have signed with it', async () => {
    const kid = kidIn('active')
    const patient = await openRing({ accessTokenTtl: 60 * minute })
    const ring = await openRing({ accessTokenTtl: minute })
    clock.advance(30 * day)
    await ring.turn()
    // What the patient one promised a moment before it read that.
    clock.advance(oldestView + 60 * minute)
    await ring.turn()
    await patient.turn()
    assert.ok(patient.find(kid) && ring.find(kid))
    assert.equal(rowOf(kidIn('active'))?.token_ttl, 60 * minute)
  })

  test('is forgotten after a while, so that the table does not grow for ever', async () => {
    const ring = await openRing()
    for (let rotation = 0; rotation < 20; rotation += 1) {
      clock.advance(30 * day)
      await ring.turn()
    }
    assert.ok(second.rows('select kid from signing_keys').length < 10)
  })
})

describe('a rotation that somebody asks for', () => {
  test('is made at once where every verifier knows the next key, and else when it does', async () => {
    const next = kidIn('published')
    clock.advance(1)
    assert.deepEqual(await rotateKeys(t.engine, origin), { kid: next, waitsUntil: undefined })
    const young = kidIn('published')
    assert.deepEqual(await rotateKeys(t.engine, origin), {
      kid: next,
      waitsUntil: clock.now() + publishedAhead,
    })
    clock.advance(publishedAhead - 1)
    await t.engine.keyRing.turn()
    assert.equal(kidIn('active'), next)
    clock.advance(1)
    await t.engine.keyRing.turn()
    assert.equal(kidIn('active'), young)
  })
})

describe('a command beside the servers', () => {
  const openCommand = async () => {
    const settings = { ...t.engine.settings, tokenAlgorithm: 'EdDSA', keyRotation: day } as const
    return compose({ settings, clock, durability: 'off', kind: 'command' })
  }

  test('rotates nothing and chooses no algorithm, whatever settings it was started with', async () => {
    const rows = () => second.rows('select kid, state from signing_keys order by kid')
    const before = rows()
    clock.advance(31 * day)
    const command = await openCommand()
    await command.close()
    assert.deepEqual(rows(), before)
    await (await openRing()).turn()
    assert.equal(rowOf(kidIn('published'))?.algorithm, 'ES256')
  })

  test('makes the keys where there are none', async () => {
    await second.run('delete from signing_keys')
    const command = await openCommand()
    await command.close()
    assert.equal(second.rows('select kid from signing_keys').length, 2)
  })
})

test('the first two keys are made at one moment, however the clock runs, so that either may sign at once', async () => {
  await second.run('delete from signing_keys')
  const now = (): number => {
    clock.advance(1)
    return clock.now()
  }
  const ticking = { ...clock, now }
  await openKeyRing({ ...t.engine, clock: ticking })
  const next = kidIn('published')
  const { kid, waitsUntil } = await rotateKeys({ ...t.engine, clock: ticking }, origin)
  assert.deepEqual([kid, waitsUntil], [next, undefined])
})

describe('an unknown key id', () => {
  test('of a key that another process made a moment ago is found by one read', async () => {
    const ring = await openRing()
    for (let lost = 0; lost < 2; lost += 1) await revokeKey(t.engine, { kid: kidIn('active'), origin })
    const kid = kidIn('active')
    assert.equal(ring.find(kid), undefined)
    const before = reads
    assert.equal((await ring.findAnew(kid))?.kid, kid)
    assert.equal(reads, before + 1)
  })

  test('that is not whole costs no read', async () => {
    const ring = await openRing()
    const before = reads
    for (const kid of ['', 'a', 'A'.repeat(23), '../../etc/passwd', `${'A'.repeat(21)}\0`])
      assert.equal(await ring.findAnew(kid), undefined)
    assert.equal(reads, before)
  })

  test('flood of made-up ids: thousands at once share a read or two, and those past the bound are told to wait', async () => {
    const ring = await openRing()
    const before = reads
    const asked = Array.from({ length: 5_000 }, () => ring.findAnew(newId(systemRandom)))
    const settled = await Promise.allSettled(asked)
    assert.ok(reads - before <= 2, `${reads - before} reads`)
    const refused = settled.filter(({ status }) => status === 'rejected')
    assert.equal(refused.length, 4_000)
    for (const one of refused)
      assert.equal(one.status === 'rejected' && one.reason.details.reason, 'signing_keys_busy')
  })

  test('flood of made-up ids: one after the other, they are read for four times a second at most', async () => {
    const sleeps: number[] = []
    const slow = { ...clock, sleep: async (milliseconds: number) => void sleeps.push(milliseconds) }
    const ring = await openKeyRing({ ...t.engine, clock: slow })
    for (let count = 0; count < 10; count += 1) await ring.findAnew(newId(systemRandom))
    // The clock stands still: each has to wait for the whole distance, but the first.
    assert.deepEqual(sleeps, [0, ...Array.from({ length: 9 }, () => 250)])
  })

  test('flood of made-up ids: a good one in it is still found', async () => {
    const ring = await openRing()
    for (let lost = 0; lost < 2; lost += 1) await revokeKey(t.engine, { kid: kidIn('active'), origin })
    const flood = Array.from({ length: 500 }, () => ring.findAnew(newId(systemRandom)))
    assert.equal((await ring.findAnew(kidIn('active')))?.kid, kidIn('active'))
    await Promise.all(flood)
  })

  test('that can not be looked for is 503, and not a refusal of the token', async () => {
    const ring = await openRing()
    await breakTable()
    await assert.rejects(ring.findAnew(newId(systemRandom)), { code: 'unavailable' })
    await repairTable()
    assert.equal(await ring.findAnew(newId(systemRandom)), undefined)
  })
})

describe('a revoked key', () => {
  test('that is dropped while the ring is being read stays out', async () => {
    const ring = await openRing()
    const kid = kidIn('active')
    const reading = ring.turn()
    ring.drop(kid)
    await reading
    assert.equal(ring.find(kid), undefined)
    // The rows still have it: another process has told of it, and its commit is on the way.
    await assert.rejects(async () => ring.getActive(), { code: 'unavailable' })
    assert.ok(!ring.listPublic().some(jwk => jwk.kid === kid))
  })

  test('keeps no private half in the database', async () => {
    const kid = kidIn('active')
    await revokeKey(t.engine, { kid, origin })
    assert.deepEqual([rowOf(kid)?.state, rowOf(kid)?.private_key], ['gone', ''])
  })

  test('does not come back by a hand that changes its state', async () => {
    const kid = kidIn('active')
    await revokeKey(t.engine, { kid, origin })
    await second.run("update signing_keys set state = 'retired' where kid = ?", kid)
    await assert.rejects(openRing())
  })
})

describe('another TOKEN_ALGORITHM at a start', () => {
  test('is the next key, which signs fifteen minutes later; tokens of before stay good', async () => {
    const sign = await t.engine.accessTokens.getSign()
    const token = await sign({
      ...{ userId: 'u', sessionId: 'A'.repeat(22), userVersion: 1, authTime: clock.now() },
      ...{ expiresAt: clock.now() + 60 * minute, amr: ['pwd'], roles: [] },
    })
    const settings = { ...t.engine.settings, tokenAlgorithm: 'EdDSA' } as const
    await noteAlgorithm({ ...t.engine, settings })
    const ring = await openRing(settings)
    assert.equal(rowOf(kidIn('published'))?.algorithm, 'EdDSA')
    assert.equal((await ring.getActive()).algorithm, 'ES256')
    clock.advance(publishedAhead)
    // A process that was started before, with the former one, makes no other choice.
    await t.engine.keyRing.turn()
    assert.equal((await ring.getActive()).algorithm, 'EdDSA')
    assert.equal(rowOf(kidIn('published'))?.algorithm, 'EdDSA')
    assert.equal((await t.engine.accessTokens.verify(token)).userId, 'u')
  })

  test('shows a shared key to nobody', async () => {
    const settings = { ...t.engine.settings, tokenAlgorithm: 'HS256_EVERY_VERIFIER_CAN_FORGE' } as const
    await noteAlgorithm({ ...t.engine, settings })
    const ring = await openRing(settings)
    clock.advance(publishedAhead)
    await ring.turn()
    assert.equal((await ring.getActive()).algorithm, 'HS256')
    const kids = ring.listPublic().map(({ kid, kty }) => [kid, kty])
    assert.deepEqual(kids, [[kidIn('retired'), 'EC']])
  })
})

describe('a row that somebody changed behind our back', () => {
  test('a second key that signs, or a second one that is next, is refused by the database', async () => {
    clock.advance(30 * day)
    await (await openRing()).turn()
    for (const state of ['active', 'published'])
      await assert.rejects(second.run("update signing_keys set state = ? where state = 'retired'", state))
  })

  test('none that signs: the next one does, and one more is made', async () => {
    const [active, next] = [kidIn('active'), kidIn('published')]
    await second.run("update signing_keys set state = 'retired', retired_at = null where state = 'active'")
    const ring = await openRing()
    assert.equal(await activeOf(ring), next)
    assert.equal(kidsIn('published').length, 1)
    assert.ok(active)
  })

  test('a state that is none is no key', async () => {
    const kid = kidIn('published')
    await second.run("update signing_keys set state = 'trusted' where kid = ?", kid)
    const ring = await openRing()
    assert.equal(ring.find(kid), undefined)
    assert.equal(await ring.findAnew(kid), undefined)
  })

  test('while a process runs: it keeps what it had, until that is too old', async () => {
    const ring = await openRing()
    const kid = kidIn('active')
    await second.run("update signing_keys set algorithm = 'HS256' where kid = ?", kid)
    await assert.rejects(ring.turn(), /its row says another algorithm/)
    assert.equal(ring.find(kid)?.algorithm, 'ES256')
    assert.equal(await activeOf(ring), kid)
    clock.advance(oldestView + 1)
    await assert.rejects(async () => ring.getActive(), { code: 'unavailable' })
  })
})

describe("a key that can't be opened and does not sign", () => {
  const damage = async (kid: string): Promise<() => Promise<void>> => {
    const { private_key } = rowOf(kid) ?? assert.fail()
    const put = (text: unknown): Promise<void> =>
      second.run('update signing_keys set private_key = ? where kid = ?', String(text), kid)
    await put(
      String(private_key)
        .replace(/.$/, last => (last === 'A' ? 'B' : 'A'))
        .replace(/\..{8}/, '.AAAAAAAA'),
    )
    return () => put(private_key)
  }
  const listen = (ring: KeyRing) => {
    const lines: string[] = []
    ring.tell({ error: ({ kid }, message) => void lines.push(`${kid} ${message}`) })
    return lines
  }

  for (const state of ['published', 'retired'] as const)
    test(`one damaged row: a ${state} key is left out of a ring that is read, which goes on signing and tells it once`, async () => {
      clock.advance(30 * day)
      await t.engine.keyRing.turn()
      const ring = await openRing()
      const [kid, active] = [kidIn(state), kidIn('active')]
      const lines = listen(ring)
      const mend = await damage(kid)
      for (let turns = 0; turns < 3; turns += 1) await ring.turn()
      assert.deepEqual([ring.find(kid), await ring.findAnew(kid)], [undefined, undefined])
      assert.ok(!ring.listPublic().some(jwk => jwk.kid === kid))
      clock.advance(oldestView + 1)
      assert.equal(await activeOf(ring), active)
      assert.equal(lines.length, 1)
      assert.match(lines.join(), new RegExp(`^${kid} .*GATEWRIGHT_SECRET.*: gatewright key revoke ${kid}$`))
      await mend()
      await ring.turn()
      assert.equal(ring.find(kid)?.kid, kid)
      await damage(kid)
      await ring.turn()
      assert.equal(lines.length, 2, 'it was well in between')
    })

  test('is told to whoever begins to listen later', async () => {
    const ring = await openRing()
    const kid = kidIn('published')
    await damage(kid)
    await ring.turn()
    assert.equal(listen(ring).length, 1)
  })

  test('is never the next one to sign here, and stays in the database for those who can open it', async () => {
    const ring = await openRing()
    const [kid, active] = [kidIn('published'), kidIn('active')]
    const mend = await damage(kid)
    const { private_key } = rowOf(kid) ?? assert.fail()
    clock.advance(31 * day)
    for (let turns = 0; turns < 3; turns += 1) await ring.turn()
    await rotateKeys(t.engine, origin)
    assert.deepEqual([rowOf(kid)?.state, rowOf(kid)?.private_key], ['published', private_key])
    assert.equal(await activeOf(ring), active)
    await mend()
    await ring.turn()
    assert.equal(await activeOf(ring), kid)
  })

  test('is no way out where the key that signs is revoked: another one is made', async () => {
    const [kid, active] = [kidIn('published'), kidIn('active')]
    const ring = await openRing()
    await damage(kid)
    await revokeKey(t.engine, { kid: active, origin })
    await ring.turn()
    assert.ok(![kid, active].includes(await activeOf(ring)))
    assert.equal(rowOf(kid)?.state, 'published')
  })

  test('stops the start of a server, and not the command that takes it out', async () => {
    const kid = kidIn('published')
    await damage(kid)
    await assert.rejects(openRing())
    const { settings } = t.engine
    await assert.rejects(compose({ settings, clock, durability: 'off' }))
    const command = await compose({ settings, clock, durability: 'off', kind: 'command' })
    assert.equal(await revokeKey(command, { kid, origin }), true)
    await command.close()
    assert.equal((await openRing()).find(kid), undefined)
    assert.equal(kidsIn('published').length, 1)
  })

  test('is told from the one that signs, which stops every start', async () => {
    await damage(kidIn('active'))
    const { settings } = t.engine
    await assert.rejects(compose({ settings, clock, durability: 'off', kind: 'command' }))
  })
})
