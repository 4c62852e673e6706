import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startTestApp, type TestApp } from '../../../../test/harness.ts'
import { readDocument, toTable, withParts } from '../../../../test/markdown.ts'
import type { EndReason } from '../ground/end-reasons.ts'
import { besideTheTable, heldByRoles } from './beside-the-table.ts'
import { type Artefact, artefacts, everyEvent } from './every-event.ts'
import { type Consequence, type ConsequenceEvent, consequences } from './table.ts'

const names = Object.keys(artefacts) as readonly Artefact[]
const applied = everyEvent.flatMap(row =>
  'applied' in row ? row.applied.map(event => ({ event, row })) : [],
)

/** The word of a cell, as the table has it. */
const toFate = (cell: string): string => {
  if (cell === '–') return 'none'
  if (cell === 'end (that one)') return 'end that one'
  if (cell === 'end (that device)') return 'end that device'
  if (/^end \(of (this|that|those) sessions?\)$/.test(cell) || cell === 'end (the one used)')
    return 'end of the session'
  if (cell === 'end (second factor)') return 'end of second factors'
  return cell.replace(/[,;(].*$/, '').trim()
}

test('every event of the table stands in one row of what was decided, and no other does', () => {
  assert.deepEqual(applied.map(({ event }) => event).sort(), Object.keys(consequences).sort())
})

describe('what was decided is what the table has', () => {
  for (const { event, row } of applied)
    test(event, () => {
      const inCode: Consequence = consequences[event as ConsequenceEvent]
      for (const [at, name] of names.entries()) {
        const artefact = artefacts[name]
        if ('column' in artefact) assert.equal(inCode[artefact.column], toFate(row.ends[at] ?? ''), name)
      }
    })
})

test('every row says something of every artefact, and none is given twice', () => {
  for (const { event, ends } of everyEvent) {
    assert.equal(ends.length, names.length, event)
    for (const cell of ends) assert.match(cell, /^(end|keep|new id|re-read|stay ended|–|old one: end)/, event)
  }
  const events = everyEvent.map(({ event }) => event)
  assert.deepEqual(events, [...new Set(events)])
})

/** Where an artefact would be kept. */
const tablesOf: { readonly [name in Artefact]?: RegExp } = {
  'API keys': /api_key/,
  'third-party grants': /grant|consent/,
  'known devices': /known_device/,
}

describe('what is still to come has no table, or its column is due', () => {
  let t: TestApp
  before(async () => {
    t = await startTestApp()
  })
  after(() => t.close())
  for (const name of names)
    test(name, async () => {
      if ('column' in artefacts[name]) return
      const tables = await t.engine.db.introspection.getTables()
      const found = tables.filter(table => tablesOf[name]?.test(table.name))
      assert.deepEqual(found, [], `${name} are there: add their column to the table, and its tests`)
    })
})

test('every reason for which a session ends stands in the table or beside it', () => {
  type InTable = Extract<(typeof consequences)[ConsequenceEvent], { reason: EndReason }>['reason']
  type Beside = (typeof besideTheTable)[number]['reasons'][number]
  /** A new id is no end: its sessions go on. */
  type Untold = Exclude<EndReason, InTable | Beside | 'renewed'>
  const isNoneUntold: Untold extends never ? true : false = true
  assert.ok(isNoneUntold)
})

const toldRows = everyEvent.flatMap(({ event, ownerIsTold }) =>
  ownerIsTold === undefined ? [] : [{ event, ownerIsTold }],
)

const toReason = ({ reason, thisSession }: Consequence): string =>
  [...(reason ? [reason] : []), ...(thisSession === 'new id' ? ['renewed'] : [])]
    .map(each => `\`${each}\``)
    .join(', ')

test('docs/consequences.md says what each event ends, as the code has it (UPDATE_DOCS=1 rewrites it)', () => {
  const toCome = everyEvent.flatMap(row => ('comesWith' in row ? [row] : []))
  const isToCome = (_: unknown, at: number): boolean => 'comesWith' in artefacts[names[at] as Artefact]
  const document = withParts('docs/consequences.md', {
    today: toTable(
      [
        'what happens',
        'events',
        'this session',
        'other sessions of the user',
        'API keys',
        'codes and links',
        'known devices',
        'reason of what ends',
      ],
      everyEvent.flatMap(row => {
        if (!('applied' in row)) return []
        const reasons = new Set(row.applied.map(event => toReason(consequences[event])))
        const events = row.applied.map(event => `\`${event}\``).join(', ')
        return [
          [
            row.event,
            events || '–',
            row.ends[0],
            row.ends[1],
            row.ends[2],
            row.ends[4],
            row.ends[5],
            [...reasons].join(', '),
          ],
        ]
      }),
    ),
    'beside the table': toTable(
      ['when', 'what ends', 'reason of what ends'],
      besideTheTable.map(({ when, ends, reasons }) => [
        when,
        ends,
        reasons.map(each => `\`${each}\``).join(', '),
      ]),
    ),
    'held by roles': toTable(
      ['what the user or service has', 'a role is taken or given', 'what a role allows is changed'],
      heldByRoles.map(({ held, fate }) => [held, fate, fate]),
    ),
    'the owner is told': toTable(
      ['what happens', 'mail'],
      toldRows.map(({ event, ownerIsTold }) => [event, ownerIsTold.map(name => `\`${name}\``).join(', ')]),
    ),
    'to come': toTable(
      ['what happens', ...names, 'comes with'],
      toCome.map(row => [row.event, ...row.ends, row.comesWith]),
    ),
    'columns to come': toTable(
      ['what happens', ...names.filter(isToCome)],
      [
        [
          'comes with',
          ...names.map(name => artefacts[name]).flatMap(each => ('comesWith' in each ? each.comesWith : [])),
        ],
        ...everyEvent.flatMap(row => ('applied' in row ? [[row.event, ...row.ends.filter(isToCome)]] : [])),
      ],
    ),
  })
  assert.equal(readDocument('docs/consequences.md'), document)
})
