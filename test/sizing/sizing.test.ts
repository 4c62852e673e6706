import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toHead, toRow } from '../../bench/table.ts'
import { testsDatabase } from '../environment.ts'
import { readDocument, readPart, withParts } from '../markdown.ts'
import { measureSizes, type Sizes } from './measure-sizes.ts'

const path = 'docs/sizing.md'
const page = readDocument(path)

/** The figures of the page, by what they are of: of SQLite in the first column, of PostgreSQL in the second. */
const toldIn = (column: 1 | 2): Sizes =>
  Object.fromEntries(
    readPart(page, 'sizes')
      .split('\n')
      .filter(line => /^\| [a-z]/.test(line) && !line.startsWith('| one more'))
      .map(line => {
        const [, what = '', ...bytes] = line.split('|').map(cell => cell.trim())
        return [what, Number(bytes[column - 1]?.replaceAll(',', ''))]
      }),
  )

const assertTold = (what: string, bytes: number, told: number): void => {
  const ratio = bytes / told
  assert.ok(ratio > 0.75 && ratio < 1.33, `${what}: ${Math.round(bytes)} bytes, the page says ${told}`)
}

/** Tables grow by pages of 4 KiB: among fewer rows one page more or less is a tenth of the figure. */
const rows = 600

const onPostgres = testsDatabase.kind === 'postgres'
const onSqlite = !onPostgres

test('what docs/sizing.md says of SQLite is what one more of each takes', {
  skip: onPostgres && 'the other run measures it',
}, async () => {
  const [measured, told] = [await measureSizes(undefined, rows), toldIn(1)]
  assert.deepEqual(Object.keys(told), Object.keys(measured))
  for (const [what, bytes] of Object.entries(measured)) assertTold(what, bytes, told[what] ?? Number.NaN)
})

/** 600 rows of each take four times as long there as on SQLite: no test waits for that. */
test('what docs/sizing.md says of an empty database on PostgreSQL is what one takes', {
  skip: onSqlite && 'the other run measures it',
}, async () => {
  const { 'empty database': bytes = Number.NaN } = await measureSizes(testsDatabase.server, 0)
  assertTold('empty database', bytes, toldIn(2)['empty database'] ?? Number.NaN)
})

/** What one active user does in a day, as the page tells it. */
const aDay = { session: 1 / 5, 'sign-out': 1 / 10, refresh: 12 } as const
const days = 400
const growths = [1_000, 100_000, 1_000_000] as const

const sum = (of: (what: keyof typeof aDay) => number): number =>
  (Object.keys(aDay) as (keyof typeof aDay)[]).reduce((all, what) => all + of(what), 0)
const bytesADay = (told: Sizes): number => sum(what => aDay[what] * (told[what] ?? Number.NaN))
const writesADay = sum(what => aDay[what])

/** With two digits that count. */
const round = (value: number): string => String(Number(value.toPrecision(2)))
const showBytes = (bytes: number): string => {
  const [size, unit] = (
    [
      [1e12, 'TB'],
      [1e9, 'GB'],
      [1e6, 'MB'],
    ] as const
  ).find(([least]) => bytes >= least) ?? [1, 'bytes']
  return `${round(bytes / size)} ${unit}`
}

test('the growth that docs/sizing.md tells of follows from its figures (UPDATE_DOCS=1 writes it)', () => {
  const [sqlite, postgres] = [bytesADay(toldIn(1)), bytesADay(toldIn(2))]
  const heads = ['SQLite a day', `after ${days} days`, 'PostgreSQL a day', `after ${days} days`]
  const table = [
    toHead(['active users a day', ...heads, 'writes a second, on average']),
    ...growths.map(users =>
      toRow([
        users.toLocaleString('en'),
        ...[sqlite, sqlite * days, postgres, postgres * days].map(bytes => showBytes(bytes * users)),
        round((writesADay * users) / 86_400),
      ]),
    ),
  ].join('\n')
  const document = withParts(path, { growth: table })
  assert.equal(readDocument(path), document)
})

test('the words around that table say what it is computed from', () => {
  const said = 'Each signs in every fifth day, signs out every tenth, and uses a client for two hours, which'
  assert.ok(page.includes(`${said} refreshes twelve times.`))
  assert.deepEqual(aDay, { session: 1 / 5, 'sign-out': 1 / 10, refresh: 12 })
  const [least, most] = [toldIn(1)['sign-out'], toldIn(1).refresh].map(bytes =>
    Number(round(bytes ?? Number.NaN)),
  )
  assert.ok(page.includes(`has one of ${least} to ${most} bytes (SQLite)`), `${least} to ${most}`)
})
