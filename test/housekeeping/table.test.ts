import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { day, hour } from 'gatewright/clock'
import { compose, type Engine } from 'gatewright/compose'
import { defaultSettings } from 'gatewright/settings'
import {
  housekeepingTable,
  type KeptTable,
  type SweptTable,
  sweptTables,
} from '../../packages/gatewright/src/upkeep/housekeeping-table.ts'
import { newTestDatabase } from '../database.ts'
import { readPart, toTable, withParts } from '../markdown.ts'
import { openSecondConnection, type SecondConnection } from '../sessions/second-connection.ts'

let database: Awaited<ReturnType<typeof newTestDatabase>>
let engine: Engine
let second: SecondConnection
before(async () => {
  database = await newTestDatabase()
  const gatewrightSecret = ['A'.repeat(43)]
  engine = await compose({
    settings: defaultSettings({ nodeEnv: 'test', databaseUrl: database.url, gatewrightSecret }),
    durability: 'off',
  })
  second = openSecondConnection(engine)
})
after(async () => {
  second.close()
  await engine.close()
  await database.drop()
})

const named: readonly string[] = housekeepingTable.map(({ table }) => table)

test('every table of the engine says how long its rows are kept, and why', async () => {
  const tables = await engine.db.introspection.getTables({ withInternalKyselyTables: true })
  const names = tables.map(({ name }) => name).filter(name => !/^gatewright_migration/.test(name))
  assert.deepEqual([...named].sort(), names.sort(), 'write a row in upkeep/housekeeping-table.ts')
  for (const { table, why } of housekeepingTable) assert.match(why, /^[A-Z].{10,}\.$/, table)
})

const toForeignKeys = (table: string): readonly (readonly [child: string, parent: string])[] =>
  engine.settings.databaseUrl.startsWith('sqlite:')
    ? second.rows(`pragma foreign_key_list(${table})`).map(row => [table, String(row.table)])
    : second
        .rows(
          `select confrelid::regclass::text as parent from pg_constraint
           where contype = 'f' and conrelid = '${table}'::regclass`,
        )
        .map(row => [table, String(row.parent)])

test('a table stands above those that its rows refer to', () => {
  const references = named.flatMap(toForeignKeys)
  assert.ok(references.length > 0)
  for (const [child, parent] of references)
    assert.ok(named.indexOf(child) < named.indexOf(parent), `${child} refers to ${parent}`)
})

test('what is past its time is found by an index, in every table', () => {
  for (const { table, key, time, only = time } of sweptTables) {
    const select = `select ${key.join(', ')} from ${table} where ${time} <= 5 and ${only} is not null order by ${time} limit 200`
    const plan = second.planOf(select).join('\n')
    // One row at most.
    if (table !== 'setup_links')
      assert.match(plan, /USING ((COVERING )?INDEX|INTEGER PRIMARY KEY)|Index (Only )?Scan/, table)
  }
  const live = `select id from sessions where ended_at is null and (expires_at, id) > (1, 'x') order by expires_at, id limit 500`
  assert.match(second.planOf(live).join('\n'), /sessions_live/)
})

const units = [
  [day, 'day'],
  [hour, 'hour'],
] as const

const showTime = (milliseconds: number): string => {
  const [length, name] = units.find(([unit]) => milliseconds % unit === 0) ?? [1, 'millisecond']
  const count = milliseconds / length
  return `${count} ${name}${count === 1 ? '' : 's'}`
}

test('docs/housekeeping.md has the table (UPDATE_DOCS=1 writes it)', () => {
  const toRow = (row: KeptTable | SweptTable): readonly string[] => {
    if (!('keptFor' in row)) return [`\`${row.table}\``, '', row.why]
    const past = row.keptFor === 0 ? 'past' : `${showTime(row.keptFor)} after`
    return [`\`${row.table}\``, `${past} \`${row.time}\``, row.why]
  }
  const tables = toTable(['table', 'deleted', 'why'], housekeepingTable.map(toRow))
  assert.equal(readPart(withParts('docs/housekeeping.md', { tables }), 'tables').trim(), tables)
})
