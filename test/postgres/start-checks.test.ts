import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { inTransaction } from 'gatewright/transaction'
import { sql } from 'kysely'
import { openDatabase } from '../../packages/gatewright/src/storage/database.ts'
import {
  findFaults,
  readServerFacts,
  type ServerFacts,
} from '../../packages/gatewright/src/storage/postgres-server.ts'
import { addDatabase, newName, query, readdress } from './query.ts'
import { startRealApp } from './real-app.ts'
import { type PostgresServer, startPostgres } from './server.ts'

let server: PostgresServer
before(async () => {
  server = await startPostgres({ flags: ['-c', 'fsync=off', '-c', 'full_page_writes=on'] })
})
after(() => server.stop())

/** A database and a role with that default of its own. */
const newRole = async (setting?: string): Promise<string> => {
  const name = newName()
  await query(server.url, `create role ${name} login password 'x'`)
  await query(server.url, `create database ${name} owner ${name}`)
  if (setting !== undefined) await query(server.url, `alter role ${name} set ${setting}`)
  return readdress(server.url, { user: name, password: 'x', database: name })
}

const production = {
  nodeEnv: 'production',
  publicUrl: 'http://localhost:3000',
  registration: 'closed',
  mail: 'off',
} as const

describe('a start', () => {
  test('in production stops at a server that may forget, and elsewhere warns', async () => {
    const url = await newRole()
    await assert.rejects(
      startRealApp(url, production),
      /^Error: fsync is off on the PostgreSQL server: a power cut[^\n]*$/,
    )
    // Tests that need no durability say so.
    await (await startRealApp(url, production, { durability: 'off' })).close()
    const app = await startRealApp(url)
    assert.match(app.engine.warnings.join('\n'), /^fsync is off[^\n]*$/)
    await app.close()
  })

  test('stops at such a server also where only a second machine on the database makes it production', async t => {
    const url = await newRole()
    const first = await startRealApp(url)
    t.after(first.close)
    // As if that one ran on another machine.
    await query(url, `update processes set machine = 'other', host = 'other-host'`)
    const { nodeEnv: _, ...chosen } = production
    await assert.rejects(
      startRealApp(url, { ...chosen, limitsScale: 1 }),
      /^Error: another machine \(other-host\) works on the database: fsync is off[^\n]*$/,
    )
    await assert.rejects(
      startRealApp(url, chosen),
      /another machine .other-host. .* LIMITS_SCALE must not be above 1/,
    )
    const rows = await query(url, 'select host from processes')
    assert.deepEqual(rows, [{ host: 'other-host' }])
    const second = await startRealApp(url, { ...chosen, limitsScale: 1 }, { durability: 'off' })
    t.after(second.close)
    assert.deepEqual(second.engine.processes.surroundings(), { otherMachine: 'other-host' })
  })

  test('stops at a database whose encoding can not hold every name', async () => {
    const url = await newRole()
    const database = newName()
    await query(
      server.url,
      `create database ${database} encoding 'LATIN1' template template0 locale_provider libc locale 'C'`,
    )
    const other = readdress(url, { database })
    await assert.rejects(startRealApp(other), /has the encoding LATIN1/)
  })

  test('stops at a stand-by', async t => {
    const copy = await startPostgres()
    t.after(copy.stop)
    const url = await addDatabase(copy.url)
    await (await startRealApp(url)).close()
    await copy.halt()
    copy.write('standby.signal', '')
    await copy.restart()
    await assert.rejects(
      startRealApp(url),
      /is a stand-by, which only reads: write the address of the primary/,
    )
  })

  test('stops at a version before 15, and takes 15', () => {
    const facts = { version: 150_000, versionText: '15.0', isStandby: false, encoding: 'UTF8' } as ServerFacts
    assert.deepEqual(findFaults(facts), [])
    assert.deepEqual(findFaults({ ...facts, version: 140_019, versionText: '14.19' }), [
      'the PostgreSQL server of DATABASE_URL is too old, 14.19: write the address of one of 15 or newer',
    ])
  })
})

describe('whatever the role has as its default,', () => {
  type Shown = { readonly commit: string; readonly isolation: string }
  const show = sql<Shown>`select current_setting('synchronous_commit') as "commit", current_setting('transaction_isolation') as isolation`

  const cases: readonly (readonly [setting: string, commit: string])[] = [
    ['synchronous_commit = off', 'on'],
    ['synchronous_commit = local', 'on'],
    ['synchronous_commit = remote_write', 'on'],
    ['synchronous_commit = remote_apply', 'remote_apply'],
    ['default_transaction_isolation = serializable', 'on'],
  ]
  for (const [setting, commit] of cases)
    test(`${setting}: a commit is ${commit} at read committed, in a transaction and alone`, async t => {
      const db = openDatabase(await newRole(setting))
      t.after(() => db.destroy())
      const expected = [{ commit, isolation: 'read committed' }]
      const { rows } = await inTransaction(db, work => show.execute(work.db))
      assert.deepEqual(rows, expected)
      assert.deepEqual((await show.execute(db)).rows, expected)
      // Behind a pooler the session may be another's.
      await sql.raw(`reset all; set ${setting}`).execute(db)
      assert.deepEqual((await inTransaction(db, work => show.execute(work.db))).rows, expected)
      const facts = await readServerFacts(db)
      assert.equal(
        `synchronous_commit = ${facts.synchronousCommit}`,
        /^sync/.test(setting) ? setting : 'synchronous_commit = on',
      )
    })
})
