import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { sql } from 'kysely'
import { openStage, type Stage, secretId, secretText } from '../../../../test/processes/stage.ts'
import { day, second } from '../ground/clock.ts'
import { Refusal } from '../ground/refusal.ts'
import { isDatabaseFailure } from '../storage/database-failure.ts'
import { inTransaction } from '../storage/transaction.ts'
import { checkKindsKnown, checkKindsWritten } from './feed-kinds.ts'
import { beatInterval, longestLease, longestSilence, longestWork, readProcesses } from './live-process.ts'
import { readMachine } from './machine.ts'

let stage: Stage
beforeEach(async () => {
  stage = await openStage()
})
afterEach(() => stage.close())

const [A, B] = [secretId(1), secretId(2)]
const isUnavailable = (error: unknown): boolean =>
  error instanceof Refusal &&
  error.code === 'unavailable' &&
  error.details.reason === 'process_not_registered'

describe('values are made', () => {
  test('with the newest secret that every live process holds, whichever restarts first', async () => {
    const first = await stage.startNode([1])
    const second = await stage.startNode([1])
    const renewed = await stage.startNode([2, 1])
    assert.equal(await stage.makeSession(renewed), A)
    await first.processes.leave()
    await renewed.processes.beat()
    assert.equal(await stage.makeSession(renewed), A)
    await second.processes.leave()
    await renewed.processes.beat()
    assert.equal(await stage.makeSession(renewed), B)
    assert.equal(await stage.inForce(), B)
  })

  test('with the former secret by a process that has not heard of the change, which all still hold', async () => {
    const old = await stage.startNode([1])
    const slow = await stage.startNode([2, 1])
    await slow.processes.beat()
    await old.processes.leave()
    const starting = await stage.startNode([2, 1])
    assert.equal(await stage.makeSession(starting), B)
    assert.equal(await stage.makeSession(slow), A)
    await slow.processes.beat()
    assert.equal(await stage.makeSession(slow), B)
  })

  test('with the former secret as long as lists disagree about the order', async () => {
    await stage.startNode([1, 2])
    const one = await stage.startNode([2, 1])
    await one.processes.beat()
    assert.equal(await stage.makeSession(one), A)
  })
})

/** As on a disk that is full, or may only be read: what is there can be read. */
const refusals = {
  sqlite: {
    refuse: sql`pragma query_only = on`,
    allow: sql`pragma query_only = off`,
    why: 'the file of the database, or its disk, may only be read',
  },
  postgres: {
    refuse: sql`create function refuse() returns trigger language plpgsql as
      $$ begin raise exception 'no space' using errcode = '53100'; end $$;
      create trigger refuse before insert or update on processes execute function refuse()`,
    allow: sql`drop trigger refuse on processes`,
    why: 'the disk of the PostgreSQL server is full',
  },
} as const

test('a process of a database that takes no writes stays ready, says why it does not, and since when', async () => {
  const { refuse, allow, why } = refusals[process.env.TEST_DATABASE === 'postgres' ? 'postgres' : 'sqlite']
  const node = await stage.startNode([1])
  assert.equal(node.processes.writeTrouble(), undefined)
  const told: string[] = []
  const note = ({ event }: Readonly<Record<string, unknown>>): void => void told.push(String(event))
  node.processes.tell({ info: note, warn: note, error: note })
  await refuse.execute(stage.db)
  await stage.pass(longestSilence + 4 * beatInterval, node)
  const trouble = node.processes.writeTrouble()
  assert.deepEqual(trouble, { why, milliseconds: longestSilence + 3 * beatInterval })
  assert.deepEqual(node.processes.reasons(), [])
  await assert.rejects(stage.makeSession(node), isDatabaseFailure)
  await allow.execute(stage.db)
  await node.processes.beat()
  assert.equal(node.processes.writeTrouble(), undefined)
  assert.deepEqual(told, ['database.unwritable', 'database.writable'])
  assert.equal(await stage.makeSession(node), A)
})

