import { availableParallelism, cpus } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { day, systemClock } from 'gatewright/clock'
import { compose, type Engine } from 'gatewright/compose'
import { newId, newSecret, systemRandom } from 'gatewright/random'
import { defaultSettings } from 'gatewright/settings'
import { systemOrigin } from '../packages/gatewright/src/audit/record.ts'
import { refresh } from '../packages/gatewright/src/sign-in/refresh.ts'
import { makeRefreshToken } from '../packages/gatewright/src/tokens/refresh-token.ts'
import { createHousekeeping } from '../packages/gatewright/src/upkeep/housekeeping.ts'
import { startPostgres } from '../test/postgres/server.ts'
import { addUser, signInAs } from '../test/sessions/signed-in.ts'

/**
 * How long requests wait while a backlog is worked off: `npm run bench:housekeeping -- 200000`, with
 * `TEST_DATABASE=postgres` before it for PostgreSQL. Refreshes of one session, one after the other, in the
 * process that keeps house; with and without that in turns, so that what else the machine does counts for both.
 */
const backlog = Number(process.argv[2] ?? 200_000)
const turn = 5_000

const fill = async ({ db }: Engine, userId: string): Promise<void> => {
  const row = await db
    .selectFrom('sessions')
    .selectAll()
    .where('user_id', '=', userId)
    .executeTakeFirstOrThrow()
  const at = systemClock.now() - 60 * day
  const over = { ...row, expires_at: at, ended_at: at, end_reason: 'logout' }
  for (let made = 0; made < backlog; made += 500) {
    const rows = Array.from({ length: 500 }, () => ({ ...over, id: newId(systemRandom), secret_hash: null }))
    await db.insertInto('sessions').values(rows).execute()
  }
}

/** Refreshes again and again, and tells how long each took, in milliseconds. */
const refreshUntil = async (engine: Engine, userId: string, isOver: () => boolean): Promise<number[]> => {
  const waits: number[] = []
  let { refresh: text } = await signInAs(engine, userId)
  while (!isOver()) {
    const start = performance.now()
    const { session } = await refresh(engine, { text, origin: systemOrigin, countUse: () => {} })
    waits.push(performance.now() - start)
    text = makeRefreshToken(engine.secrets, session, session.generation)
    await delay(2)
  }
  return waits
}

const toRow = (name: string, times: readonly number[]): string => {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number): string =>
    (sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN).toFixed(1)
  return `| ${name} | ${sorted.length} | ${at(0.5)} | ${at(0.99)} | ${at(0.999)} | ${at(1)} |`
}

/** One turn of housekeeping beside refreshes; true where nothing is left. */
const keepHouse = async (
  engine: Engine,
  userId: string,
  waits: number[],
  batches: number[],
): Promise<boolean> => {
  let begun = performance.now()
  const sleep = async (milliseconds: number): Promise<void> => {
    batches.push(performance.now() - begun)
    await systemClock.sleep(milliseconds)
    begun = performance.now()
  }
  const housekeeping = createHousekeeping({ ...engine, clock: { ...engine.clock, sleep } })
  let isOver = false
  const looking = housekeeping.look().finally(() => {
    isOver = true
  })
  const stopping = delay(turn, undefined, { ref: false }).then(housekeeping.stop)
  waits.push(...(await refreshUntil(engine, userId, () => isOver)))
  const isDone = await looking
  if (!isDone) await stopping
  return isDone
}

const run = async (): Promise<void> => {
  const server = process.env.TEST_DATABASE === 'postgres' ? await startPostgres() : undefined
  if (server !== undefined) process.env.TEST_POSTGRES = server.url
  // It reads that name when it is loaded.
  const { newTestDatabase } = await import('../test/database.ts')
  const { url: databaseUrl, drop } = await newTestDatabase()
  const gatewrightSecret = [newSecret(systemRandom)]
  const settings = defaultSettings({ nodeEnv: 'test', databaseUrl, gatewrightSecret, refreshRetryWindow: 0 })
  const engine = await compose({ settings })
  const { id: userId } = await addUser(engine, 'ann')
  await signInAs(engine, userId)
  await fill(engine, userId)
  const [without, beside, batches]: [number[], number[], number[]] = [[], [], []]
  const start = performance.now()
  let isDone = false
  while (!isDone) {
    const end = performance.now() + turn
    without.push(...(await refreshUntil(engine, userId, () => performance.now() > end)))
    isDone = await keepHouse(engine, userId, beside, batches)
  }
  console.log(`${cpus()[0]?.model}, ${availableParallelism()} cores, Node.js ${process.version}.`)
  console.log(
    `${backlog} ended sessions, in ${((performance.now() - start) / 1_000).toFixed(0)} s of which half was rest.\n`,
  )
  console.log(
    '| | number | median ms | p99 ms | p99.9 ms | longest ms |\n| --- | --: | --: | --: | --: | --: |',
  )
  console.log(toRow('refreshes without housekeeping', without))
  console.log(toRow('refreshes beside it', beside))
  console.log(toRow('its batches', batches))
  await engine.close()
  await drop()
  await server?.stop()
}

await run()
