import { createClient } from '@redis/client'
import { systemClock } from 'gatewright/clock'
import { newSecret, systemRandom } from 'gatewright/random'
import { RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible'
import { createSecrets } from '../packages/gatewright/src/ground/secrets.ts'
import type { LimitKeys } from '../packages/gatewright/src/limits/counter-keys.ts'
import type { CounterStore } from '../packages/gatewright/src/limits/counter-store.ts'
import { createHashKey } from '../packages/gatewright/src/limits/hash-key.ts'
import { createLimiter, createMemoryLimiter } from '../packages/gatewright/src/limits/limiter.ts'
import { createSharedSums } from '../packages/gatewright/src/limits/shared-sums.ts'
import { createSqlCounters } from '../packages/gatewright/src/limits/sql-counters.ts'
import { createValkeyCounters, limitScripts } from '../packages/gatewright/src/limits/valkey-counters.ts'
import { openDatabases } from '../packages/gatewright/src/storage/database.ts'
import { engineMigrations, migrate } from '../packages/gatewright/src/storage/migrate.ts'
import { openValkeyScripts } from '../packages/gatewright/src/storage/valkey.ts'
import { makeTemporaryDatabase } from '../packages/gatewright/src/testing/temporary-database.ts'
import { startPostgres } from '../test/postgres/server.ts'
import { findValkey, startValkey } from '../test/servers/valkey.ts'
import { median, toHead, toRow } from './table.ts'

const secrets = createSecrets([newSecret(systemRandom)], systemRandom)
const hashKey = createHashKey(secrets, () => secrets.newestId)

const processorTime = (): number => {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** Microseconds of one call, one after the other; the middle one of the rounds. */
const timeCalls = (call: (n: number) => unknown, rounds: number): number => {
  const calls = 200_000
  const figures = Array.from({ length: rounds }, () => {
    const begun = performance.now()
    for (let n = 0; n < calls; n += 1) call(n)
    return ((performance.now() - begun) * 1_000) / calls
  })
  return median(figures)
}

const keysOf = (count: number, toKeys: (n: number) => LimitKeys): readonly LimitKeys[] =>
  Array.from({ length: count }, (_, n) => toKeys(n))

const measureMemory = (rounds: number): void => {
  const clock = systemClock
  const wide = { clock, random: systemRandom, scale: 1_000_000 }
  const store = { add: async () => [] }
  const { tally } = createSharedSums({ store, clock, hashKey, otherServers: () => 3 })
  const alone = createMemoryLimiter(wide)
  const beside = createMemoryLimiter({ ...wide, tally })
  const users = keysOf(10_000, n => ({ user: `user-${n}` }))
  const version4 = keysOf(10_000, n => ({ anonymous: `192.0.${n >> 8}.${n & 255}` }))
  const version6 = keysOf(10_000, n => ({ anonymous: `2001:db8:${n.toString(16)}::1` }))
  const one: LimitKeys = { user: 'ann' }
  const at = (keys: readonly LimitKeys[], n: number): LimitKeys => keys[n % keys.length] ?? one
  const tight = createMemoryLimiter({ clock, random: systemRandom })
  const rows = [
    ['one user', () => alone.take('read', one)],
    ['one user, refused', () => tight.take('read', one)],
    ['10,000 users in turn', (n: number) => alone.take('read', at(users, n))],
    ['the same beside three other processes', (n: number) => beside.take('read', at(users, n))],
    ['10,000 IPv4 addresses in turn', (n: number) => alone.take('read', at(version4, n))],
    ['10,000 IPv6 addresses in turn, and their /48', (n: number) => alone.take('read', at(version6, n))],
  ] as const
  console.log(toHead(['a check in memory', 'µs']))
  for (const [name, call] of rows) console.log(toRow([name, timeCalls(call, rounds).toFixed(2)]))
}

/** rate-limiter-flexible's answers come as promises, also from memory. */
const measureTheirMemory = async (rounds: number): Promise<void> => {
  const theirs = new RateLimiterMemory({ points: 1e9, duration: 60 })
  const figures: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    const begun = performance.now()
    for (let n = 0; n < 50_000; n += 1) await theirs.consume('ann')
    figures.push(((performance.now() - begun) * 1_000) / 50_000)
  }
  console.log(toRow(['rate-limiter-flexible, one user', median(figures).toFixed(2)]))
}

type Taker = (n: number) => Promise<unknown>

/** Calls a second by so many callers, each of whom waits for its answer, and processor time of a call here. */
const timeTakers = async (take: Taker, callers: number, seconds: number) => {
  let calls = 0
  const end = performance.now() + seconds * 1_000
  const begun = [performance.now(), processorTime()] as const
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (performance.now() < end) {
        calls += 1
        await take(calls)
      }
    }),
  )
  return {
    perSecond: (calls * 1_000) / (performance.now() - begun[0]),
    processor: (processorTime() - begun[1]) / calls,
  }
}

