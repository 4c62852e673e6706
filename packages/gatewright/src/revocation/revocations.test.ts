import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, mock, test } from 'node:test'
import { startTestApp, type TestApp } from '../../../../test/harness.ts'
import { until } from '../../../../test/process/until.ts'
import { logQueries } from '../../../../test/sessions/query-log.ts'
import { openSecondConnection, type SecondConnection } from '../../../../test/sessions/second-connection.ts'
import { addUser } from '../../../../test/sessions/signed-in.ts'
import { minute } from '../ground/clock.ts'
import { newId, systemRandom } from '../ground/random.ts'
import { listRoles } from '../users/users.ts'
import { createCutOffSet } from './cut-off-set.ts'
import { type CutOffKind, cutOffKinds } from './cut-offs.ts'
import { createRevocations, type Revocations } from './revocations.ts'

const start = Date.UTC(2026, 10, 21, 12)
const maxAge = 5_000
const feedInterval = 1_000
const pruneInterval = 30_000
const longestWait = 500

let t: TestApp
let second: SecondConnection
before(async () => {
  mock.timers.enable({ apis: ['setInterval'] })
  t = await startTestApp()
  t.engine.revocations.stop()
  // Time is moved here: nothing else may write whenever that happens.
  await t.engine.processes.leave()
  second = openSecondConnection(t.engine)
})
after(async () => {
  second.close()
  await t.close()
  mock.timers.reset()
})

/** Wall clock and monotonic clock apart, and sleeps that end when the test says so. */
const createClocks = () => {
  let [wall, monotonic] = [start, 1_000]
  const sleeps: { readonly milliseconds: number; readonly end: () => void }[] = []
  return {
    clock: {
      now: () => wall,
      monotonic: () => monotonic,
      behind: () => 0,
      sleep: (milliseconds: number) =>
        new Promise<void>(end => {
          sleeps.push({ milliseconds, end })
          // Between a read that failed and the next one nobody waits here.
          if (milliseconds < longestWait) end()
        }),
    },
    sleeps,
    pass: (milliseconds: number) => {
      wall += milliseconds
      monotonic += milliseconds
    },
    setWall: (by: number) => {
      wall += by
    },
    setMonotonic: (by: number) => {
      monotonic += by
    },
  }
}

let time: ReturnType<typeof createClocks>
let view: Revocations
let queries: string[]
let answered: () => Promise<void>
let roleReads: string[]
let failRoles: boolean

beforeEach(async () => {
  time = createClocks()
  roleReads = []
  failRoles = false
  const log = logQueries(t.engine)
  ;({ queries, answered } = log)
  view = createRevocations({
    db: log.engine.db,
    watch: log.engine.db,
    clock: time.clock,
    maxAge,
    readRoles: async userId => {
      roleReads.push(userId)
      const roles = await listRoles(log.engine.db, userId)
      if (failRoles) throw new Error('the database went away')
      return roles
    },
  })
  await view.start()
})
afterEach(async () => {
  view.stop()
  await second.run('delete from cut_offs')
})

const settle = (): Promise<void> => second.settle()

type Written = {
  readonly kind?: string
  readonly subject: string
  readonly version?: number
  readonly until?: number
}

/** As another process writes it. */
const write = ({ kind = 'session', subject, version, until = start + 10 * minute }: Written): Promise<void> =>
  second.run(
    'insert into cut_offs (kind, subject, version, matters_until, created_at) values (?, ?, ?, ?, ?)',
    kind,
    subject,
    version ?? null,
    until,
    start,
  )

const readFeed = async (): Promise<void> => {
  mock.timers.tick(feedInterval)
  await answered()
}

const token = (sessionId: string, userId = 'ann', userVersion = 1) => ({ sessionId, userId, userVersion })
const unavailable = {
  name: 'Refusal',
  code: 'unavailable',
  details: { reason: 'revocations_stale', retryAfter: 1 },
}

const unknownKind = { ...unavailable, details: { reason: 'feed_kind_unknown', retryAfter: 1 } }

