import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { generate } from 'selfsigned'
import { type PostgresServer, startPostgres } from '../postgres/server.ts'
import { findFreePort } from '../process/free-port.ts'
import { commandLine, newFolder, password, runToEnd } from '../process/spawned-server.ts'
import { findNginx } from '../servers/nginx.ts'
import { type ShippedNginx, startShippedNginx } from '../servers/shipped-nginx.ts'
import { findValkey, startValkey, type ValkeyServer } from '../servers/valkey.ts'
import { createNode, type Node } from './node.ts'

export type Owner = { readonly after: (end: () => Promise<void>) => void }

/** nginx before two nodes with two workers each, on one PostgreSQL and one Redis: everything on loopback. */
export type Cluster = {
  /** Where people come: nginx. */
  readonly url: string
  /** Whom clients trust, as PEM. */
  readonly ca: string
  readonly nodes: readonly Node[]
  readonly nginx: ShippedNginx
  readonly postgres: PostgresServer
  readonly valkey: ValkeyServer
  /** REVOCATION_MAX_AGE, in milliseconds. */
  readonly bound: number
  readonly query: (sql: string) => Promise<readonly Readonly<Record<string, unknown>>[]>
}

export type ClusterOptions = {
  readonly bound: number
  /** Where PostgreSQL keeps its data; it is durable wherever that is. */
  readonly place?: string
}

/** The administrator of the cluster. */
export const chief = 'chief'

const makeCertificate = async (owner: Owner) => {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    curve: 'P-256',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
  })
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-cluster-'))
  owner.after(async () => rmSync(folder, { recursive: true, force: true }))
  // nginx does not run as root.
  chmodSync(folder, 0o755)
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  writeFileSync(certFile, cert)
  writeFileSync(keyFile, key)
  return { cert, certFile, keyFile }
}

/** Both programs, or why there are none. */
export const findPrograms = async () => {
  const [nginx, valkey] = [await findNginx(), await findValkey()]
  if (typeof nginx === 'string') return nginx
  if (typeof valkey === 'string') return valkey
  return { nginx, valkey }
}

/** Durable, as production asks for. */
const openPostgres = async (owner: Owner, place: string | undefined): Promise<PostgresServer> => {
  const postgres = await startPostgres({ flags: [], ...(place !== undefined && { place }) })
  owner.after(postgres.stop)
  return postgres
}

const openPool = (owner: Owner, url: string): Cluster['query'] => {
  const pool = new pg.Pool({ connectionString: url, max: 3 }).on('error', () => {})
  owner.after(() => pool.end())
  return async sql => (await pool.query(sql)).rows
}

const makeAdministrator = async (owner: Owner, env: Record<string, string>): Promise<void> => {
  const args = ['user', 'create', '--username', chief, '--role', 'admin', '--password-stdin']
  const done = await runToEnd(newFolder(owner), { env, file: commandLine, args, input: `${password}\n` })
  if (done.code !== 0) throw new Error(`the administrator was not made: ${done.stderr}`)
}

/** As the pages of this project say that it is run: production's rules, limits as they are. */
const toSettings = (url: string, postgres: PostgresServer, valkey: ValkeyServer, bound: number) => ({
  NODE_ENV: 'production',
  HOST: '127.0.0.1',
  PUBLIC_URL: url,
  TRUSTED_PROXIES: '127.0.0.1',
  DATABASE_URL: postgres.url,
  DATABASE_POOL: '5',
  VALKEY_URL: valkey.url,
  GATEWRIGHT_SECRET: Buffer.alloc(32, 7).toString('base64url'),
  REGISTRATION: 'open',
  MAIL: 'off',
  ADMIN_SECOND_FACTOR: 'off',
  REVOCATION_MAX_AGE: `${bound}ms`,
  ACCESS_LOG: 'off',
})

export const startCluster = async (owner: Owner, { bound, place }: ClusterOptions): Promise<Cluster> => {
  const programs = await findPrograms()
  if (typeof programs === 'string') throw new Error(programs)
  const certificate = await makeCertificate(owner)
  const postgres = await openPostgres(owner, place)
  const valkey = await startValkey(programs.valkey)
  owner.after(valkey.stop)
  const port = await findFreePort()
  const url = `https://localhost:${port}`
  const env = toSettings(url, postgres, valkey, bound)
  await makeAdministrator(owner, env)
  const [first, second] = [await findFreePort(), await findFreePort()]
  const nodes = [
    createNode(owner, { name: 'node 1', port: first, env }),
    createNode(owner, { name: 'node 2', port: second, env }),
  ]
  await Promise.all(nodes.map(({ start }) => start()))
  const nginx = await startShippedNginx(programs.nginx, {
    hostName: 'localhost',
    upstreams: [first, second].map(each => `127.0.0.1:${each}`),
    certificate,
    ports: { http: await findFreePort(), https: port },
  })
  owner.after(nginx.stop)
  return {
    url,
    ca: certificate.cert,
    nodes,
    nginx,
    postgres,
    valkey,
    bound,
    query: openPool(owner, postgres.url),
  }
}
