import { systemClock } from 'gatewright/clock'
import type { Engine } from 'gatewright/compose'
import { defaultSettings } from 'gatewright/settings'
import { type RawBuilder, sql } from 'kysely'
import { blog, mount } from '../apps/blog/src/blog.ts'
import { type OpenedApp, openTestApp } from '../packages/gatewright/src/testing/open-test-app.ts'
import { openSession } from '../packages/gatewright/src/testing/signed-in.ts'
import { makeTemporaryDatabase } from '../packages/gatewright/src/testing/temporary-database.ts'
import { addTestUser } from '../packages/gatewright/src/testing/test-user.ts'
import { administeredLists, idOfUser, ofOneUser, pagesOf } from '../test/blog/administered-lists.ts'
import { addManyUsers } from '../test/blog/many-users.ts'
import { startPostgres } from '../test/postgres/server.ts'
import { median, toHead, toRow } from './table.ts'

const columns = ['list', 'page', 'few: p50 ms', 'many: p50 ms', 'many: p99 ms', 'ratio']

type Side = {
  readonly ask: (path: string) => Promise<void>
  /** What is asked of it: the path of each page of each list. */
  readonly paths: ReadonlyMap<string, string>
  readonly close: () => Promise<void>
}

const raw = (text: string): RawBuilder<never> => sql.raw(text)

/** As a server that has run for a while: what it knows of its tables is of today. */
const settle = async ({ db, settings }: Engine): Promise<void> => {
  await (settings.databaseUrl.startsWith('sqlite:') ? raw('analyze') : raw('vacuum analyze')).execute(db)
}

/** Beside the lists: what counts, and a list by page number, which has to. */
const others = (userId: string) => ({
  'roles, with their holders': 'admin/roles',
  'one user': `admin/users/${userId}`,
  'the blog’s users, page 1': 'users?page=1',
})

const pathsOf = async ({ db }: Engine): Promise<ReadonlyMap<string, string>> => {
  const rows = async (text: string) => (await raw(text).execute(db)).rows
  const userId = await idOfUser(rows, 77)
  const paths = new Map<string, string>()
  for (const list of [...administeredLists, ...ofOneUser(userId)])
    for (const [page, path] of Object.entries(await pagesOf(list, rows)))
      paths.set(`${list.path.replace(userId, '…').replace(/\?$/, '')} | ${page}`, path)
  for (const [name, path] of Object.entries(others(userId))) paths.set(`${name} | –`, path)
  return paths
}

const openSide = async (server: string | undefined, count: number): Promise<Side> => {
  const database = await makeTemporaryDatabase(server)
  const settings = defaultSettings({ nodeEnv: 'test', databaseUrl: database.url, limitsScale: 1_000_000 })
  const opened: OpenedApp = await openTestApp({
    settings,
    clock: systemClock,
    subject: { application: blog, mount },
  })
  const { app, engine } = opened
  await engine.housekeeping.stop()
  await addManyUsers(text => raw(text).execute(engine.db), { count, now: systemClock.now() })
  await settle(engine)
  const chief = await addTestUser(engine, { username: 'chief', roles: ['admin'] })
  const { inject } = await openSession(app, chief, {})
  const ask = async (path: string): Promise<void> => {
    const { statusCode, body } = await inject(`${mount}/${path}`)
    if (statusCode !== 200) throw new Error(`${path}: ${body}`)
  }
  const close = async (): Promise<void> => {
    await opened.close()
    await database.drop()
  }
  return { ask, paths: await pathsOf(engine), close }
}

const timeOf = async (side: Side, path: string): Promise<number> => {
  const start = performance.now()
  await side.ask(path)
  return performance.now() - start
}

/** Both sides in turns: whatever else the machine does falls on both. The first turns only warm up. */
const measure = async (name: string, [few, many]: readonly [Side, Side], rounds: number): Promise<void> => {
  const times: [number[], number[]] = [[], []]
  for (let round = -5; round < rounds; round += 1)
    for (const [at, side] of [few, many].entries()) {
      const time = await timeOf(side, side.paths.get(name) ?? '')
      if (round >= 0) times[at]?.push(time)
    }
  const [of, among] = times
  console.log(
    toRow([
      name,
      median(of).toFixed(2),
      median(among).toFixed(2),
      highest(among, 0.99).toFixed(2),
      // Of two that were asked one right after the other.
      median(among.map((time, at) => time / (of[at] ?? Number.NaN))).toFixed(2),
    ]),
  )
}

/** What so large a share of them stays under. */
const highest = (times: readonly number[], share: number): number =>
  times.toSorted((a, b) => a - b)[Math.ceil(times.length * share) - 1] ?? Number.NaN

const compare = async (database: string, server: string | undefined, options: Options): Promise<void> => {
  const sides: Side[] = []
  try {
    const begun = performance.now()
    for (const count of [options.few, options.many]) sides.push(await openSide(server, count))
    const [few, many] = sides as [Side, Side]
    console.log(`\n${database}, filled in ${((performance.now() - begun) / 1_000).toFixed(0)} s\n`)
    console.log(toHead(columns))
    for (const name of many.paths.keys())
      if (few.paths.has(name)) await measure(name, [few, many], options.rounds)
  } finally {
    for (const side of sides) await side.close()
  }
}

type Options = { readonly few: number; readonly many: number; readonly rounds: number }

/**
 * Pages of lists among many users, each with a session and an API key, beside the same pages among few, on SQLite and
 * PostgreSQL. A page should cost the same wherever it lies and however many rows there are.
 */
export const measureLists = async ([
  many = 1_000_000,
  few = 1_000,
  rounds = 100,
]: readonly number[]): Promise<void> => {
  const options = { few, many, rounds }
  await compare('SQLite', undefined, options)
  const server = await startPostgres()
  try {
    await compare('PostgreSQL', server.url, options)
  } finally {
    await server.stop()
  }
}
