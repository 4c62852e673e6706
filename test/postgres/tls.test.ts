import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { defaultSettings } from 'gatewright/settings'
import { generate } from 'selfsigned'
import { databaseUrl } from '../../packages/gatewright/src/ground/parse-database-url.ts'
import { openDatabase } from '../../packages/gatewright/src/storage/database.ts'
import { findTlsWarnings } from '../../packages/gatewright/src/storage/database-tls.ts'
import { readServerFacts } from '../../packages/gatewright/src/storage/postgres-server.ts'
import { query } from './query.ts'
import { startRealApp } from './real-app.ts'
import { type PostgresServer, startPostgres } from './server.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatewright-tls-'))
const [right, wrong] = [join(folder, 'right.pem'), join(folder, 'wrong.pem')]
let server: PostgresServer
let plain: PostgresServer

const ec = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256' } as const

const makeAuthority = (name: string) =>
  generate([{ name: 'commonName', value: name }], {
    ...ec,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  })

/** One role has no password: it shows a certificate with its name. */
const callers = `
hostssl all certified 127.0.0.1/32 cert
host all all 127.0.0.1/32 scram-sha-256
`

const writeCaller = async (
  file: string,
  by: Awaited<ReturnType<typeof makeAuthority>>,
  name = file,
): Promise<void> => {
  const { cert, private: key } = await generate([{ name: 'commonName', value: name }], {
    ...ec,
    ca: { key: by.private, cert: by.cert },
  })
  writeFileSync(join(folder, `${file}.crt`), cert)
  writeFileSync(join(folder, `${file}.key`), key, { mode: 0o600 })
}

before(async () => {
  const [authority, other] = [await makeAuthority('ours'), await makeAuthority('theirs')]
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
    ...ec,
    ca: { key: authority.private, cert: authority.cert },
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
  })
  writeFileSync(right, authority.cert)
  writeFileSync(wrong, other.cert)
  server = await startPostgres({
    flags: ['-c', 'fsync=off', '-c', 'ssl=on', '-c', 'ssl_ca_file=ca.crt'],
    files: { 'server.crt': cert, 'server.key': key, 'ca.crt': authority.cert, 'pg_hba.conf': callers },
  })
  await query(server.url, 'create role certified login superuser')
  await writeCaller('certified', authority)
  await writeCaller('somebody', authority)
  await writeCaller('stranger', other, 'certified')
  plain = await startPostgres()
})
after(async () => {
  await server.stop()
  await plain.stop()
  rmSync(folder, { recursive: true })
})

const addressOf = ({ url }: PostgresServer, host: string, parameters: string): string => {
  const address = new URL(url)
  address.hostname = host
  return `${address.href}${parameters === '' ? '' : `?${parameters}`}`
}

const isEncrypted = async (host: string, parameters: string): Promise<boolean> => {
  const db = openDatabase(addressOf(server, host, parameters))
  try {
    return (await readServerFacts(db)).isEncrypted
  } finally {
    await db.destroy()
  }
}

const stopLine = async (to: PostgresServer, host: string, parameters: string): Promise<string> => {
  const error: unknown = await startRealApp(addressOf(to, host, parameters)).then(
    app => app.close().then(() => assert.fail('it started')),
    reason => reason,
  )
  assert.ok(error instanceof Error)
  assert.doesNotMatch(error.message, /only-on-loopback|\n/)
  return error.message
}

describe('a start with sslmode=verify-full', () => {
  test('serves over TLS where authority and name are right', async () => {
    const app = await startRealApp(addressOf(server, 'localhost', `sslmode=verify-full&sslrootcert=${right}`))
    assert.equal((await app.call('GET', 'posts')).status, 200)
    assert.equal((await readServerFacts(app.engine.db)).isEncrypted, true)
    await app.close()
  })

  test('stops at a certificate of another authority, also of one that this machine trusts', async () => {
    for (const authority of [`&sslrootcert=${wrong}`, ''])
      assert.match(
        await stopLine(server, 'localhost', `sslmode=verify-full${authority}`),
        /its certificate is of an authority that sslrootcert does not name/,
      )
  })

  test('stops at a certificate for another name', async () =>
    assert.match(
      await stopLine(server, '127.0.0.1', `sslmode=verify-full&sslrootcert=${right}`),
      /its certificate is for another name than the host/,
    ))

  test('stops at a server without TLS, and sends it nothing in clear', async () =>
    assert.match(
      await stopLine(plain, 'localhost', `sslmode=verify-full&sslrootcert=${right}`),
      /it speaks no TLS, which sslmode asks for/,
    ))

  test('stops where the file of the authority is not there', async () =>
    assert.match(
      await stopLine(server, 'localhost', `sslmode=verify-full&sslrootcert=${join(folder, 'none.pem')}`),
      /certificate file of the database's address can't be read \(ENOENT\)/,
    ))
})