/** In turns, so that what else the machine does falls on all. */
const measureTakers = async (
  takers: readonly (readonly [string, Taker])[],
  rounds: number,
): Promise<void> => {
  console.log(
    `\n${toHead(['an exact check', 'one after the other, a second', '64 at once, a second', 'processor here, µs'])}`,
  )
  const measured = takers.map(() => ({ lone: [] as number[], many: [] as number[], cost: [] as number[] }))
  for (let round = 0; round < rounds; round += 1)
    for (const [index, [, take]] of takers.entries()) {
      const lone = await timeTakers(take, 1, 0.5)
      const many = await timeTakers(take, 64, 1)
      measured[index]?.lone.push(lone.perSecond)
      measured[index]?.many.push(many.perSecond)
      measured[index]?.cost.push(many.processor)
    }
  for (const [index, [name]] of takers.entries()) {
    const { lone = [], many = [], cost = [] } = measured[index] ?? {}
    console.log(toRow([name, median(lone).toFixed(0), median(many).toFixed(0), median(cost).toFixed(0)]))
  }
}

const takeFrom = (store: CounterStore): Taker => {
  const options = { clock: systemClock, random: systemRandom, scale: 1_000_000 }
  const limiter = createLimiter(options, { store, clock: systemClock, hashKey })
  return async n => limiter.take('mail', { recipient: `user-${n % 10_000}` })
}

const openSql = async (server: string | undefined) => {
  const { url, drop } = await makeTemporaryDatabase(server)
  const databases = openDatabases({ databaseUrl: url, databasePool: 10 }, 'full')
  await migrate(databases.db, engineMigrations)
  const close = async (): Promise<void> => {
    await databases.close()
    await drop()
  }
  return { take: takeFrom(createSqlCounters(databases.db)), close }
}

const measureStores = async (rounds: number): Promise<void> => {
  const found = await findValkey()
  if (typeof found === 'string') throw new Error(found)
  const [valkey, postgres] = [await startValkey(found), await startPostgres({ flags: [] })]
  const scripts = await openValkeyScripts(valkey.url, limitScripts)
  const client = await createClient({ url: valkey.url }).connect()
  const theirs = new RateLimiterRedis({
    storeClient: client,
    useRedisPackage: true,
    points: 1e9,
    duration: 60,
  })
  const [sqlite, server] = [await openSql(undefined), await openSql(postgres.url)]
  const ping: Taker = () => client.ping()
  try {
    await measureTakers(
      [
        ['Redis', takeFrom(createValkeyCounters(scripts, 'bench'))],
        ['rate-limiter-flexible on the same Redis', n => theirs.consume(`user-${n % 10_000}`)],
        ['PING of the same Redis', ping],
        ['SQLite, durable', sqlite.take],
        ['PostgreSQL, durable', server.take],
      ],
      rounds,
    )
  } finally {
    scripts.close()
    client.destroy()
    await Promise.all([sqlite.close(), server.close()])
    await Promise.all([valkey.stop(), postgres.stop()])
  }
}

/** What a limit costs, in memory and in each store. */
export const measureLimits = async ([rounds = 5]: readonly number[]): Promise<void> => {
  measureMemory(rounds)
  await measureTheirMemory(rounds)
  await measureStores(rounds)
}
