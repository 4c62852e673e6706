import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createUser } from 'gatewright/administration'
import { compose, type Engine } from 'gatewright/compose'
import { defaultSettings } from 'gatewright/settings'
import { blog } from '../../apps/blog/src/blog.ts'
import { deleteUser } from '../../packages/gatewright/src/administration/delete-user.ts'
import { eraseAudit, listUnerased } from '../../packages/gatewright/src/administration/erase-audit.ts'
import { finishRestore } from '../../packages/gatewright/src/administration/finish-restore.ts'
import { systemOrigin } from '../../packages/gatewright/src/audit/record.ts'
import { deletePruned, mayPrune, recordPruning } from '../../packages/gatewright/src/sealing/prune.ts'
import { openDatabaseSource } from '../../packages/gatewright/src/sealing/verify/database-source.ts'
import { verifyChain } from '../../packages/gatewright/src/sealing/verify/verify-chain.ts'
import { openDatabase } from '../../packages/gatewright/src/storage/database.ts'
import type { Database } from '../../packages/gatewright/src/storage/tables.ts'
import { inTransaction } from '../../packages/gatewright/src/storage/transaction.ts'
import { judgePasswordOfRole } from '../../packages/gatewright/src/upkeep/secret-age.ts'
import { backUp, load, newPlace } from '../backups/place.ts'
import { real } from '../harness.ts'
import { readBlocks, readDocument } from '../markdown.ts'
import { addUser } from '../sessions/signed-in.ts'
import { newName, openServer, query, readdress } from './query.ts'

const secret = Buffer.alloc(32, 7).toString('base64url')
const hush = 'hush-hush-hush'

let stop: () => Promise<void>
let superuser: string

/** A database with the two roles of docs/postgresql.md. */
const newRoles = async () => {
  const name = newName()
  const [owner, server] = [`${name}_owner`, `${name}_server`]
  await query(superuser, `create role ${owner} login password '${hush}'`)
  await query(superuser, `create role ${server} login password '${hush}'`)
  await query(superuser, `create database ${name} owner ${owner}`)
  const as = (user: string) => readdress(superuser, { user, password: hush, database: name })
  return {
    name,
    serverRole: server,
    owner: as(owner),
    server: as(server),
    top: readdress(superuser, { database: name }),
  }
}

const start = (databaseUrl: string, databaseAdminUrl?: string): Promise<Engine> =>
  compose({
    settings: defaultSettings({
      nodeEnv: 'test',
      databaseUrl,
      gatewrightSecret: [secret],
      ...(databaseAdminUrl !== undefined && { databaseAdminUrl }),
    }),
    migrations: blog.migrations ?? [],
  })

/** The one line of a start that stops; it never holds a password. */
const stopLine = async (databaseUrl: string, databaseAdminUrl?: string): Promise<string> => {
  const error: unknown = await start(databaseUrl, databaseAdminUrl).then(
    engine => engine.close().then(() => assert.fail('it started')),
    reason => reason,
  )
  assert.ok(error instanceof Error)
  assert.doesNotMatch(error.message, /\n|hush/)
  assert.doesNotMatch(JSON.stringify(error, Object.getOwnPropertyNames(error)), /hush/)
  return error.message
}

before(async () => {
  const server = await openServer()
  superuser = server.url
  stop = server.stop
})
after(() => stop())