/** Holds the engine's one connection, as a long piece of work does, until it is let go. */
const holdConnection = async (): Promise<() => Promise<void>> => {
  let release = (): void => {}
  const held = t.engine.db.connection().execute(
    () =>
      new Promise<void>(resolve => {
        release = resolve
      }),
  )
  await settle()
  return async () => {
    release()
    await held
    await settle()
  }
}

const breakFeed = (): Promise<void> => second.run('alter table cut_offs rename to away')
const repairFeed = (): Promise<void> => second.run('alter table away rename to cut_offs')

describe('what has been taken back', () => {
  test('is known from the first read on', async () => {
    await write({ subject: 'before' })
    const late = createRevocations({
      db: t.engine.db,
      watch: t.engine.db,
      clock: time.clock,
      maxAge,
      readRoles: userId => listRoles(t.engine.db, userId),
    })
    await late.start()
    assert.ok(late.isEnded(token('before')))
    late.stop()
  })

  test('by another process is known one read of the feed later', async () => {
    await write({ subject: 'elsewhere' })
    assert.ok(!view.isEnded(token('elsewhere')))
    await readFeed()
    assert.ok(view.isEnded(token('elsewhere')))
    assert.ok(!view.isEnded(token('another')))
  })

  const versions = [
    { version: 1, ended: true },
    { version: 2, ended: true },
    { version: 3, ended: false },
    { version: 4, ended: false },
  ]
  for (const { version, ended } of versions)
    test(`of a user below version 3 ${ended ? 'covers' : 'spares'} a token of version ${version}`, async () => {
      await write({ kind: 'user', subject: 'ann', version: 3 })
      await readFeed()
      assert.equal(view.isEnded(token('any', 'ann', version)), ended)
      assert.ok(!view.isEnded(token('any', 'ben', version)))
    })

  test('is not loosened by an older cut-off that comes later', async () => {
    await write({ kind: 'user', subject: 'ann', version: 3 })
    await write({ kind: 'user', subject: 'ann', version: 2 })
    await readFeed()
    assert.ok(view.isEnded(token('any', 'ann', 2)))
  })

  test('stays known until it no longer matters, and is then forgotten', async () => {
    await write({ subject: 'short', until: start + minute })
    await write({ kind: 'user', subject: 'ann', version: 9, until: start + minute })
    await readFeed()
    const isKnown = () => [view.isEnded(token('short', 'ben')), view.isEnded(token('x', 'ann'))]
    time.pass(minute)
    mock.timers.tick(pruneInterval)
    assert.deepEqual(isKnown(), [true, true])
    time.pass(1)
    mock.timers.tick(pruneInterval)
    assert.deepEqual(isKnown(), [false, false])
  })

  const isKnownOf: Record<CutOffKind, () => boolean> = {
    session: () => view.isEnded(token('ann', 'ben')),
    user: () => view.isEnded(token('any', 'ann', 2)),
    'signing-key': () => view.isKeyRevoked('ann'),
    'reread-user': () => view.findRereadRoles('ann') !== undefined,
  }
  for (const kind of cutOffKinds)
    test(`is forgotten no sooner because of a later cut-off that matters for less long (${kind})`, async () => {
      await write({ kind, subject: 'ann', version: 3, until: start + 10 * minute })
      await readFeed()
      await write({ kind, subject: 'ann', version: 4, until: start + minute })
      await readFeed()
      time.pass(10 * minute)
      mock.timers.tick(pruneInterval)
      assert.ok(isKnownOf[kind]())
      time.pass(1)
      mock.timers.tick(pruneInterval)
      assert.ok(!isKnownOf[kind]())
    })

  test('matters for as long as an older cut-off that comes later, and is still the newer one', async () => {
    await write({ kind: 'user', subject: 'ann', version: 4, until: start + minute })
    await write({ kind: 'user', subject: 'ann', version: 3, until: start + 10 * minute })
    await readFeed()
    time.pass(10 * minute)
    mock.timers.tick(pruneInterval)
    assert.ok(view.isEnded(token('any', 'ann', 3)))
    assert.ok(!view.isEnded(token('any', 'ann', 4)))
  })

  test('is of every kind that is ever written', async () => {
    for (const kind of cutOffKinds) await write({ kind, subject: 'ann', version: 1 })
    await readFeed()
    assert.equal(view.ensureFresh(), undefined)
  })
})

