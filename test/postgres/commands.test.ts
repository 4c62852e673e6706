import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { commandLine, type Folder, newFolder, runToEnd } from '../process/spawned-server.ts'
import { newName, openServer, query, readdress } from './query.ts'
import { secret } from './real-app.ts'

const hush = 'hush-hush-hush'

let server: Awaited<ReturnType<typeof openServer>>
let folder: Folder
const ends: (() => Promise<void>)[] = []

before(async () => {
  server = await openServer()
  folder = newFolder({ after: end => ends.push(end) })
})
after(async () => {
  for (const end of ends) await end()
  await server.stop()
})

/** An empty database, its owner and a role for the server. */
const newInstallation = async () => {
  const name = newName()
  await query(server.url, `create role ${name}_owner login password '${hush}'`)
  await query(server.url, `create role ${name}_server login password '${hush}'`)
  await query(server.url, `create database ${name} owner ${name}_owner`)
  const as = (user: string) => readdress(server.url, { user, password: hush, database: name })
  return { name, owner: as(`${name}_owner`), server: as(`${name}_server`) }
}

const admin = ['--username', 'alice', '--role', 'admin', '--password-stdin'] as const

type Env = Readonly<Record<string, string>>

const run = async (env: Env, ...args: readonly string[]) => {
  const ending = await runToEnd(folder, {
    file: commandLine,
    args,
    ...(args.includes('--password-stdin') && { input: 'correct horse battery staple\n' }),
    env: { GATEWRIGHT_SECRET: secret, ...env },
  })
  assert.doesNotMatch(ending.stdout + ending.stderr, /hush-hush/)
  return ending
}

const runWell = async (env: Env, ...args: readonly string[]): Promise<string> => {
  const { code, stdout, stderr } = await run(env, ...args)
  assert.equal(code, 0, stderr + stdout)
  return stdout
}

type Check = { readonly name: string; readonly level: string; readonly found: string }

const examine = async (env: Env): Promise<ReadonlyMap<string, Check>> => {
  const { stdout } = await run(env, 'doctor', '--json')
  const { checks } = JSON.parse(stdout) as { readonly checks: readonly Check[] }
  return new Map(checks.map(check => [check.name, check]))
}

const assertFound = (checks: ReadonlyMap<string, Check>, name: string, level: string, found: RegExp) => {
  const check = checks.get(name)
  assert.equal(check?.level, level, JSON.stringify(check))
  assert.match(check?.found ?? '', found)
}

