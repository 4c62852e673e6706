import pg from 'pg'
import { testsDatabase } from '../environment.ts'
import { startPostgres } from './server.ts'

type Row = Record<string, unknown>

/** Runs one statement, or several without values, over a connection of its own. */
export const query = async (
  url: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<readonly Row[]> => {
  const client = new pg.Client(url)
  await client.connect()
  try {
    const { rows } = await client.query<Row>(text, [...values])
    return rows
  } finally {
    await client.end()
  }
}

/** The run's server, or where there is none, one of this file. */
export const openServer = async (): Promise<{
  readonly url: string
  readonly stop: () => Promise<void>
}> =>
  testsDatabase.server === undefined ? startPostgres() : { url: testsDatabase.server, stop: async () => {} }

/** Something that nobody else has: a part of the name of a role or database. */
export const newName = (): string => `t${crypto.randomUUID().replaceAll('-', '')}`

/** The address with another user and password, or another database. */
export const readdress = (
  url: string,
  { user, password, database }: { user?: string; password?: string; database?: string },
): string => {
  const changed = new URL(url)
  if (user !== undefined) changed.username = user
  if (password !== undefined) changed.password = password
  if (database !== undefined) changed.pathname = `/${database}`
  return changed.href
}

/** A new, empty database on the server of this address; gives its address. */
export const addDatabase = async (server: string): Promise<string> => {
  const database = newName()
  await query(server, `create database ${database}`)
  return readdress(server, { database })
}
