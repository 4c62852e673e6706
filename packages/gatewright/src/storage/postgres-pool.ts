import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import pg from 'pg'
import { codeOf } from '../ground/error-code.ts'
import type { PostgresAddress } from '../ground/postgres-address.ts'

export type PoolOptions = {
  /** The most connections at once. */
  readonly size: number
  /** The longest to wait for a connection, in milliseconds. */
  readonly longestConnect: number
  /** The longest a server may be silent to whoever has its connection, in milliseconds. 0: for ever. */
  readonly longestSilence: number
  /** What each new connection is told first. */
  readonly greeting: string
}

/** Numbers of 64 bits (times, places, counts) come as numbers; one that a number can't hold is no number. */
const parseInt8 = (text: string): number => {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError(`the database gave ${text}, which is too large`)
  return value
}

const { INT8 } = pg.types.builtins
const types: pg.CustomTypesConfig = {
  getTypeParser: (id, format) =>
    id === INT8 && format !== 'binary' ? parseInt8 : pg.types.getTypeParser(id, format),
}

const readPem = (file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new Error(`a certificate file of the database's address can't be read (${codeOf(error)}): ${file}`)
  }
}

/** Absent: what the environment says (`PGSSLMODE`), which can ask for more only. */
const toTls = ({ tls, files }: PostgresAddress): pg.PoolConfig['ssl'] => {
  if (tls === 'none') return undefined
  const pems = Object.entries(files).map(([name, file]) => [name, readPem(file)])
  return { ...Object.fromEntries(pems), rejectUnauthorized: tls === 'verified' }
}

/**
 * Where this process stood still, the time of a silence is over before what came meanwhile was read. That is read first;
 * with TLS it takes a turn more.
 */
const endIfSilent = (stream: Socket): void => {
  const { bytesRead } = stream
  const check = (turns: number): void => {
    if (stream.bytesRead !== bytesRead) return
    if (turns === 0) stream.destroy()
    else setImmediate(check, turns - 1)
  }
  setImmediate(check, 1)
}

/** One that breaks while whoever has it asks nothing is no unheard event, which would end the process. */
const prepareClient = async (client: pg.ClientBase, { longestSilence, greeting }: PoolOptions) => {
  client.on('error', () => {})
  const stream = streamOf(client)
  stream.setTimeout(longestSilence, () => endIfSilent(stream))
  await client.query(greeting)
}

/**
 * A connection whose server is silent for too long ends: what it was asked last would answer the next
 * question. One that rests may be silent, until it says goodbye.
 */
const limitSilence = (pool: pg.Pool, longestSilence: number): void => {
  pool.on('connect', client => {
    const stream = streamOf(client)
    stream.once('finish', () => stream.setTimeout(longestSilence))
  })
  pool.on('acquire', client => void streamOf(client).setTimeout(longestSilence))
  pool.on('release', (_, client) => void streamOf(client).setTimeout(0))
}

/** The types hide it, and that it is a socket. With TLS, it is TLS's once it is connected. */
export const streamOf = (client: pg.ClientBase): Socket =>
  (client as unknown as Pick<pg.Client, 'connection'>).connection.stream as Socket

const definedOf = <T extends object>(values: T): { [Name in keyof T]: Exclude<T[Name], undefined> } =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never

export type OpenPool = {
  readonly pool: pg.Pool
  /** Breaks all connections, also those that somebody has. */
  readonly breakAll: () => void
}

/** How any connection is made. @throws Error where a file of the address can't be read */
export const toClientConfig = (address: PostgresAddress, longestConnect: number): pg.ClientConfig => {
  const { host, port, user, password, database, options } = address
  return {
    ...definedOf({ host, port, user, password, database, options, ssl: toTls(address) }),
    application_name: 'gatewright',
    connectionTimeoutMillis: longestConnect,
    keepAlive: true,
  }
}

/** Makes a pool; no connection is made yet. @throws Error where a file of the address can't be read */
export const openPool = (address: PostgresAddress, options: PoolOptions): OpenPool => {
  const pool = new pg.Pool({
    ...toClientConfig(address, options.longestConnect),
    max: options.size,
    types,
    onConnect: client => prepareClient(client, options),
  })
  limitSilence(pool, options.longestSilence)
  const clients = new Set<pg.PoolClient>()
  pool.on('connect', client => void clients.add(client))
  pool.on('remove', client => void clients.delete(client))
  // A connection that breaks while nobody has it is dropped, and the next query makes another.
  pool.on('error', () => {})
  return { pool, breakAll: () => clients.forEach(client => void streamOf(client).destroy()) }
}
