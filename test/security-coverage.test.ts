import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readDocument, readHeadings, readPart, top, toTable, withParts } from './markdown.ts'
import { listTests } from './practices/test-titles.ts'

type Evidence =
  | { readonly test: string; readonly file: string }
  /** A page, with a heading behind `#` where it is one part of the page. */
  | { readonly page: string }
  | { readonly file: string }

type Row = { readonly id: string; readonly level: string } & (
  | { readonly state: 'shown'; readonly by: readonly Evidence[]; readonly note?: string }
  | { readonly state: 'not applicable'; readonly why: string }
  | { readonly state: 'open'; readonly issue: string; readonly why?: string }
)

type Coverage = {
  /** What is still to come, by a short name. `none`: nothing is planned. */
  readonly issues: Readonly<Record<string, string>>
  readonly rows: readonly Row[]
}

const { issues, rows }: Coverage = JSON.parse(readDocument('docs/security/coverage.json'))

const levels = ['1', '2', '3'] as const
const states = ['shown', 'not applicable', 'open'] as const
const words = /^(MUST|SHALL|SHOULD|MAY)( NOT| \(NOT\))?(\/(MUST|SHALL|SHOULD)( NOT)?)?$/

const isId = (id: string): boolean =>
  /^v5\.0\.0-\d+\.\d+\.\d+$/.test(id) || /^[A-Z][\w-]+([-/][\w/.() -]+)?$/.test(id)

test('every requirement stands once, by its id, with a level and a state', () => {
  const ids = rows.map(({ id }) => id)
  assert.deepEqual(ids, [...new Set(ids)])
  for (const { id, level, state } of rows) {
    assert.ok(isId(id), id)
    assert.ok(id.startsWith('v5.') ? levels.some(one => one === level) : words.test(level), `${id}: ${level}`)
    assert.ok(states.includes(state), `${id}: ${state}`)
  }
})

test('all 345 requirements of ASVS 5.0.0 are judged, in their order', () => {
  const numbers = rows.flatMap(({ id }) => (id.startsWith('v5.') ? [id.slice(7).split('.').map(Number)] : []))
  assert.equal(numbers.length, 345)
  const toPlace = ([a = 0, b = 0, c = 0]: readonly number[]): number => (a * 100 + b) * 100 + c
  assert.deepEqual(
    numbers,
    numbers.toSorted((a, b) => toPlace(a) - toPlace(b)),
  )
})

const titlesOf = new Map<string, ReturnType<typeof listTests>>()
const readTitles = (file: string): ReturnType<typeof listTests> => {
  const titles = titlesOf.get(file) ?? listTests(file, readDocument(file))
  titlesOf.set(file, titles)
  return titles
}

/** What is wrong with a piece of evidence; a title must be that of one test of its file, alone or with those around. */
const findFault = (evidence: Evidence): string | undefined => {
  const place = 'page' in evidence ? evidence.page : evidence.file
  const [file = '', slug] = place.split('#')
  if (!existsSync(join(top, file))) return `there is no ${file}`
  if ('test' in evidence) {
    const { length } = readTitles(file).filter(({ title, path }) => [title, path].includes(evidence.test))
    return length === 1 ? undefined : `${length} tests of ${file} are called "${evidence.test}"`
  }
  if (slug === undefined) return undefined
  return readHeadings(readDocument(file)).some(heading => heading.slug === slug)
    ? undefined
    : `${file} has no heading #${slug}`
}

test('what shows a requirement is there: a test by its title, a page with its heading, a file', () => {
  const faults = rows.flatMap(row => {
    if (row.state !== 'shown') return []
    if (row.by.length === 0) return [`${row.id}: nothing shows it`]
    return row.by.flatMap(evidence => {
      const fault = findFault(evidence)
      return fault === undefined ? [] : [`${row.id}: ${fault}`]
    })
  })
  assert.deepEqual(faults, [])
})

test('what is shown is shown now: no note of it puts anything off', () => {
  const putOff = rows.filter(row => row.state === 'shown' && /\b(later|today)\b/i.test(row.note ?? ''))
  assert.deepEqual(
    putOff.map(({ id }) => id),
    [],
  )
})

test('what does not apply says why', () => {
  for (const row of rows) if (row.state === 'not applicable') assert.match(row.why, /^[A-Z].{10,}\.$/, row.id)
})

test('what is open names what brings it, and a requirement of level 1 or 2 is never without', () => {
  for (const row of rows) {
    if (row.state !== 'open') continue
    assert.ok(Object.hasOwn(issues, row.issue), `${row.id}: ${row.issue}`)
    if (row.issue === 'none') assert.ok(row.level !== '1' && row.level !== '2' && row.why, row.id)
  }
})

test('nothing is planned that no requirement waits for', () => {
  const awaited = new Set(rows.flatMap(row => (row.state === 'open' ? [row.issue] : [])))
  assert.deepEqual(Object.keys(issues).sort(), [...awaited].sort())
})

test('docs/security/README.md has the counts (UPDATE_DOCS=1 writes them)', t => {
  const groups = [...levels.map(level => [level] as const), 'others'] as const
  const countRow = (group: (typeof groups)[number]): readonly string[] => {
    const name = group === 'others' ? 'RFCs, NIST, OWASP cheat sheets' : `ASVS 5.0.0, level ${group[0]}`
    const ofGroup = rows.filter(({ level }) =>
      group === 'others' ? !levels.some(one => one === level) : level === group[0],
    )
    const counts = states.map(state => ofGroup.filter(row => row.state === state).length)
    t.diagnostic(`${name}: ${states.map((state, index) => `${counts[index]} ${state}`).join(', ')}`)
    return [name, ...counts.map(String), String(ofGroup.length)]
  }
  const counts = toTable(['requirements of', ...states, 'all'], groups.map(countRow))
  const page = withParts('docs/security/README.md', { counts })
  assert.equal(readPart(page, 'counts').trim(), counts)
})
