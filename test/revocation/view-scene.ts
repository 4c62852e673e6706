import { after, afterEach, before, beforeEach, mock } from 'node:test'
import { minute } from '../../packages/gatewright/src/ground/clock.ts'
import { createRevocations, type Revocations } from '../../packages/gatewright/src/revocation/revocations.ts'
import { listRoles } from '../../packages/gatewright/src/users/users.ts'
import { startTestApp, type TestApp } from '../harness.ts'
import { logQueries } from '../sessions/query-log.ts'
import { openSecondConnection, type SecondConnection } from '../sessions/second-connection.ts'

export const start = Date.UTC(2026, 10, 21, 12)
export const maxAge = 5_000
export const feedInterval = 1_000
export const pruneInterval = 30_000
export const longestWait = 500

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

/** The app, whose own view was stopped, and the database as another process writes to it. */
export let t: TestApp
export let second: SecondConnection
/** Anew for each test: the clocks, a view that has read once, and what it asked of the database. */
export let time: ReturnType<typeof createClocks>
export let view: Revocations
export let queries: string[]
export let answered: () => Promise<void>
export let roleReads: string[]
let failRoles: boolean

/** From now on reads of roles come back as errors, or no longer. */
export const failRoleReads = (fail: boolean): void => {
  failRoles = fail
}

/** A view of the same database, beside the one of each test. */
export const newView = (different: Partial<Parameters<typeof createRevocations>[0]> = {}): Revocations =>
  createRevocations({
    db: t.engine.db,
    watch: t.engine.db,
    clock: time.clock,
    maxAge,
    readRoles: userId => listRoles(t.engine.db, userId),
    ...different,
  })

const openView = async (): Promise<void> => {
  time = createClocks()
  roleReads = []
  failRoles = false
  const log = logQueries(t.engine)
  ;({ queries, answered } = log)
  const { db } = log.engine
  view = newView({
    db,
    watch: db,
    readRoles: async userId => {
      roleReads.push(userId)
      const roles = await listRoles(db, userId)
      if (failRoles) throw new Error('the database went away')
      return roles
    },
  })
  await view.start()
}

/** Makes them, for the tests of the file that calls this. */
export const useViewScene = (): void => {
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
  beforeEach(openView)
  afterEach(async () => {
    view.stop()
    await second.run('delete from cut_offs')
  })
}

export const settle = (): Promise<void> => second.settle()

type Written = {
  readonly kind?: string
  readonly subject: string
  readonly version?: number
  readonly until?: number
}

/** As another process writes it. */
export const write = ({
  kind = 'session',
  subject,
  version,
  until = start + 10 * minute,
}: Written): Promise<void> =>
  second.run(
    'insert into cut_offs (kind, subject, version, matters_until, created_at) values (?, ?, ?, ?, ?)',
    kind,
    subject,
    version ?? null,
    until,
    start,
  )

export const readFeed = async (): Promise<void> => {
  mock.timers.tick(feedInterval)
  await answered()
}

export const token = (sessionId: string, userId = 'ann', userVersion = 1) => ({
  sessionId,
  userId,
  userVersion,
})
export const unavailable = {
  name: 'Refusal',
  code: 'unavailable',
  details: { reason: 'revocations_stale', retryAfter: 1 },
}

export const unknownKind = { ...unavailable, details: { reason: 'feed_kind_unknown', retryAfter: 1 } }

/** Holds the engine's one connection, as a long piece of work does, until it is let go. */
export const holdConnection = async (): Promise<() => Promise<void>> => {
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

export const breakFeed = (): Promise<void> => second.run('alter table cut_offs rename to away')
export const repairFeed = (): Promise<void> => second.run('alter table away rename to cut_offs')