describe('a wake', () => {
  /** Answers of reads come when they are let through. */
  const createGate = () => {
    let gate: PromiseWithResolvers<void> | undefined
    let held = 0
    return {
      close: () => {
        gate = Promise.withResolvers()
      },
      open: () => gate?.resolve(),
      held: () => held,
      db: t.engine.db.withPlugin({
        transformQuery: ({ node }) => node,
        transformResult: async ({ result }) => {
          held += 1
          await gate?.promise
          return result
        },
      }),
    }
  }

  const follow = async (db = t.engine.db) => {
    const wakes: (() => void)[] = []
    const woken = createRevocations({
      db,
      watch: db,
      clock: time.clock,
      maxAge,
      readRoles: userId => listRoles(t.engine.db, userId),
      wakers: [
        wake => {
          wakes.push(wake)
          return () => void wakes.pop()
        },
      ],
    })
    await woken.start()
    return { woken, wake: () => wakes.forEach(call => void call()) }
  }

  test('lets what was taken back elsewhere be known without the time of a read', async () => {
    const { woken, wake } = await follow()
    write({ subject: 'elsewhere' })
    wake()
    await until('it is known', () => woken.isEnded(token('elsewhere')))
    woken.stop()
  })

  test('while a read is under way that was sent before is followed by a read of its own', async () => {
    const gate = createGate()
    const { woken, wake } = await follow(gate.db)
    write({ subject: 'first' })
    gate.close()
    const before = gate.held()
    mock.timers.tick(feedInterval)
    await until('a read has its answer', () => gate.held() > before)
    write({ subject: 'in between' })
    wake()
    gate.open()
    await until('it is known', () => woken.isEnded(token('in between')))
    woken.stop()
  })

  test('makes nothing younger while no read comes through', async () => {
    const { woken, wake } = await follow()
    breakFeed()
    time.pass(maxAge)
    for (let count = 0; count < 5; count++) {
      wake()
      await settle()
    }
    assert.equal(woken.age(), maxAge)
    repairFeed()
    woken.stop()
  })

  test('comes to nobody who was stopped', async () => {
    const { woken, wake } = await follow()
    woken.stop()
    write({ subject: 'later' })
    wake()
    await settle()
    assert.ok(!woken.isEnded(token('later')))
  })
})

test('that never comes leaves a view no older than a second: the bound does not rest on it', async () => {
  for (let passed = 0; passed < 20_000; passed += 100) {
    time.pass(100)
    mock.timers.tick(100)
    await answered()
    assert.ok(view.age() <= 1_000, `${view.age()} ms`)
  }
})

test('reads keep within a bound that is shorter than their usual distance', async () => {
  const short = createRevocations({
    db: t.engine.db,
    watch: t.engine.db,
    clock: time.clock,
    maxAge: 100,
    readRoles: userId => listRoles(t.engine.db, userId),
  })
  await short.start()
  write({ subject: 'soon' })
  mock.timers.tick(25)
  await until('it is known', () => short.isEnded(token('soon')))
  short.stop()
})

test('what this process has taken back wakes others, what it has read does not', async () => {
  let woken = 0
  const own = createRevocations({
    db: t.engine.db,
    watch: t.engine.db,
    clock: time.clock,
    maxAge,
    readRoles: userId => listRoles(t.engine.db, userId),
    wakeOthers: () => void woken++,
  })
  await own.start()
  write({ subject: 'read' })
  mock.timers.tick(feedInterval)
  await until('it is known', () => own.isEnded(token('read')))
  assert.equal(woken, 0)
  own.apply([
    { kind: 'session', subject: 'own', version: null, created_at: start, place: 9, matters_until: start },
  ])
  assert.equal(woken, 1)
  own.stop()
})