describe('a mode that is weaker elsewhere', () => {
  for (const mode of ['require', 'prefer', 'verify-ca'])
    test(`${mode}, is verify-full here: the server must be the right one, and have TLS`, async () => {
      assert.match(await stopLine(server, 'localhost', `sslmode=${mode}&sslrootcert=${wrong}`), /authority/)
      assert.match(
        await stopLine(server, '127.0.0.1', `sslmode=${mode}&sslrootcert=${right}`),
        /another name/,
      )
      assert.match(await stopLine(plain, 'localhost', `sslmode=${mode}&sslrootcert=${right}`), /no TLS/)
      assert.equal(await isEncrypted('localhost', `sslmode=${mode}&sslrootcert=${right}`), true)
    })

  test('no-verify, is encrypted with whoever answers, and with nobody in clear', async () => {
    assert.equal(await isEncrypted('127.0.0.1', 'sslmode=no-verify'), true)
    assert.match(await stopLine(plain, 'localhost', 'sslmode=no-verify'), /no TLS/)
  })

  test('none, is none: a file of an authority asks for verify-full', async () => {
    assert.equal(await isEncrypted('localhost', ''), false)
    assert.equal(await isEncrypted('localhost', 'sslmode=disable'), false)
    assert.match(await stopLine(server, '127.0.0.1', `sslrootcert=${right}`), /another name/)
  })
})

test('a database that asks for a certificate of ours gets the one of sslcert and sslkey, and takes no other', async () => {
  const connectAs = async (caller?: string): Promise<boolean> => {
    const own = ['crt', 'key'].map(
      (kind, at) => `&${['sslcert', 'sslkey'][at]}=${join(folder, `${caller}.${kind}`)}`,
    )
    const parameters = `sslmode=verify-full&sslrootcert=${right}${caller === undefined ? '' : own.join('')}`
    const address = new URL(addressOf(server, 'localhost', parameters))
    ;[address.username, address.password] = ['certified', '']
    const db = openDatabase(address.href)
    try {
      return (await readServerFacts(db)).isEncrypted
    } finally {
      await db.destroy()
    }
  }
  assert.equal(await connectAs('certified'), true)
  await assert.rejects(connectAs(), /does not let this role in/)
  await assert.rejects(connectAs('somebody'), /can't be used/)
  await assert.rejects(connectAs('stranger'), /can't be used/)
})

test('what is weak is warned of where the database is on another machine', () => {
  const warn = (url: string, databaseAdminUrl?: string) =>
    findTlsWarnings(
      defaultSettings({ databaseUrl: url, ...(databaseAdminUrl !== undefined && { databaseAdminUrl }) }),
    )
  for (const host of ['localhost', '127.0.0.1', '[::1]', '%2Fvar%2Frun'])
    assert.deepEqual(warn(`postgres://u:p@${host}/db`), [])
  for (const mode of ['verify-full', 'require'])
    assert.deepEqual(warn(`postgres://u@db/db?sslmode=${mode}`), [])
  assert.match(
    warn('postgres://u:hush@db/db').join(),
    /^DATABASE_URL asks for no TLS.*Write sslmode=verify-full there\.$/,
  )
  assert.match(
    warn('postgres://u@db/db?sslmode=no-verify').join(),
    /^DATABASE_URL does not check who answers/,
  )
  assert.match(
    warn('postgres://u@localhost/db', 'postgres://u@db/db').join(),
    /^DATABASE_ADMIN_URL asks for no TLS/,
  )
})

const refused = [
  'sslmode=allow',
  'sslmode=VERIFY-FULL',
  'sslmode=',
  'ssl=no-verify',
  'uselibpqcompat=true',
  'channel_binding=require',
  'password=hush',
  'target_session_attrs=read-write',
]
for (const parameters of refused)
  test(`an address with ${parameters} is refused: it would be passed over, or weaken`, () => {
    const url = `postgres://u@db/db?sslmode=verify-full&${parameters}`.replace(
      'sslmode=verify-full&sslmode',
      'sslmode',
    )
    assert.equal(databaseUrl.parse(url), undefined)
    assert.match(databaseUrl.explain(url) ?? '', /^write (no other parameters|sslmode=verify-full)/)
    assert.doesNotMatch(databaseUrl.explain(url) ?? '', /hush/)
  })
