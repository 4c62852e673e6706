import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Checkpoint } from '../../packages/gatewright/src/audit/checkpoint.ts'
import { auditEvents } from '../../packages/gatewright/src/audit/events.ts'
import { toNewEvent } from '../../packages/gatewright/src/audit/new-event.ts'
import { commandLineOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { auditVerify } from '../../packages/gatewright/src/cli/audit-verify.ts'
import { canonicalJson } from '../../packages/gatewright/src/ground/canonical-json.ts'
import { minute } from '../../packages/gatewright/src/ground/clock.ts'
import { exportLines } from '../../packages/gatewright/src/sealing/export-lines.ts'
import { showWith } from '../../packages/gatewright/src/sealing/show-entry.ts'
import { readAnchor } from '../../packages/gatewright/src/sealing/verify/anchor.ts'
import { openDatabaseSource } from '../../packages/gatewright/src/sealing/verify/database-source.ts'
import { openExportSource } from '../../packages/gatewright/src/sealing/verify/export-source.ts'
import type { Verdict } from '../../packages/gatewright/src/sealing/verify/pass.ts'
import { verifyChain } from '../../packages/gatewright/src/sealing/verify/verify-chain.ts'
import type { Database } from '../../packages/gatewright/src/storage/tables.ts'
import { startTestApp, type TestApp } from '../harness.ts'
import { sealMany } from './chain.ts'
import { damages, disarm, insertSealed } from './damages.ts'
import { inVain } from './in-vain.ts'

let t: TestApp
let folder: string
let anchorFile: string
let last: Checkpoint
before(async () => {
  t = await startTestApp()
  folder = mkdtempSync(join(tmpdir(), 'gatewright-anchor-'))
  anchorFile = join(folder, 'anchor.jsonl')
  const first = await sealMany(t, 20)
  last = await sealMany(t, 20)
  writeFileSync(
    anchorFile,
    [
      'a line of another program',
      JSON.stringify(first),
      JSON.stringify({ level: 'info', checkpoint: last }),
      '',
    ].join('\n'),
  )
})
after(async () => {
  rmSync(folder, { recursive: true })
  await t.close()
})

const verify = async (db: Database, anchored: boolean): Promise<Verdict> =>
  verifyChain({
    source: await openDatabaseSource(db),
    ...(anchored && { anchor: await readAnchor(anchorFile) }),
    now: t.clock.now() + 5 * minute,
  })

const kinds = ({ faults }: Verdict): readonly string[] => faults.map(({ kind }) => kind)

test('a record that nobody has touched is whole, by its own word and by a checkpoint from outside', async () => {
  const alone = await verify(t.engine.db, false)
  assert.deepEqual(kinds(alone), [])
  assert.equal(alone.anchored, undefined)
  const anchored = await verify(t.engine.db, true)
  assert.deepEqual(kinds(anchored), [])
  assert.equal(anchored.anchored?.position, last.position)
})

describe('of the database, verify names', () => {
  for (const { name, do: harm, alone, anchored = alone, position } of damages)
    test(name, () =>
      inVain(t.engine.db, async db => {
        await disarm(db)
        await harm(db, (await verify(db, false)).position)
        const [found, withAnchor] = [await verify(db, false), await verify(db, true)]
        assert.equal(found.faults[0]?.kind, alone, JSON.stringify(found.faults))
        if (position !== undefined) assert.equal(found.faults[0]?.position, position)
        assert.ok(
          anchored !== undefined && kinds(withAnchor).includes(anchored),
          JSON.stringify(withAnchor.faults),
        )
      }),
    )
})

/** The whole export, each line as it is written, and as it was parsed. */
const readExport = async (): Promise<readonly string[]> => {
  const lines: string[] = []
  for await (const line of exportLines(t.engine.db, { show: showWith(true) })) lines.push(line)
  return lines
}

const verifyLines = async (lines: readonly string[], anchored = false): Promise<Verdict> => {
  const file = join(folder, 'export.jsonl')
  writeFileSync(file, lines.join('\n'))
  return verifyChain({
    source: await openExportSource(file),
    ...(anchored && { anchor: await readAnchor(anchorFile) }),
    now: t.clock.now(),
  })
}

type Lines = readonly string[]
const at = 12
const isAt = (line: string, position: number): boolean => JSON.parse(line).chain?.position === position
const change = (lines: Lines, act: (line: { chain: Record<string, object> }) => object): Lines =>
  lines.map(line => (isAt(line, at) ? JSON.stringify(act(JSON.parse(line))) : line))

const exportDamages: readonly (readonly [string, (lines: Lines) => Lines, string])[] = [
  [
    'an event is edited',
    lines => change(lines, ({ chain }) => ({ chain: { ...chain, row: { ...chain.row, reason: 'x' } } })),
    'edited',
  ],
  [
    'an event is left out of its line',
    lines => change(lines, ({ chain }) => ({ chain: { ...chain, row: null } })),
    'deleted',
  ],
  ['a line is deleted', lines => lines.filter(line => !isAt(line, at)), 'deleted'],
  ['a line is there twice', lines => lines.flatMap(line => (isAt(line, at) ? [line, line] : [line])), 'fork'],
  [
    'personal fields are taken out',
    lines => change(lines, ({ chain }) => ({ chain: { ...chain, personal: null } })),
    'personal-missing',
  ],
  [
    'an address is changed',
    lines =>
      change(lines, ({ chain }) => ({
        chain: { ...chain, personal: { ...chain.personal, address: '198.51.100.1' } },
      })),
    'personal-changed',
  ],
  [
    'two lines change places',
    lines => {
      const place = lines.findIndex(line => isAt(line, at))
      return [...lines.slice(0, place), lines[place + 1] ?? '', lines[place] ?? '', ...lines.slice(place + 2)]
    },
    'deleted',
  ],
  [
    'a checkpoint is forged',
    lines =>
      lines.map(line =>
        JSON.parse(line).audit === 'checkpoint' ? line.replace(/"hash":"./, '"hash":"_') : line,
      ),
    'checkpoint-forged',
  ],
  [
    'an event is shown otherwise than it was sealed, beside its untouched chain',
    lines => change(lines, line => ({ ...line, reason: 'unknown_user' })),
    'shown-otherwise',
  ],
  [
    'an address is shown that was left out of the chain',
    lines =>
      change(lines, ({ chain, ...shown }) => ({
        ...shown,
        address: '198.51.100.1',
        chain: { ...chain, personal: 'left out' },
      })),
    'shown-otherwise',
  ],
  [
    'what is personal is left out of one line of an export that has it',
    lines => change(lines, ({ chain }) => ({ chain: { ...chain, personal: 'left out' } })),
    'personal-missing',
  ],
  [
    'a line names another event, which may have been erased',
    lines => change(lines, ({ chain }) => ({ chain: { ...chain, event_id: 1 as never } })),
    'edited',
  ],
  [
    'the beginning is cut off',
    lines => lines.filter(line => !(JSON.parse(line).chain?.position < at)),
    'deleted',
  ],
]

describe('of an export, verify names', () => {
  test('nothing where nobody has touched it', async () => {
    const lines = await readExport()
    const verdict = await verifyLines(lines, true)
    assert.deepEqual(kinds(verdict), [])
    assert.equal(verdict.anchored?.position, last.position)
    assert.equal(verdict.events, last.position)
  })
  for (const [name, harm, kind] of exportDamages)
    test(name, async () => assert.equal(kinds(await verifyLines(harm(await readExport())))[0], kind))

  test('that the end is cut off, with a checkpoint from outside', async () => {
    const lines = (await readExport()).slice(0, -8)
    assert.deepEqual(kinds(await verifyLines(lines)), [])
    assert.deepEqual(kinds(await verifyLines(lines, true)), ['truncated'])
  })
  test('nothing where it went through a system that ends lines otherwise, or by a program that orders members', async () => {
    const lines = await readExport()
    const [first, ...others] = lines
    assert.deepEqual(kinds(await verifyLines([`\ufeff${first}`, ...others].map(line => `${line}\r`))), [])
    assert.deepEqual(kinds(await verifyLines(lines.map(line => canonicalJson(JSON.parse(line))))), [])
  })
  test('nothing where somebody has chosen a name with a line separator of Unicode', () =>
    inVain(t.engine.db, async db => {
      const name = 'two\u2028lines\u2029\u0085'
      const event = toNewEvent(auditEvents, { at: 1, event: 'api-key.ended', origin, details: { name } })
      // PostgreSQL would give another number.
      await disarm(db)
      await insertSealed(db, event)
      const lines: string[] = []
      for await (const line of exportLines(db, { show: showWith(true) })) lines.push(line)
      assert.ok(lines.at(-1)?.includes('\u2028'))
      assert.deepEqual(kinds(await verifyLines(lines)), [])
    }))
  test('a file of checkpoints that has none of this chain, or none at all', async () => {
    const file = join(folder, 'empty.jsonl')
    writeFileSync(file, 'nothing\n')
    const source = await openDatabaseSource(t.engine.db)
    const { faults } = await verifyChain({ source, anchor: await readAnchor(file), now: t.clock.now() })
    assert.deepEqual(
      faults.map(({ kind }) => kind),
      ['anchor-unmet'],
    )
  })
  test('a line that is none', () => assert.rejects(verifyLines(['{"chain":{}}']), /line 1 is not one/))
})

describe('gatewright audit verify', () => {
  const run = async (input: Record<string, string>) => {
    const result = await auditVerify.run({ restored: [], ...input })
    assert.ok(result !== undefined)
    return result
  }
  const database = () => t.engine.settings.databaseUrl

  test('says how far the record is complete, and by whose word', async () => {
    const alone = await run({ database: database() })
    assert.equal(alone.exitCode, 0)
    assert.match(alone.text, new RegExp(`^complete to position ${last.position} by its own word`))
    const anchored = await run({ database: database(), anchor: anchorFile })
    assert.match(anchored.text, new RegExp(`^complete to position ${last.position}, as a checkpoint of`))
    assert.deepEqual(anchored.json.anchored, { position: last.position, at: last.at })
  })

  test('names the first bad entry, what is wrong with it and where, and ends with 1', async () => {
    const file = join(folder, 'bad.jsonl')
    const lines = (await readExport()).map(line => line.replaceAll('"wrong_password"', '"unknown_user"'))
    writeFileSync(file, lines.join('\n'))
    const { text, json, exitCode } = await run({ export: file })
    assert.equal(exitCode, 1)
    const [first] = json.faults as readonly { position: number; kind: string; event_id: number }[]
    assert.equal(first?.kind, 'edited')
    assert.ok(
      text.startsWith(
        `The first bad entry is at position ${first?.position}, event ${first?.event_id}: edited`,
      ),
    )
    assert.equal((json.faults as readonly object[]).length, 40)
  })

  test('takes one thing to verify, and positions of restores', async () => {
    await assert.rejects(run({ database: database(), export: 'x' }), /either/)
    await assert.rejects(auditVerify.run({ restored: ['x'] }), /position/)
  })
})
