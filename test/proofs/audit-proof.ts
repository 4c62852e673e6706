import { sql } from 'kysely'
import type { Checkpoint } from '../../packages/gatewright/src/audit/checkpoint.ts'
import { minute } from '../../packages/gatewright/src/ground/clock.ts'
import { createSealer } from '../../packages/gatewright/src/sealing/sealer.ts'
import type { Anchor } from '../../packages/gatewright/src/sealing/verify/anchor.ts'
import { openDatabaseSource } from '../../packages/gatewright/src/sealing/verify/database-source.ts'
import { verifyChain } from '../../packages/gatewright/src/sealing/verify/verify-chain.ts'
import type { Database } from '../../packages/gatewright/src/storage/tables.ts'
import { recordMany, sealMany } from '../audit/chain.ts'
import { disarm } from '../audit/damages.ts'
import { inVain } from '../audit/in-vain.ts'
import { startTestApp, type TestApp } from '../harness.ts'
import type { Chain } from './chain.ts'
import { addMet, check } from './tally.ts'

/** What a change of one value must be found in. */
const columns: Readonly<Record<string, readonly string[]>> = {
  audit_events: [
    'at',
    'event',
    'user_id',
    'actor',
    'api_key_id',
    'session_id',
    'address',
    'request_id',
    'reason',
    'details',
    'commitments',
  ],
  audit_seals: ['position', 'event_id', 'hash', 'previous_hash'],
  audit_checkpoints: ['position', 'hash', 'at', 'key_id', 'signature'],
  audit_keys: ['id', 'public_key'],
  audit_personal: ['salt', 'address', 'details', 'at'],
}
const numbers: readonly string[] = ['at', 'position', 'event_id']

const toAnchor = (checkpoint: Checkpoint): Anchor => ({
  checkpoints: new Map([[checkpoint.position, [checkpoint]]]),
  newest: checkpoint,
  publicKeys: new Set([checkpoint.public_key]),
  forged: [],
})

/** Changes one value of one row, or takes the row out; says which. */
const harm = async (db: Database, { pick, below }: Chain['seeded']): Promise<string> => {
  const table = pick(Object.keys(columns))
  const { rows } = await sql<{ count: number }>`select count(*) as count from ${sql.table(table)}`.execute(db)
  const row = below(Number(rows[0]?.count))
  const key = table === 'audit_seals' ? 'position' : table === 'audit_personal' ? 'event_id' : 'id'
  const which = sql`${sql.ref(key)} = (select ${sql.ref(key)} from ${sql.table(table)} order by 1 limit 1 offset ${sql.lit(row)})`
  if (table !== 'audit_checkpoints' && below(4) === 0) {
    await sql`delete from ${sql.table(table)} where ${which}`.execute(db)
    return `${table}: row ${row} deleted`
  }
  const column = pick(columns[table] ?? [])
  const name = sql.ref(column)
  const value = numbers.includes(column)
    ? sql`${name} + 100000`
    : column === 'details'
      ? sql`'{"other":"value"}'`
      : sql`coalesce(${name}, '') || 'x'`
  await sql`update ${sql.table(table)} set ${name} = ${value} where ${which}`.execute(db)
  return `${table}: ${column} of row ${row} changed`
}

const verify = async (t: TestApp, db: Database, anchor: Anchor) =>
  verifyChain({ source: await openDatabaseSource(db), anchor, now: t.clock.now() + 5 * minute })

/** Several sealers at once on one chain; then one value of it is changed, or one row taken out, at random. */
export const proveAudit = async ({ owner, runs, seeded, tally }: Chain): Promise<void> => {
  const t = await startTestApp()
  owner.after(() => t.close())
  const sealers = Array.from({ length: 4 }, () => createSealer(t.engine))
  for (let run = 0; run < runs; run++) {
    await recordMany(t, 1 + seeded.below(8))
    await Promise.all(sealers.map(sealer => sealer.look()))
    const anchor = toAnchor(await sealMany(t, 1))
    await t.engine.sealer.look()
    const { faults } = await verify(t, t.engine.db, anchor)
    check(tally, faults.length === 0, `run ${run}: the chain is not whole: ${faults[0]?.what}`)
    const [what, kinds] = await inVain(t.engine.db, async db => {
      await disarm(db)
      const done = await harm(db, seeded)
      const found = await verify(t, db, anchor)
      return [done, found.faults.map(({ kind }) => kind)] as const
    })
    check(tally, kinds.length > 0, `run ${run}: not found: ${what}`)
    addMet(tally.met, new Map([[kinds[0] ?? 'nothing', 1]]))
    tally.runs += 1
  }
}