describe('with a role that migrates and a role that serves', () => {
  let roles: Awaited<ReturnType<typeof newRoles>>
  before(async () => {
    roles = await newRoles()
    await (await start(roles.server, roles.owner)).close()
  })

  test('the one owns every table, and the other has what it needs and no more', async () => {
    const rows = await query(
      roles.top,
      `select tablename as name, tableowner as owner,
         array(select p from unnest(array['select','insert','update','delete','truncate','references','trigger']) p
               where has_table_privilege($1, tablename::regclass, p)) as rights
       from pg_tables where schemaname = 'public'`,
      [roles.serverRole],
    )
    assert.ok(rows.length > 10)
    const all = ['select', 'insert', 'update', 'delete']
    const kept = ['select', 'insert']
    const granted: Readonly<Record<string, readonly string[]>> = {
      audit_events: kept,
      audit_personal: kept,
      audit_seals: kept,
      audit_checkpoints: kept,
      audit_prunings: kept,
      audit_keys: [...kept, 'update'],
    }
    for (const { name, owner, rights } of rows) {
      assert.match(String(owner), /_owner$/)
      const expected = /_migration/.test(String(name)) ? ['select'] : (granted[String(name)] ?? all)
      assert.deepEqual(rights, expected, String(name))
    }
  })

  const forbidden: readonly string[] = [
    ...['audit_events', 'audit_seals', 'audit_checkpoints', 'audit_prunings'].flatMap(table => [
      `update ${table} set ${table === 'audit_seals' ? 'position' : 'at'} = 0`,
      `delete from ${table}`,
      `truncate ${table}`,
      `drop trigger ${table}_kept on ${table}`,
      `alter table ${table} disable trigger all`,
      `drop table ${table}`,
    ]),
    'update audit_personal set salt = null',
    'delete from audit_personal',
    'delete from audit_keys',
    'truncate audit_keys',
    'alter table users add column x int',
    'create table mine (id int)',
    "insert into gatewright_migrations values ('x', 'y')",
    'delete from blog_migrations',
  ]
  for (const statement of forbidden)
    test(`the one that serves may not: ${statement}`, () =>
      assert.rejects(query(roles.server, statement), { code: '42501' }))

  test('the version before, started again with both addresses on newer tables, grants nothing on them', async () => {
    const { server, owner, serverRole } = await newRoles()
    await (await start(server, owner)).close()
    await query(owner, `create table later (id int); grant select on later to ${serverRole}`)
    await query(owner, `insert into gatewright_migrations values ('9999-later', '2026-01-01')`)
    const engine = await start(server, owner)
    await engine.close()
    assert.ok(engine.warnings.some(line => /a newer version \(9999-later\)/.test(line)))
    await assert.rejects(query(server, 'insert into later values (1)'), { code: '42501' })
  })

  test('a server works as the one that serves, with the address of the other and without', async () => {
    for (const [at, owner] of [roles.owner, undefined].entries()) {
      const engine = await start(roles.server, owner)
      await createUser(
        engine,
        { username: `user${at}x`, password: 'correct horse battery staple', roles: ['user'] },
        { actor: 'system', address: null, requestId: null },
      )
      await engine.close()
    }
  })

  test('the one that serves deletes a user and erases nothing of the audit log; the owner does', async () => {
    const engine = await start(roles.server, roles.owner)
    const origin = { actor: null, address: '192.0.2.31', requestId: null }
    const asked = { username: 'leaving', password: 'correct horse battery staple', roles: ['user'] }
    const { id: userId } = await createUser(engine, asked, origin)
    await deleteUser(engine, { userId, origin })
    assert.deepEqual(await listUnerased(engine.db), [userId])
    const erasure = { userId, reason: 'user_deleted', origin: systemOrigin } as const
    await assert.rejects(eraseAudit(engine, erasure), { code: 'insufficient_permission' })
    const owner = openDatabase(roles.owner, { pool: 1 })
    const report = await eraseAudit({ db: owner, clock: engine.clock }, erasure)
    assert.ok(report.erased > 0)
    assert.deepEqual(await listUnerased(owner), [])
    assert.deepEqual(await query(roles.top, `select 1 from audit_personal where address = '192.0.2.31'`), [])
    await owner.destroy()
    await engine.close()
  })

  test('the one that serves records a pruning and deletes nothing; the owner deletes what it covers, and nothing more', async () => {
    const engine = await start(roles.server, roles.owner)
    const owner = openDatabase(roles.owner, { pool: 1 })
    await engine.sealer.look()
    assert.deepEqual([await mayPrune(engine.db), await mayPrune(owner)], [false, true])
    const before = engine.clock.now() + 1
    const to = await inTransaction(engine.db, work =>
      recordPruning(engine, work, { before, origin: systemOrigin }),
    )
    assert.ok(to !== undefined && to > 0)
    const prune = (db: Database) => inTransaction(db, work => deletePruned(work, before))
    await assert.rejects(prune(engine.db), { code: '42501' })
    await assert.rejects(owner.deleteFrom('audit_events').execute(), { code: '23001' })
    while ((await prune(owner)) > 0);
    await engine.sealer.look()
    const { beginning, faults } = await verifyChain({
      source: await openDatabaseSource(owner),
      now: engine.clock.now(),
    })
    assert.deepEqual(faults, [])
    assert.equal(beginning, to + 1)
    await owner.destroy()
    await engine.close()
  })

  test('a right that was taken comes back, and one that is too many goes', async () => {
    await query(roles.owner, `revoke insert on users from ${roles.serverRole}`)
    await query(roles.owner, `grant update, truncate on audit_events to ${roles.serverRole}`)
    await (await start(roles.server, roles.owner)).close()
    await assert.rejects(query(roles.server, 'update audit_events set at = 0'), { code: '42501' })
    await query(roles.server, `select has_table_privilege('users', 'insert')`).then(([row]) =>
      assert.deepEqual(row, { has_table_privilege: true }),
    )
  })

  test('eight starts at once all start, on an empty database as well', async () => {
    const { server, owner } = await newRoles()
    const engines = await Promise.all(Array.from({ length: 8 }, () => start(server, owner)))
    await Promise.all(engines.map(engine => engine.close()))
    assert.deepEqual(await query(server, 'select count(*)::int as count from installation'), [{ count: 1 }])
  })
})

const blocksOf = (page: string): readonly string[] =>
  readBlocks(readDocument(page)).flatMap(({ language, text }) => (language === 'sql' ? text : []))

