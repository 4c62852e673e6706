import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { type Contender, type Running, startContender } from './contender.ts'
import { memoryOf } from './memory.ts'
import { median, toHead, toRow } from './table.ts'
import { type Load, load, type Measured } from './wrk.ts'

const columns = [
  'live cut-offs',
  'RSS MiB, idle',
  'more than none',
  'peak MiB',
  'requests a second',
  'ratio',
  'processor time each, µs',
  'its ratio',
  'p99 ms',
]

const env = { NODE_ENV: 'development', LIMITS_SCALE: '10000', ACCESS_LOG: 'notable' } as const

const contenderOn = (folder: string, name: string): Contender => ({
  name,
  file: 'gatewright.ts',
  env: { ...env, DATABASE_URL: `sqlite:${join(folder, 'bench.db')}` },
})

/** As sign-outs of so many sessions write them: ids of 128 random bits. */
const fill = (folder: string, count: number): void => {
  const database = new DatabaseSync(join(folder, 'bench.db'))
  const [now, until] = [Date.now(), Date.now() + 6 * 3_600_000]
  const insert = database.prepare(
    "insert into cut_offs (kind, subject, matters_until, created_at) values ('session', ?, ?, ?)",
  )
  database.exec('begin')
  for (let made = 0; made < count; made += 1)
    insert.run(randomBytes(16).toString('base64url'), until + made, now)
  database.exec('commit')
  database.close()
}

/** The start makes the database; then it has so many cut-offs, and is served anew. */
const startWith = async (count: number, folders: string[]): Promise<Running> => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-cut-offs-'))
  folders.push(folder)
  const contender = contenderOn(folder, count.toLocaleString('en'))
  await (await startContender(contender)).stop()
  fill(folder, count)
  return startContender(contender)
}

const what: Omit<Load, 'seconds'> = { script: 'get.lua', target: '/posts/1' }

type Side = { readonly running: Running; readonly figures: Measured[]; idle: number }

const measureSide = async ({ running, figures }: Side, seconds: number): Promise<void> => {
  figures.push(await load(running, { ...what, seconds }))
}

const of = ({ figures }: Side, pick: (figure: Measured) => number): number => median(figures.map(pick))

const print = (side: Side, base: Side): void =>
  console.log(
    toRow([
      side.running.name,
      side.idle.toFixed(0),
      (side.idle - base.idle).toFixed(0),
      memoryOf(side.running.pids[0] ?? 0).peak.toFixed(0),
      of(side, ({ perSecond }) => perSecond).toFixed(0),
      (of(side, ({ perSecond }) => perSecond) / of(base, ({ perSecond }) => perSecond)).toFixed(2),
      of(side, ({ cpu }) => cpu).toFixed(1),
      (of(base, ({ cpu }) => cpu) / of(side, ({ cpu }) => cpu)).toFixed(2),
      of(side, ({ p99 }) => p99).toFixed(1),
    ]),
  )

/**
 * What so many live cut-offs cost: memory of the idle process, and a protected GET beside one that has none.
 * Both are up, and take turns. Targets for a million: 150 MiB, and less than 5 % of the requests.
 */
export const measureCutOffs = async ([
  count = 1_000_000,
  rounds = 7,
  seconds = 2,
]: readonly number[]): Promise<void> => {
  const folders: string[] = []
  const sides: Side[] = []
  try {
    for (const live of [0, count])
      sides.push({ running: await startWith(live, folders), figures: [], idle: 0 })
    await delay(10_000)
    for (const side of sides) side.idle = memoryOf(side.running.pids[0] ?? 0).resident
    for (const side of sides) await load(side.running, { ...what, seconds: 3 })
    for (let round = 0; round < rounds; round += 1)
      for (const side of round % 2 ? sides.toReversed() : sides) await measureSide(side, seconds)
    console.log(toHead(columns))
    for (const side of sides) print(side, sides[0] as Side)
  } finally {
    for (const { running } of sides) await running.stop()
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  }
}
