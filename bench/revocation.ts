import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '../test/postgres/server.ts'
import { send } from '../test/process/http-client.ts'
import { findPgbouncer, startPgbouncer } from '../test/servers/pgbouncer.ts'
import { findValkey, startValkey } from '../test/servers/valkey.ts'
import { type Running, startContender } from './contender.ts'
import { path } from './servers/payload.ts'
import { toHead, toRow } from './table.ts'
import { load } from './wrk.ts'

type Opened = Pick<AsyncDisposableStack, 'defer'>
type Environment = Readonly<Record<string, string>>

const openPostgres = async (opened: Opened): Promise<string> => {
  const server = await startPostgres({ flags: [] })
  opened.defer(server.stop)
  return server.url
}

const openValkey = async (opened: Opened): Promise<string> => {
  const program = await findValkey()
  if (typeof program === 'string') throw new Error(program)
  const { url, stop } = await startValkey(program)
  opened.defer(stop)
  return url
}

const openPgbouncer = async (opened: Opened, server: string): Promise<string> => {
  const program = await findPgbouncer()
  if (typeof program === 'string') throw new Error(program)
  const { url, stop } = await startPgbouncer(program, { server, mode: 'transaction' })
  opened.defer(stop)
  return url
}

const openFolder = (opened: Opened): string => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-bench-'))
  opened.defer(async () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Ways for what one process takes back to come to another, each on durable servers of its own. */
const ways: Readonly<Record<string, (opened: Opened) => Environment | Promise<Environment>>> = {
  SQLite: opened => ({ DATABASE_URL: `sqlite:${join(openFolder(opened), 'bench.db')}` }),
  'PostgreSQL, LISTEN': async opened => ({ DATABASE_URL: await openPostgres(opened) }),
  'PostgreSQL, LISTEN, and Redis': async opened => ({
    DATABASE_URL: await openPostgres(opened),
    VALKEY_URL: await openValkey(opened),
  }),
  'PostgreSQL behind PgBouncer, no LISTEN': async opened => {
    const url = await openPostgres(opened)
    return { DATABASE_ADMIN_URL: url, DATABASE_URL: await openPgbouncer(opened, url) }
  },
  'PostgreSQL behind PgBouncer, and Redis': async opened => {
    const url = await openPostgres(opened)
    return {
      DATABASE_ADMIN_URL: url,
      DATABASE_URL: await openPgbouncer(opened, url),
      VALKEY_URL: await openValkey(opened),
    }
  },
}

/** Both processes are one installation. The limits count and never refuse. */
const common = {
  NODE_ENV: 'development',
  PUBLIC_URL: 'http://localhost:3000',
  GATEWRIGHT_SECRET: Buffer.alloc(32, 7).toString('base64url'),
  LIMITS_SCALE: '10000',
  ACCESS_LOG: 'notable',
} as const

/** So many sign out at the same time, one after the other each. */
const leavers = 2
const loaders = 100
const mostInSecond = 250

const agent = new Agent({ keepAlive: true })
const refresh = async ({ url }: Running, token: string): Promise<string> =>
  (await send('POST', `${url}/auth/refresh`, { agent, body: { refresh_token: token } })).field('access_token')

const statusAt = async ({ url }: Running, token: string): Promise<number> =>
  (await send('GET', url + path, { agent, token })).status

/** Milliseconds from the answer of the logout here to the answer that refuses the token elsewhere. */
const leave = async (here: Running, elsewhere: Running, refreshToken: string): Promise<number> => {
  const token = await refresh(here, refreshToken)
  assert.equal(await statusAt(elsewhere, token), 200)
  const { status } = await send('POST', `${here.url}/auth/logout`, { agent, token })
  const answered = performance.now()
  assert.equal(status, 200)
  while ((await statusAt(elsewhere, token)) !== 401);
  return performance.now() - answered
}

type Pair = { readonly here: Running; readonly elsewhere: Running }

const startPair = async (opened: Opened, env: Environment, sessions: number): Promise<Pair> => {
  const start = async (core: string, count: number): Promise<Running> => {
    const contender = { name: core, file: 'revocation.ts', args: [`${count}`], core }
    const running = await startContender({ ...contender, env: { ...common, ...env } })
    opened.defer(running.stop)
    return running
  }
  return { here: await start('1', sessions), elsewhere: await start('0', 0) }
}

/** All that one way showed, in milliseconds, the shortest first. */
const measureWay = async (open: (typeof ways)[string], seconds: number): Promise<readonly number[]> => {
  await using opened = new AsyncDisposableStack()
  const { here, elsewhere } = await startPair(opened, await open(opened), loaders + seconds * mostInSecond)
  const tokens = readFileSync(here.callers, 'utf8').trimEnd().split('\n')
  const loading = await Promise.all(tokens.splice(0, loaders).map(token => refresh(here, token)))
  const callers = join(openFolder(opened), 'callers')
  writeFileSync(callers, loading.map(token => `Authorization: Bearer ${token}\n`).join(''))

  const what = { script: 'get.lua', target: path, connections: 8 }
  const loadBoth = (stretch: number): Promise<unknown> =>
    Promise.all([here, elsewhere].map(one => load({ ...one, callers }, { ...what, seconds: stretch })))
  await loadBoth(2)
  const waits: number[] = []
  let isOver = false
  const keepLeaving = async (): Promise<void> => {
    for (let token = tokens.pop(); token !== undefined && !isOver; token = tokens.pop())
      waits.push(await leave(here, elsewhere, token))
  }
  const leaving = Array.from({ length: leavers }, keepLeaving)
  await loadBoth(seconds)
  isOver = true
  await Promise.all(leaving)
  return waits.sort((a, b) => a - b)
}

const quantiles = { p50: 0.5, p90: 0.9, p99: 0.99, worst: 1 } as const

const toCells = (waits: readonly number[]): readonly string[] =>
  Object.values(quantiles).map(part => (waits[Math.ceil(part * waits.length) - 1] ?? Number.NaN).toFixed(0))

/** The time that what one process takes back needs to another, both under load, for each way that it may go. */
export const measureRevocation = async ([seconds = 20]: readonly number[]): Promise<void> => {
  console.log(toHead(['way', 'logouts', ...Object.keys(quantiles).map(name => `${name} ms`)]))
  for (const [name, open] of Object.entries(ways)) {
    const waits = await measureWay(open, seconds)
    console.log(toRow([name, waits.length, ...toCells(waits)]))
  }
  agent.destroy()
}
