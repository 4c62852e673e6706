import { readFileSync, writeFileSync } from 'node:fs'
import { startPostgres } from '../test/postgres/server.ts'
import { type Contender, type Running, startContender } from './contender.ts'
import { median, toHead, toRow } from './table.ts'
import { type Load, load, type Measured } from './wrk.ts'

/** Every use rotates; the limits count and never refuse. */
const env = {
  NODE_ENV: 'development',
  LIMITS_SCALE: '10000',
  ACCESS_LOG: 'notable',
  REFRESH_RETRY_WINDOW: '0',
} as const

const columns = [
  'database',
  'live sessions',
  'refreshes a second',
  'processor time each, µs',
  'p99 ms',
  'refused',
]

/** A token is used once: each stretch of load has its own. */
const share = (running: Running, number: number, stretches: number): Running => {
  const all = readFileSync(running.callers, 'utf8').trimEnd().split('\n')
  const size = Math.floor(all.length / stretches)
  const callers = `${running.callers}-${number}`
  writeFileSync(callers, `${all.slice(number * size, (number + 1) * size).join('\n')}\n`)
  return { ...running, callers }
}

const stretches = 4
const what: Load = { script: 'refresh.lua', target: '/auth/refresh', seconds: 5 }

/** The first stretch only warms up. */
const measure = async (contender: Contender): Promise<readonly Measured[]> => {
  const running = await startContender(contender)
  try {
    const figures: Measured[] = []
    for (let number = 0; number < stretches; number += 1)
      figures.push(await load(share(running, number, stretches), what))
    return figures.slice(1)
  } finally {
    await running.stop()
  }
}

const print = (name: string, sessions: number, figures: readonly Measured[]): void => {
  const of = (pick: (figure: Measured) => number) => median(figures.map(pick))
  console.log(
    toRow([
      name,
      sessions.toLocaleString('en'),
      of(figure => figure.perSecond).toFixed(0),
      of(figure => figure.cpu).toFixed(0),
      of(figure => figure.p99).toFixed(0),
      Math.max(...figures.map(({ refused }) => refused)),
    ]),
  )
}

/** Refreshes a second, audit rows included, on durable databases that hold so many sessions. */
export const measureRefresh = async (sizes: readonly number[]): Promise<void> => {
  const sessions = sizes.length > 0 ? sizes : [1_000, 100_000, 1_000_000]
  const toContender = (size: number, more = {}): Contender => ({
    name: `Gatewright with ${size} sessions`,
    file: 'sessions.ts',
    args: [String(size)],
    env: { ...env, ...more },
  })
  console.log(toHead(columns))
  for (const size of sessions) print('SQLite', size, await measure(toContender(size)))
  const [smallest = 1_000] = sessions
  const postgres = await startPostgres({ flags: [] })
  try {
    print('PostgreSQL', smallest, await measure(toContender(smallest, { DATABASE_URL: postgres.url })))
  } finally {
    await postgres.stop()
  }
}