describe('a view', () => {
  test('nobody serves from a view that has never been read', async () => {
    await breakFeed()
    const never = createRevocations({
      db: t.engine.db,
      watch: t.engine.db,
      clock: time.clock,
      maxAge,
      readRoles: userId => listRoles(t.engine.db, userId),
    })
    await assert.rejects(never.start())
    await repairFeed()
  })

  test('is fresh until the bound, and then a request catches up by itself', async () => {
    time.pass(maxAge)
    assert.equal(view.ensureFresh(), undefined)
    await write({ subject: 'elsewhere' })
    time.pass(1)
    const caughtUp = view.ensureFresh()
    assert.ok(caughtUp !== undefined)
    await caughtUp
    assert.ok(view.isEnded(token('elsewhere')))
    assert.equal(view.age(), 0)
  })

  test('is as old as the sending of its last read, not as its answer', async () => {
    const release = await holdConnection()
    time.pass(1_000)
    mock.timers.tick(feedInterval)
    time.pass(3_000)
    await release()
    assert.equal(view.age(), 3_000)
  })

  const clocks: Record<string, () => void> = {
    'the monotonic clock went on and the wall clock did not': () => time.setMonotonic(maxAge + 1),
    'the wall clock went on and the monotonic clock did not': () => time.setWall(maxAge + 1),
    'the wall clock was set back by a millisecond': () => time.setWall(-1),
    'the wall clock was set back by a year': () => time.setWall(-365 * 24 * 60 * minute),
  }
  for (const [name, change] of Object.entries(clocks))
    test(`is stale when ${name}, until the next read`, async () => {
      await breakFeed()
      change()
      assert.ok(view.age() > maxAge)
      await assert.rejects(async () => view.ensureFresh(), unavailable)
      await repairFeed()
      await view.ensureFresh()
      assert.equal(view.ensureFresh(), undefined)
    })

  test('is stale for good when the feed holds a kind that this version does not know', async () => {
    await write({ kind: 'grant', subject: 'x' })
    await readFeed()
    for (const _ of [1, 2]) await assert.rejects(async () => view.ensureFresh(), unknownKind)
    await second.run('delete from cut_offs')
    await assert.rejects(async () => view.ensureFresh(), unknownKind)
  })

  test('a kind named like a part of every object is unknown as well', async () => {
    await write({ kind: 'constructor', subject: 'x' })
    await readFeed()
    await assert.rejects(async () => view.ensureFresh(), unknownKind)
  })
})