describe('the command line', () => {
  test('makes, lists, changes and disables users, with both roles', async () => {
    const { owner, server } = await newInstallation()
    const env = { DATABASE_URL: server, DATABASE_ADMIN_URL: owner }
    assert.match(await runWell(env, 'user', 'create', ...admin), /alice/)
    // From here on the server's role is enough.
    const serving = { DATABASE_URL: server }
    await runWell(serving, 'user', 'create', '--username', 'robert', '--password-stdin')
    await runWell(serving, 'user', 'role', 'robert', 'moderator')
    await runWell(serving, 'user', 'disable', 'robert')
    const listed = await runWell(serving, 'user', 'list')
    assert.match(listed, /alice.*admin/)
    assert.match(listed, /robert.*moderator/)
  })

  test('migrates as the owner without any secret, grants the role that serves, and tells that role where it stands', async () => {
    const { owner, server } = await newInstallation()
    const job = { DATABASE_URL: server, DATABASE_ADMIN_URL: owner, GATEWRIGHT_SECRET: '' }
    assert.match(await runWell(job, 'migrate', 'plan'), /0001-first .*\n(?:.*\n)*There is no way back/)
    const before = await run(job, 'migrate', 'status')
    assert.deepEqual([before.code, /^To come: 0001-first, /.test(before.stdout)], [1, true], before.stdout)
    assert.deepEqual(await query(owner, `select tablename from pg_tables where schemaname = 'public'`), [])
    assert.match(await runWell(job, 'migrate', 'up'), /^Done: 0001-first, /)
    assert.match(await runWell(job, 'migrate', 'up'), /^Nothing was to be done\./)
    const serving = { DATABASE_URL: server }
    assert.match(await runWell(serving, 'migrate', 'status'), /are those of this version/)
    assert.match(await runWell(serving, 'user', 'list'), /no such users/)
    const alone = await run(serving, 'migrate', 'up')
    assert.deepEqual([alone.code, /^Nothing was to be done\.$/m.test(alone.stdout)], [0, true], alone.stderr)
  })

  test('makes a backup as the role that serves, and restores it in its place with both', async () => {
    const { owner, server } = await newInstallation()
    const serving = { DATABASE_URL: server }
    const env = { ...serving, DATABASE_ADMIN_URL: owner }
    await runWell(env, 'user', 'create', ...admin)
    await runWell(serving, 'backup', '--to', 'two-roles.backup')
    await runWell(env, 'restore', '--from', 'two-roles.backup', '--erase-what-stands-there')
    assert.match(await runWell(serving, 'user', 'list'), /alice.*admin/)
  })

  test('makes a set-up link', async () => {
    const { owner } = await newInstallation()
    assert.match(await runWell({ DATABASE_URL: owner }, 'setup-link'), /#[\w-]{20,}/)
  })

  test('shows the settings without the passwords', async () => {
    const { owner, server } = await newInstallation()
    const shown = await runWell({ DATABASE_URL: server, DATABASE_ADMIN_URL: owner }, 'config')
    assert.match(shown, /DATABASE_URL .*_server:hidden@127\.0\.0\.1/)
    assert.match(shown, /DATABASE_ADMIN_URL .*_owner:hidden@127\.0\.0\.1/)
  })

  test('takes an empty database for none, and makes nothing in it', async () => {
    const { owner } = await newInstallation()
    const { code, stderr } = await run({ DATABASE_URL: owner }, 'user', 'list')
    assert.deepEqual([code, /holds no tables of Gatewright/.test(stderr)], [1, true], stderr)
    assert.deepEqual(await query(owner, `select tablename from pg_tables where schemaname = 'public'`), [])
  })

  test('says in one line that the server can not be reached', async () => {
    const { code, stderr } = await run(
      { DATABASE_URL: `postgres://u:${hush}@127.0.0.1:1/db` },
      'user',
      'list',
    )
    assert.equal(code, 1)
    assert.match(
      stderr,
      /^gatewright: the database postgres:\/\/u@127\.0\.0\.1:1\/db can't be used: nothing listens there[^\n]*\n$/,
    )
  })
})

describe('doctor', () => {
  test('finds nothing wrong where two roles serve, and makes no check of a file', async () => {
    const { owner, server } = await newInstallation()
    await runWell({ DATABASE_URL: server, DATABASE_ADMIN_URL: owner }, 'user', 'create', ...admin)
    const checks = await examine({ DATABASE_URL: server })
    for (const name of [
      'database',
      'database-server',
      'database-tls',
      'database-clock',
      'database-pool',
      'database-roles',
      'writing',
      'migrations',
      'administrator',
      'permissions',
    ])
      assertFound(checks, name, 'ok', /./)
    assertFound(checks, 'database-server', 'ok', /PostgreSQL \d+/)
    assertFound(checks, 'database', 'ok', /postgres:\/\/t\w+_server@127/)
    assert.ok(!checks.has('integrity'))
  })

  test('says that grants protect nothing where one role does everything', async () => {
    const { owner } = await newInstallation()
    await runWell({ DATABASE_URL: owner }, 'setup-link')
    assertFound(
      await examine({ DATABASE_URL: owner }),
      'database-roles',
      'warning',
      /_owner may update, delete, truncate audit events/,
    )
  })

  test('lists the processes by the time of the database, and says of one whose clock is wrong', async () => {
    const { owner } = await newInstallation()
    await runWell({ DATABASE_URL: owner }, 'setup-link')
    assertFound(await examine({ DATABASE_URL: owner }), 'processes', 'ok', /^0 live$/)
    const values = (difference: number) =>
      `('p${difference}', 'server', '1', 'h', 'm', 'A', 'A', 'session', ${difference}, 1, extract(epoch from now()) * 1000)`
    await query(owner, `insert into processes values ${values(2_500)}`)
    // Another machine's: its production's rules come first.
    const checks = await examine({
      DATABASE_URL: owner,
      LIMITS_SCALE: '1',
      REGISTRATION: 'closed',
      MAIL: 'off',
      PUBLIC_URL: 'http://localhost:1',
    })
    assertFound(
      checks,
      'processes',
      'problem',
      /1 live; server 1 on h \(secrets A, clock 2\.5 s off, seen \d/,
    )
  })

  test('says of an empty database what is to come, and changes nothing', async () => {
    const { owner } = await newInstallation()
    assertFound(await examine({ DATABASE_URL: owner }), 'migrations', 'warning', /0001-first/)
    assert.deepEqual(await query(owner, `select tablename from pg_tables where schemaname = 'public'`), [])
  })

  test('finds a newer version, a role that only reads, one that is less durable, and a pool that is too large', async () => {
    const { name, owner } = await newInstallation()
    await runWell({ DATABASE_URL: owner }, 'setup-link')
    await query(owner, `insert into gatewright_migrations values ('9999-later', '2026-01-01T00:00:00Z')`)
    await query(owner, `update gatewright_migration_floor set step = '9999-later'`)
    await query(server.url, `alter role ${name}_owner set default_transaction_read_only = on`)
    await query(server.url, `alter role ${name}_owner set synchronous_commit = off`)
    const checks = await examine({ DATABASE_URL: owner, DATABASE_POOL: '900' })
    assertFound(checks, 'migrations', 'problem', /9999-later/)
    assertFound(checks, 'writing', 'problem', /only be read/)
    assertFound(checks, 'durability', 'problem', /fsync is off.*full_page_writes is off/)
    assertFound(checks, 'database-pool', 'warning', /DATABASE_POOL=900 of/)
  })

  test('says why the database can not be opened, in one line', async () => {
    const { owner } = await newInstallation()
    const wrong = readdress(owner, { password: `${hush}x` })
    assertFound(await examine({ DATABASE_URL: wrong }), 'database', 'problem', /the password is wrong/)
  })

  test('makes no file and no folder', () => {
    assert.ok(!existsSync(join(folder.path, 'data')))
  })
})