describe('a start', () => {
  const refusedStart = (list: readonly number[], message: RegExp) =>
    assert.rejects(stage.startNode(list), error => {
      assert.ok(error instanceof Error)
      assert.match(error.message, message)
      assert.ok(!list.some(number => error.message.includes(secretText(number))), 'it shows a secret')
      return true
    })

  test('without the secret in force stops, and names it', async () => {
    await refusedStart(
      [2],
      new RegExp(`rests on the secret ${A}, which is not here .values are made with it.`),
    )
    assert.deepEqual(await readProcesses(stage.db), [])
  })

  test('of an old configuration stops once values are made with the new secret', async () => {
    await stage.startNode([2, 1])
    assert.equal(await stage.inForce(), B)
    await refusedStart([1], new RegExp(`rests on the secret ${B}`))
  })

  test('without a secret on which a session rests stops, and says how many and until when', async () => {
    const node = await stage.startNode([1])
    await stage.makeSession(node)
    await stage.makeSession(node)
    await node.processes.leave()
    await (await stage.startNode([2, 1])).processes.leave()
    const until = new Date(stage.clock.now() + 14 * day).toISOString()
    await refusedStart(
      [2],
      new RegExp(`secret ${A}, .*2 of sessions, the last until ${until}.*secret retire ${A}`),
    )
  })

  test('without a secret on which only ended and outlived sessions rest goes on', async () => {
    const node = await stage.startNode([1])
    await stage.makeSession(node)
    await stage.db.updateTable('sessions').set({ ended_at: 1 }).execute()
    await stage.makeSession(node)
    await node.processes.leave()
    stage.clock.advance(14 * day)
    await (await stage.startNode([2, 1])).processes.leave()
    await stage.startNode([2])
  })

  test('without a secret of a token that was just replaced waits for the retry window', async () => {
    await (await stage.startNode([2, 1])).processes.leave()
    await stage.insertSession(stage.db, B)
    await stage.db
      .updateTable('sessions')
      .set({ former_secret_id: A, generation_since: stage.clock.now() })
      .execute()
    await refusedStart([2], new RegExp(`secret ${A}`))
    stage.clock.advance(10 * second)
    await stage.startNode([2])
  })

  test('without a secret that another process may be using is refused until that has heard of the change', async () => {
    const slow = await stage.startNode([2, 1])
    await stage.db.updateTable('processes').set({ makes_with: A }).execute()
    await refusedStart([2], /a server on here may still be making values with it/)
    await slow.processes.beat()
    await stage.startNode([2])
  })

  test('without a secret of a value that is still under way elsewhere is refused for as long as that may be stored', async () => {
    const old = await stage.startNode([1])
    const slow = await stage.startNode([2, 1])
    await old.processes.leave()
    await slow.processes.beat()
    assert.equal(await stage.makeSession(slow), B)
    // As many beats as fit in: each says that it lives, and none that nothing is under way.
    await stage.pass(longestWork - 1, slow)
    await refusedStart([2], new RegExp(`secret ${A}, .*a server on here may still be making values with it`))
    await stage.pass(1, slow)
    await stage.startNode([2])
  })

  test('without a secret that was in force between two changes, one soon after the other, is refused as well', async () => {
    const [oldest, older] = [await stage.startNode([1]), await stage.startNode([2, 1])]
    const slow = await stage.startNode([3, 2, 1])
    await oldest.processes.leave()
    await slow.processes.beat()
    assert.equal(await stage.makeSession(slow), B)
    await older.processes.leave()
    await slow.processes.beat()
    assert.equal(await stage.makeSession(slow), secretId(3))
    await stage.db.updateTable('sessions').set({ ended_at: 1 }).execute()
    await refusedStart([3, 1], new RegExp(`secret ${B}, .*may still be making values with it`))
    await stage.pass(longestWork, slow)
    await stage.startNode([3, 1])
  })

  test('of two with different secrets on an empty database stops for the later one', async () => {
    await stage.startNode([1])
    await refusedStart([3], new RegExp(`secret ${A}`))
    await refusedStart([3, 2], new RegExp(`secret ${A}`))
  })

  test('with a secret twice is refused', () => {
    assert.throws(() => stage.newNode([1, 1]), /listed twice/)
  })
})

describe('a process that is not heard of', () => {
  test('is taken out by one that was heard all that time, and holds up no change then', async () => {
    await stage.startNode([1])
    const renewed = await stage.startNode([2, 1])
    await stage.pass(longestSilence, renewed)
    assert.equal(await stage.makeSession(renewed), A)
    await stage.pass(beatInterval, renewed)
    assert.equal(await stage.makeSession(renewed), B)
    assert.equal((await readProcesses(stage.db)).length, 1)
  })

  test('is not taken out by one that was not heard either: the database was away', async () => {
    const old = await stage.startNode([1])
    const renewed = await stage.startNode([2, 1])
    stage.clock.advance(10 * longestSilence)
    await renewed.processes.beat()
    await stage.startNode([2, 1])
    assert.equal(await stage.inForce(), A)
    await old.processes.beat()
    assert.deepEqual(old.processes.reasons(), [])
    await stage.pass(2 * longestSilence, old, renewed)
    assert.equal(await stage.makeSession(old), A)
  })

  test('takes its place again before it makes anything, once it was stopped for longer than its lease', async () => {
    const stopped = await stage.startNode([2, 1])
    await stage.db.deleteFrom('processes').execute()
    // Within the lease it makes values by what it knew.
    assert.equal(await stage.makeSession(stopped), B)
    assert.equal((await readProcesses(stage.db)).length, 0)
    stage.clock.advance(longestLease + 1)
    assert.equal(await stage.makeSession(stopped), B)
    assert.equal((await readProcesses(stage.db)).length, 1)
  })

  test('makes nothing with a secret that those who came meanwhile do not hold', async () => {
    const stopped = await stage.startNode([1])
    const renewed = await stage.startNode([2, 1])
    await stage.pass(longestSilence + beatInterval, renewed)
    await renewed.processes.leave()
    const newer = await stage.startNode([2])
    await assert.rejects(stage.makeSession(stopped), isUnavailable)
    await stopped.processes.beat()
    await assert.rejects(stage.makeSession(stopped), isUnavailable)
    assert.match(stopped.processes.reasons().join(), new RegExp(`not in the register: .*secret ${B}`))
    assert.equal(await stage.makeSession(newer), B)
    const rows = await stage.db.selectFrom('sessions').select('secret_id').execute()
    assert.deepEqual(
      rows.map(row => row.secret_id),
      [B],
    )
  })

  test('takes its place again by its next beat, and is ready', async () => {
    const stopped = await stage.startNode([2, 1])
    const other = await stage.startNode([2, 1])
    await stage.pass(longestSilence + beatInterval, other)
    assert.equal((await readProcesses(stage.db)).length, 1)
    assert.match(stopped.processes.reasons().join(), /not in the register/)
    await stopped.processes.beat()
    assert.deepEqual(stopped.processes.reasons(), [])
    assert.equal((await readProcesses(stage.db)).length, 2)
  })

  test('whose clock was ahead is not counted as ended', async () => {
    await stage.startNode([1])
    await stage.db
      .updateTable('processes')
      .set({ seen_at: stage.clock.now() + day })
      .execute()
    const renewed = await stage.startNode([2, 1])
    assert.equal(await stage.makeSession(renewed), A)
  })
})

