import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'
import { query } from './database-file.ts'
import {
  type Folder,
  newFolder,
  type Program,
  password,
  type Server,
  signUp,
  startServer,
} from './spawned-server.ts'
import { until } from './until.ts'

const count = 8
/** Processes behind one address have one name. */
const env = { PUBLIC_URL: 'http://localhost:3000' }

/** Locks the new file, so that all come to it before the first goes on. */
const holdDatabase = ({ path }: Folder): (() => void) => {
  mkdirSync(join(path, 'data'), { mode: 0o700 })
  const database = new DatabaseSync(join(path, 'data/gatewright.db'))
  database.exec('begin exclusive')
  return () => database.close()
}

/** Where the system does not tell, nobody is waited for. */
const hasDatabaseOpen = ({ pid }: Program): boolean => {
  const folder = `/proc/${pid}/fd`
  if (!existsSync('/proc/self/fd')) return true
  try {
    return readdirSync(folder).some(name => readlinkSync(join(folder, name)).endsWith('gatewright.db'))
  } catch {
    return false
  }
}

describe('eight processes that start at once on an empty database', () => {
  const ends: (() => Promise<void>)[] = []
  let folder: Folder
  let servers: readonly Server[]

  before(async () => {
    folder = newFolder({ after: end => ends.push(end) })
    const release = holdDatabase(folder)
    const starting = Promise.all(Array.from({ length: count }, () => startServer(folder, { env })))
    // A start waits for a lock 5 s long: on a slow machine some come to it late.
    await until('all have come to the lock', () => folder.programs.every(hasDatabaseOpen), 3_000).catch(
      () => {},
    )
    release()
    servers = await starting
    const says = (server: Server) => /First administrator|a set-up link is open/.test(server.stdout())
    await until('every process speaks of the link', () => servers.every(says))
  })
  after(async () => {
    for (const end of ends) await end()
  })

  test('all serve', async () => {
    const answers = await Promise.all(servers.map(server => server.call('GET', '/readyz')))
    assert.deepEqual(
      answers.map(({ status }) => status),
      servers.map(() => 200),
    )
  })

  test('make one installation, and one signing key with the one after it', () => {
    for (const [table, rows] of [
      ['installation', 1],
      ['signing_keys', 2],
      ['setup_links', 1],
    ] as const)
      assert.deepEqual(
        query(folder, `select count(*) as rows from ${table}`).map(row => row.rows),
        [rows],
        table,
      )
    const made = query(
      folder,
      `select event, count(*) as times from audit_events where event <> 'audit-key.made' group by event order by event`,
    )
    assert.deepEqual(
      made.map(row => [row.event, row.times]),
      [
        ['setup-link.made', 1],
        ['signing-key.activated', 1],
        ['signing-key.made', 2],
      ],
    )
  })

  test('print one set-up link between them, and it works at whichever', async () => {
    const links = servers.flatMap(server => [...server.stdout().matchAll(/setup_link":"[^#]+#([\w-]+)/g)])
    assert.equal(links.length, 1)
    const answers = await Promise.all(
      servers.map(({ call }, at) =>
        call('POST', 'setup', { body: { token: links[0]?.[1], username: `admin${at}x`, password } }),
      ),
    )
    const statuses = answers.map(({ status }) => status).sort()
    assert.deepEqual(statuses, [201, ...Array.from({ length: count - 1 }, () => 400)])
  })

  test('leave one secret file and no draft of one', () => {
    const names = readdirSync(join(folder.path, 'data')).sort()
    const database = ['gatewright.db', 'gatewright.db-shm', 'gatewright.db-wal', 'gatewright.db.place']
    // The note of the place is written anew now and then, under another name first.
    assert.deepEqual(
      names.filter(name => !/\.place\.\d+$/.test(name)),
      [...database, 'secret'],
    )
    assert.equal(existsSync(join(folder.path, '.env')), false)
  })

  test('let in the tokens of each other', async () => {
    const callers = await Promise.all(servers.map((server, at) => signUp(server, `user${at}x`)))
    const statuses = await Promise.all(
      servers.flatMap(server =>
        callers.map(async ({ access }) => (await server.call('GET', 'protected', { token: access })).status),
      ),
    )
    assert.deepEqual(new Set(statuses), new Set([200]))
    assert.equal(statuses.length, count * count)
  })

  test('refresh the tokens of each other', async () => {
    const [first, ...others] = servers
    assert.ok(first)
    const { refresh } = await signUp(first, 'roaming')
    const answers = await Promise.all(
      others.map(server => server.call('POST', 'refresh', { body: { refresh_token: refresh } })),
    )
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
    assert.deepEqual(new Set(answers.map(answer => answer.field('refresh_token'))), new Set([refresh]))
  })

  test('give a username to one of eight who ask for it at once', async () => {
    const answers = await Promise.all(
      servers.map(({ call }) => call('POST', 'register', { body: { username: 'wanted', password } })),
    )
    const statuses = answers.map(({ status }) => status).sort()
    assert.deepEqual(statuses, [201, ...Array.from({ length: count - 1 }, () => 409)])
    assert.equal(query(folder, `select id from users where username = 'wanted'`).length, 1)
  })
})