describe('past the bound', () => {
  test('a request waits for the read that is under way, and goes on when it has come', async () => {
    const release = await holdConnection()
    time.pass(maxAge + 1)
    await write({ subject: 'elsewhere' })
    const waiting = view.ensureFresh()
    await settle()
    assert.deepEqual(
      time.sleeps.map(({ milliseconds }) => milliseconds),
      [500],
    )
    await release()
    await waiting
    assert.ok(view.isEnded(token('elsewhere')))
  })

  test('a read that was sent too long ago does not count: another one is waited for', async () => {
    const release = await holdConnection()
    mock.timers.tick(feedInterval)
    time.pass(maxAge + 1)
    const waiting = view.ensureFresh()
    await release()
    await waiting
    assert.equal(view.age(), 0)
  })

  test('it is refused when the read has not come after half a second', async () => {
    const release = await holdConnection()
    time.pass(maxAge + 1)
    const refused = assert.rejects(async () => view.ensureFresh(), unavailable)
    time.sleeps[0]?.end()
    await refused
    await release()
  })

  test('a thousand wait, and one more is refused at once', async () => {
    const release = await holdConnection()
    time.pass(maxAge + 1)
    const waiting = Array.from({ length: 1_000 }, () => view.ensureFresh())
    await assert.rejects(async () => view.ensureFresh(), unavailable)
    assert.equal(time.sleeps.length, 1_000)
    await release()
    await Promise.all(waiting)
    assert.equal(view.ensureFresh(), undefined)
  })

  test('a thousand who wait cause two reads between them at most, and none asks by itself', async () => {
    const release = await holdConnection()
    mock.timers.tick(feedInterval)
    time.pass(maxAge + 1)
    queries.length = 0
    const waiting = Array.from({ length: 1_000 }, () => view.ensureFresh())
    mock.timers.tick(10 * feedInterval)
    await release()
    await Promise.all(waiting)
    assert.ok(queries.length <= 2, `${queries.length} queries`)
  })

  test('stampede: while reads fail, those who come are no more reads, and there is a pause before each', async () => {
    breakFeed()
    time.pass(maxAge + 1)
    queries.length = 0
    for (let round = 0; round < 5; round++) {
      const refused = Array.from({ length: 200 }, () =>
        assert.rejects(async () => view.ensureFresh(), unavailable),
      )
      mock.timers.tick(feedInterval)
      await Promise.all(refused)
    }
    repairFeed()
    const pauses = time.sleeps.map(({ milliseconds }) => milliseconds).filter(each => each < longestWait)
    assert.ok(queries.length <= 10, `${queries.length} queries`)
    assert.equal(pauses.length, queries.length - 1)
    for (const pause of pauses) assert.ok(pause >= 50 && pause <= 100, `${pause} ms`)
    assert.ok(new Set(pauses).size > 1, 'and not all processes at the same moments')
  })

  test('all who wait share one read', async () => {
    const release = await holdConnection()
    time.pass(maxAge + 1)
    queries.length = 0
    const waiting = Array.from({ length: 100 }, () => view.ensureFresh())
    mock.timers.tick(feedInterval)
    await release()
    await Promise.all(waiting)
    assert.equal(queries.length, 1)
  })
})

describe('the roles of a user whose roles were changed', () => {
  let ann: string
  before(async () => {
    ann = (await addUser(t.engine, 'ann', { roles: ['moderator'] })).id
  })

  test('are not read while nothing was changed', () => {
    assert.equal(view.findRereadRoles(ann), undefined)
  })

  test('are read once for each change, however many ask, and end nothing', async () => {
    await write({ kind: 'reread-user', subject: ann })
    await readFeed()
    assert.ok(!view.isEnded(token('any', ann)))
    const all = await Promise.all(Array.from({ length: 50 }, () => view.findRereadRoles(ann)))
    assert.deepEqual(new Set(all), new Set([all[0]]))
    assert.deepEqual(all[0], ['moderator'])
    await readFeed()
    await view.findRereadRoles(ann)
    assert.deepEqual(roleReads, [ann])

    await second.run('update user_roles set role = ? where user_id = ?', 'user', ann)
    await write({ kind: 'reread-user', subject: ann })
    await readFeed()
    assert.deepEqual(await view.findRereadRoles(ann), ['user'])
    assert.deepEqual(roleReads, [ann, ann])
  })

  test('are not read anew for an older change that comes later, and for as long as that one matters', async () => {
    const row = { kind: 'reread-user', subject: ann, version: null, created_at: start }
    view.apply([{ ...row, place: 8, matters_until: start + minute }])
    await view.findRereadRoles(ann)
    view.apply([{ ...row, place: 7, matters_until: start + 10 * minute }])
    time.pass(10 * minute)
    mock.timers.tick(pruneInterval)
    assert.ok(view.findRereadRoles(ann) !== undefined)
    assert.deepEqual(roleReads, [ann])
  })

  test('privilege escalation: are one frozen list, which nobody who is given it can change for others', async () => {
    await write({ kind: 'reread-user', subject: ann })
    await readFeed()
    const roles = await view.findRereadRoles(ann)
    assert.throws(() => (roles as string[]).push('admin'), TypeError)
    assert.deepEqual(await view.findRereadRoles(ann), roles)
  })

  test('are asked for again after a read that failed', async () => {
    await write({ kind: 'reread-user', subject: ann })
    await readFeed()
    failRoles = true
    await assert.rejects(async () => view.findRereadRoles(ann), /went away/)
    failRoles = false
    assert.deepEqual(await view.findRereadRoles(ann), ['user'])
  })

  test('come from the token again when the last older token has expired', async () => {
    await write({ kind: 'reread-user', subject: ann, until: start + minute })
    await readFeed()
    time.pass(minute + 1)
    mock.timers.tick(pruneInterval)
    assert.equal(view.findRereadRoles(ann), undefined)
  })
})