test('a process that left is not in the register, and a late beat does not bring it back', async () => {
  const node = await stage.startNode([1])
  const beating = node.processes.beat()
  await node.processes.leave()
  await beating
  await node.processes.beat()
  assert.deepEqual(await readProcesses(stage.db), [])
})

test('of processes with old and new lists that start at once, none is left without the secret in force', async () => {
  for (let round = 0; round < 15; round++) {
    const lists = [[1], [2, 1], [2, 1], [1], [2, 1]]
    const starting = lists.map(list => stage.startNode(list))
    const started = (await Promise.allSettled(starting)).flatMap(result =>
      result.status === 'fulfilled' ? result.value : [],
    )
    assert.ok(started.length > 0)
    const inForce = await stage.inForce()
    for (const { secretIds } of await readProcesses(stage.db)) assert.ok(secretIds.includes(inForce))
    for (const node of started) await node.processes.leave()
    await stage.db.updateTable('installation').set({ secret_id: A }).execute()
  }
})

describe('another machine on the database', () => {
  const elsewhere = { machine: { id: 'that', host: 'there' } }
  const safe = {
    gatewrightSecret: [secretText(1)],
    publicUrl: 'http://localhost:3000',
    registration: 'closed',
    mail: 'off',
  } as const

  test("makes production's rules hold: a start that breaks them is refused, and says why", async () => {
    await stage.startNode([1], elsewhere, safe)
    await assert.rejects(
      stage.startNode([1], {}, { ...safe, limitsScale: 2 }),
      /^Unfit: another machine \(there\) works on the database, so production's rules hold: LIMITS_SCALE/,
    )
    assert.equal((await readProcesses(stage.db)).length, 1)
    const { processes } = await stage.startNode([1], {}, safe)
    assert.deepEqual(processes.surroundings(), { otherMachine: 'there' })
    assert.deepEqual(processes.reasons(), [])
  })

  test('that comes later takes traffic from a process that breaks the rules, which says so loudly', async () => {
    const lines: string[] = []
    const note = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`)
    const { processes } = await stage.startNode([1], {}, { ...safe, limits: 'off' })
    processes.tell({ info: note, warn: note, error: note })
    assert.deepEqual(processes.reasons(), [])
    const other = await stage.startNode([1], elsewhere, safe)
    await processes.beat()
    assert.match(processes.reasons().join(), /another machine \(there\).*LIMITS=off/)
    assert.match(lines.join(), /another machine is on the database.*LIMITS=off/)
    await other.processes.leave()
    await processes.beat()
    assert.deepEqual(processes.reasons(), [])
  })

  test('is not what another process of this machine is', async () => {
    const machine = readMachine()
    await stage.startNode([1], { machine }, { limitsScale: 2 })
    await stage.startNode([1], { machine: readMachine() }, { limitsScale: 2 })
  })
})

describe('a kind of cut-off', () => {
  const check = (...kinds: readonly string[]) => inTransaction(stage.db, work => checkKindsKnown(work, kinds))

  test('that a live process does not know is refused, and the refusal names process and version', async () => {
    await stage.startNode([1], { feedKinds: ['session', 'user', 'reread-user', 'new'] })
    await check('new')
    const old = { version: '0.9.0', machine: { id: 'this', host: 'old-host' } }
    const { processes } = await stage.startNode([1], old)
    await assert.rejects(check('session', 'new'), (error: Refusal) => {
      assert.equal(error.code, 'conflict')
      assert.match(error.message, /server on old-host \(version 0\.9\.0\) does not know .* kind new/)
      return true
    })
    await processes.leave()
    await check('new')
  })

  test('that has always been there is asked of nobody', async () => {
    const { processes } = await stage.startNode([1], { feedKinds: [] })
    await inTransaction(stage.db, work =>
      checkKindsWritten(work, ['session', 'user', 'reread-user', 'api-key']),
    )
    await processes.leave()
  })
})
