import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Kysely, sql } from 'kysely'
import { compose } from '../compose.ts'
import { defaultSettings } from '../ground/settings.ts'
import { openDatabase } from './database.ts'
import { engineMigrations, type MigrationSet, migrate, pendingMigrations } from './migrate.ts'

const settingsOf = (folder: string) =>
  defaultSettings({ nodeEnv: 'test', databaseUrl: `sqlite:${join(folder, 'test.db')}` })

/** The part of a process of its own: it waits for the word, and then starts on the folder. */
const startInChild = async (folder: string): Promise<void> => {
  process.send?.('ready')
  await once(process, 'message')
  const engine = await compose({ settings: settingsOf(folder), durability: 'off' })
  process.send?.({ secret: engine.secrets.newestId })
  await engine.close()
  process.disconnect?.()
}

const startChild = async (folder: string): Promise<ChildProcess> => {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const child = fork(fileURLToPath(import.meta.url), ['start', folder], { env })
  await once(child, 'message')
  return child
}

const defineTests = (): void => {
  const steps = Object.keys(engineMigrations.migrations)
  const folders: string[] = []
  const newFolder = (): string => {
    const folder = mkdtempSync(join(tmpdir(), 'gatewright-'))
    folders.push(folder)
    return folder
  }
  after(() => {
    for (const folder of folders) rmSync(folder, { recursive: true })
  })
  const count = async (db: ReturnType<typeof openDatabase>, table: string): Promise<unknown> => {
    const { rows } = await sql<{ n: number }>`select count(*) as n from ${sql.table(table)}`.execute(db)
    return rows[0]?.n
  }

  test('four processes that start at once on an empty folder make one database, one secret and one key with the one after it', async () => {
    const folder = newFolder()
    const children = await Promise.all(Array.from({ length: 4 }, () => startChild(folder)))
    const answers = children.map(child => once(child, 'message'))
    const ends = children.map(child => once(child, 'exit'))
    for (const child of children) child.send('go')
    for (const [code] of await Promise.all(ends)) assert.equal(code, 0)
    const secrets = new Set((await Promise.all(answers)).map(([{ secret }]) => secret))
    assert.equal(secrets.size, 1)

    const db = openDatabase(settingsOf(folder).databaseUrl)
    for (const [table, rows] of [
      ['installation', 1],
      ['signing_keys', 2],
      ['audit_events', 3],
    ] as const)
      assert.equal(await count(db, table), rows, table)
    assert.equal(await count(db, 'gatewright_migrations'), steps.length)
    assert.ok(!readdirSync(folder).some(name => name.startsWith('secret.')), 'no draft of a secret stays')
    await db.destroy()
  })

  test('what has run is not run again', async () => {
    const db = openDatabase(settingsOf(newFolder()).databaseUrl, { durability: 'off' })
    assert.deepEqual(await pendingMigrations(db, engineMigrations), steps)
    await migrate(db, engineMigrations)
    assert.deepEqual(await pendingMigrations(db, engineMigrations), [])
    await migrate(db, engineMigrations)
    await db.destroy()
  })

  test('a set whose second step fails changes nothing, and runs whole when it is repaired', async () => {
    const db = openDatabase(settingsOf(newFolder()).databaseUrl, { durability: 'off' })
    const set = (broken: boolean): MigrationSet => ({
      owner: 'example',
      migrations: {
        '0001-table': {
          up: async (on: Kysely<unknown>) => void (await sql`create table a (id)`.execute(on)),
        },
        '0002-index': {
          up: async (on: Kysely<unknown>) => {
            await sql`create table b (id)`.execute(on)
            if (broken) throw new Error('half done')
          },
        },
      },
    })
    await assert.rejects(migrate(db, set(true)), /half done/)
    const { rows } = await sql`select name from sqlite_master where name in ('a', 'b')`.execute(db)
    assert.deepEqual(rows, [])
    await migrate(db, set(false))
    assert.equal(await count(db, 'b'), 0)
    await db.destroy()
  })

  test('a change of the engine and one of the application do not know of each other', async () => {
    const db = openDatabase(settingsOf(newFolder()).databaseUrl, { durability: 'off' })
    const same: MigrationSet = { owner: 'blog', migrations: { '0001-first': { up: async () => {} } } }
    await migrate(db, same)
    assert.deepEqual(await pendingMigrations(db, engineMigrations), steps)
    await db.destroy()
  })
}

const [, , role, folder = ''] = process.argv
if (role === 'start') await startInChild(folder)
else defineTests()