/** More than two pages of a read from the start. */
const full = 100_000

test(`a process that starts where ${full} cut-offs matter knows all of them, and what was ended while it read`, async () => {
  second.run(
    `with recursive n (i) as (select 1 union all select i + 1 from n where i < ${full})
      insert into cut_offs (kind, subject, matters_until, created_at)
      select 'session', 's' || i, ${start + 10 * minute}, ${start} from n`,
  )
  const late = createRevocations({
    db: t.engine.db,
    watch: t.engine.db,
    clock: time.clock,
    maxAge,
    readRoles: async () => [],
  })
  const starting = late.start()
  write({ subject: 'meanwhile' })
  await starting
  await late.ensureFresh()
  const missing = Array.from({ length: full }, (_, i) => `s${i + 1}`).filter(id => !late.isEnded(token(id)))
  assert.deepEqual(missing, [])
  assert.ok(!late.isEnded(token('another')))
  mock.timers.tick(feedInterval)
  await settle()
  assert.ok(late.isEnded(token('meanwhile')))

  // A part of them at a time is looked at when they are forgotten, and none is left.
  time.pass(10 * minute + 1)
  mock.timers.tick(pruneInterval)
  await until('it has forgotten them', () => !late.isEnded(token('s1')) && !late.isEnded(token(`s${full}`)))
  late.stop()
})

test('a view that was stopped reads no more', async () => {
  view.stop()
  queries.length = 0
  await readFeed()
  assert.deepEqual(queries, [])
})

describe('a database that is another one', () => {
  const other = (): Promise<unknown> =>
    t.engine.db
      .updateTable('installation')
      .set({ epoch: newId(systemRandom) })
      .execute()

  test('lacks nothing only because times are rounded: what ends within this second may be gone there', async () => {
    const id = newId(systemRandom)
    await write({ subject: id, until: start + minute + 250 })
    await readFeed()
    time.pass(minute + 260)
    await other()
    await readFeed()
    assert.equal(view.ensureFresh(), undefined)
    assert.deepEqual([view.harm().changes['other-epoch'], view.harm().writtenBack], [1, 0])
  })

  test('a token that outlives logout: nobody is let in where requests and the feed lead to different servers', async () => {
    const elsewhere = await startTestApp()
    let broken = 0
    const own = createRevocations({
      db: t.engine.db,
      watch: elsewhere.engine.db,
      clock: time.clock,
      maxAge,
      readRoles: async () => [],
      breakConnections: () => void broken++,
    })
    await assert.rejects(own.start(), /the feed changed while it was read/)
    assert.equal(
      broken,
      1,
      'connections to the one before are ended, so that new ones may lead to the right one',
    )
    own.stop()
    await elsewhere.close()
  })
})

test('pruning ends once each kind was looked at, however many there are of the others', () => {
  const set = createCutOffSet({ readRoles: async () => [] })
  const row = { place: 1, version: 1, matters_until: start, created_at: 0 }
  for (const [kind, count] of Object.entries({ session: 70_000, user: 15_000, 'reread-user': 35_000 }))
    for (let n = 0; n < count; n++) set.add({ ...row, kind, subject: newId(systemRandom) })
  let calls = 1
  while (!set.prune(start - 1)) calls += 1
  assert.ok(calls <= 20, `${calls} calls`)
})