test('the password of the database is changed as its page says, while all goes on: from one role to another', async () => {
  const { server, owner, serverRole, top } = await newRoles()
  const [made = '', dropped = ''] = blocksOf('docs/changing-the-secret.md').map(text =>
    text.replaceAll('gatewright_server', serverRole).replace('a new one', hush),
  )
  const former = await start(server, owner)
  const soon = new Date(Date.now() + 86_400_000).toISOString()
  await query(top, made.replace(/valid until '[^']*'/, `valid until '${soon}'`))
  const newer = readdress(server, { user: `${serverRole}_2` })
  const next = await start(newer, owner)
  // Both serve, side by side.
  for (const [engine, username] of [
    [former, 'ann'],
    [next, 'bob'],
  ] as const)
    await addUser(engine, username)
  assert.equal((await next.db.selectFrom('users').select('id').execute()).length, 2)
  const ending = await judgePasswordOfRole(next)
  assert.equal(ending?.level, 'warning')
  assert.match(ending?.found ?? '', new RegExp(`the password of the role ${serverRole}_2 ends at 20`))
  assert.equal(await judgePasswordOfRole(former), undefined)
  await former.close()
  for (const statement of dropped.trim().split('\n')) await query(top, statement)
  assert.match(await stopLine(server), /the password is wrong|can't be used/)
  await addUser(next, 'carol')
  await next.close()
  await (await start(newer)).close()
})

test('a backup that the owner made is restored by the owner, and the role that serves has what it had and no more', async t => {
  const { server, owner, name } = await newRoles()
  const engine = await start(server, owner)
  await addUser(engine, 'ann')
  await engine.close()
  const place = newPlace(t)
  await backUp(owner, place.file('by-the-owner'))
  await query(superuser, `create database ${name}_2 owner ${new URL(owner).username}`)
  const [newServer, newOwner] = [server, owner].map(url => readdress(url, { database: `${name}_2` })) as [
    string,
    string,
  ]
  await load(newOwner, place.file('by-the-owner'))
  assert.match(await stopLine(newServer, newOwner), /broken off/)
  const settings = {
    nodeEnv: 'test',
    databaseUrl: newServer,
    databaseAdminUrl: newOwner,
    gatewrightSecret: [secret],
  } as const
  const adopting = await compose({ settings: defaultSettings(settings), kind: 'command', adopts: true })
  await finishRestore(adopting, { origin: systemOrigin, file: undefined, owner: adopting.db })
  await adopting.close()
  const restored = await start(newServer)
  assert.equal((await restored.db.selectFrom('users').select('id').execute()).length, 1)
  await assert.rejects(restored.db.deleteFrom('audit_events').execute(), /permission denied/)
  await restored.close()
})

describe('a start stops in one line', () => {
  test('where tables are missing and the role may not make them', async () => {
    const { server } = await newRoles()
    assert.match(
      await stopLine(server),
      /the role t\w+_server of DATABASE_URL may not change them: write DATABASE_ADMIN_URL/,
    )
  })

  test('where a migration is to come and the role may not run it', async () => {
    const { server, owner } = await newRoles()
    await (await start(server, owner)).close()
    await query(
      owner,
      `delete from gatewright_migrations where name = (select max(name) from gatewright_migrations)`,
    )
    assert.match(await stopLine(server), /may not change them: write DATABASE_ADMIN_URL/)
  })

  test('where the two addresses name different databases, before anything is made in either', async () => {
    const [one, other] = [await newRoles(), await newRoles()]
    assert.match(await stopLine(one.server, other.owner), /two different databases/)
    for (const { top } of [one, other])
      assert.deepEqual(await query(top, `select tablename from pg_tables where schemaname = 'public'`), [])
  })

  test('with the wrong password of either role, which is not shown', async () => {
    const { server, owner } = await newRoles()
    const wrong = (url: string) => readdress(url, { password: 'hush-but-wrong' })
    assert.match(
      await stopLine(wrong(server)),
      /_server@127\.0\.0\.1:\d+\/t\w+ can't be used: the password is wrong/,
    )
    assert.match(
      await stopLine(server, wrong(owner)),
      /_owner@127\.0\.0\.1:\d+\/t\w+ can't be used: the password is wrong/,
    )
  })

  test('without the database, and without the server', async () => {
    assert.match(
      await stopLine(readdress(superuser, { database: 'no_such' })),
      /there is no database of that name/,
    )
    assert.match(await stopLine('postgres://u:hush@localhost:1/db'), /nothing listens there/)
    assert.match(
      await stopLine('postgres://u:hush@host.invalid/db'),
      /there is no host of that name|can not be looked up/,
    )
  })
})

test('one role for both does everything', async () => {
  const { owner } = await newRoles()
  await (await start(owner)).close()
  await (await start(owner, owner)).close()
})

test("time is the database's where no clock is given", async () => {
  const { owner } = await newRoles()
  const engine = await start(owner)
  assert.notEqual(engine.clock, real.clock)
  await engine.close()
})
