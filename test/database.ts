import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { testsDatabase } from './environment.ts'

/** An empty database of one test's own. */
export type TestDatabase = { readonly url: string; readonly drop: () => Promise<void> }

/** The server that all files of a run share (test/global-setup.ts). */
const getServer = (): string => {
  if (testsDatabase.server !== undefined) return testsDatabase.server
  throw new Error(
    'there is no PostgreSQL server: run node --test --test-global-setup=test/global-setup.ts <file>',
  )
}

const newFile = (): TestDatabase => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-'))
  return {
    url: `sqlite:${join(folder, 'test.db')}`,
    drop: async () => rmSync(folder, { recursive: true, force: true }),
  }
}

const runOn = async (server: string, statement: string): Promise<void> => {
  const client = new pg.Client(server)
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

const newOn = async (server: string): Promise<TestDatabase> => {
  const name = `test_${crypto.randomUUID().replaceAll('-', '')}`
  await runOn(server, `create database ${name}`)
  return {
    url: server.replace(/\/postgres$/, `/${name}`),
    drop: () => runOn(server, `drop database ${name} with (force)`),
  }
}

/** SQLite in a folder of its own, or with `TEST_DATABASE=postgres` a database on a real PostgreSQL server. */
export const newTestDatabase = async (): Promise<TestDatabase> =>
  testsDatabase.kind === 'postgres' ? newOn(getServer()) : newFile()
