import { systemRandom } from '../../packages/gatewright/src/ground/random.ts'
import { createSecrets } from '../../packages/gatewright/src/ground/secrets.ts'
import { addDatabase, openServer, query } from '../postgres/query.ts'
import { query as queryFile } from './database-file.ts'
import { type Folder, newFolder, type Server, startServer } from './spawned-server.ts'

const text = (number: number): string => Buffer.alloc(32, number).toString('base64url')
const idOf = (secret: string): string => createSecrets([secret], systemRandom).newestId

/** The former secret and the new one, and their ids. */
export const [first, second] = [text(1), text(2)]
export const [A, B] = [idOf(first), idOf(second)]

type Row = Readonly<Record<string, unknown>>
export type Installation = {
  readonly folder: Folder
  readonly env: Readonly<Record<string, string>>
  readonly rows: (sql: string) => Promise<readonly Row[]>
}

type Owner = { readonly after: (end: () => Promise<void>) => void }

// The window is short, so that tokens rotate often; long enough for a retry at another node of a busy machine.
const common = { PUBLIC_URL: 'http://localhost:3000', REFRESH_RETRY_WINDOW: '5s' }

const openSqlite = async (owner: Owner): Promise<Installation> => {
  const folder = newFolder(owner)
  return { folder, env: common, rows: async sql => queryFile(folder, sql) }
}

const openPostgres = async (owner: Owner): Promise<Installation> => {
  const folder = newFolder(owner)
  const server = await openServer()
  owner.after(server.stop)
  const url = await addDatabase(server.url)
  const env = { ...common, DATABASE_URL: url, DATABASE_POOL: '4' }
  return { folder, env, rows: sql => query(url, sql) }
}

/** An empty installation on each database, for nodes that are processes of their own. */
export const installations = { SQLite: openSqlite, PostgreSQL: openPostgres } as const

export const startNode = ({ folder, env }: Installation, ...secrets: readonly string[]): Promise<Server> =>
  startServer(folder, { env: { ...env, GATEWRIGHT_SECRET: secrets.join(',') } })

/** The id of the secret that values are made with. */
export const readInForce = async ({ rows }: Installation): Promise<unknown> =>
  (await rows('select secret_id from installation'))[0]?.secret_id
