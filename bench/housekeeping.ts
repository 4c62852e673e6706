import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism, cpus } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
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
 * `TEST_DATABASE=postgres` before it for PostgreSQL. Two processes refresh a session each, one refresh after
 * the other; the first one also keeps house, from the second row of the table on.
 */
const backlog = Number(process.argv[2] ?? 200_000)
const isChild = process.argv[3] === 'refresh'
const quiet = 15_000

const open = (databaseUrl: string, gatewrightSecret: readonly string[]): Promise<Engine> =>
  compose({
    settings: defaultSettings({ nodeEnv: 'test', databaseUrl, gatewrightSecret, refreshRetryWindow: 0 }),
  })

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

/** Refreshes a session again and again, and tells how long each took, in milliseconds. */
const refreshUntil = async (engine: Engine, userId: string, isOver: () => boolean): Promise<number[]> => {
  const waits: number[] = []
  const { refresh: text } = await signInAs(engine, userId)
  let shown = text
  while (!isOver()) {
    const start = performance.now()
    const { session } = await refresh(engine, { text: shown, origin: systemOrigin, countUse: () => {} })
    waits.push(performance.now() - start)
    shown = makeRefreshToken(engine.secrets, session, session.generation)
    await delay(2)
  }
  return waits
}

const show = (name: string, waits: readonly number[]): void => {
  const sorted = waits.toSorted((a, b) => a - b)
  const at = (share: number): string =>
    (sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN).toFixed(1)
  console.log(`| ${name} | ${sorted.length} | ${at(0.5)} | ${at(0.99)} | ${at(1)} |`)
}

const runChild = async (): Promise<void> => {
  process.send?.('ready')
  const [{ url, secrets, userId }] = (await once(process, 'message')) as [
    { url: string; secrets: string[]; userId: string },
  ]
  let isOver = false
  process.on('message', message => {
    isOver = message === 'over'
  })
  const engine = await open(url, secrets)
  const waits = await refreshUntil(engine, userId, () => isOver)
  process.send?.(waits)
  await engine.close()
  process.disconnect?.()
}

const startChild = async (message: object): Promise<ChildProcess> => {
  const child = fork(fileURLToPath(import.meta.url), [String(backlog), 'refresh'])
  await once(child, 'message')
  child.send(message)
  return child
}

const run = async (): Promise<void> => {
  const server = process.env.TEST_DATABASE === 'postgres' ? await startPostgres() : undefined
  if (server !== undefined) process.env.TEST_POSTGRES = server.url
  // It reads that name when it is loaded.
  const { newTestDatabase } = await import('../test/database.ts')
  const database = await newTestDatabase()
  const secrets = [newSecret(systemRandom)]
  const engine = await open(database.url, secrets)
  const { id: userId } = await addUser(engine, 'ann')
  const { id: other } = await addUser(engine, 'ben')
  await signInAs(engine, userId)
  await fill(engine, userId)
  console.log(`${cpus()[0]?.model}, ${availableParallelism()} cores, Node.js ${process.version}.`)
  console.log(`\n| refreshes | number | median ms | p99 ms | longest ms |\n| --- | --: | --: | --: | --: |`)
  const child = await startChild({ url: database.url, secrets, userId: other })
  await delay(2_000)
  const end = systemClock.monotonic() + quiet
  show('without housekeeping', await refreshUntil(engine, userId, () => systemClock.monotonic() > end))

  let isDone = false
  const start = performance.now()
  const looking = createHousekeeping(engine)
    .look()
    .finally(() => {
      isDone = true
    })
  show('beside housekeeping', await refreshUntil(engine, userId, () => isDone))
  const took = performance.now() - start
  child.send('over')
  const [waits] = (await once(child, 'message')) as [number[]]
  show('in the other process, all the time', waits)
  const left = (await engine.db.selectFrom('sessions').select('id').execute()).length
  console.log(
    `\n${backlog} ended sessions: ${(await looking) ? 'all' : 'not all'} worked off in ${(took / 1_000).toFixed(0)} s; ${left} rows are left.`,
  )
  await engine.close()
  await database.drop()
  await server?.stop()
}

await (isChild ? runChild() : run())
