import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Kysely, sql } from 'kysely'
import { newTestDatabase } from '../../../../test/database.ts'
import { toCommitments } from '../audit/commitments.ts'
import { compose } from '../compose.ts'
import { defaultSettings } from '../ground/settings.ts'
import { openDatabase } from './database.ts'
import { engineMigrations, type MigrationSet, migrate, pendingMigrations } from './migrate.ts'
import { planMigrations } from './migration-plan.ts'
import type { Database } from './tables.ts'

type Step = MigrationSet['migrations'][string]

const createTable = (name: string): Step => ({
  up: async (on: Kysely<unknown>) =>
    void (await on.schema.createTable(name).addColumn('id', 'text').execute()),
})

const setOf = (migrations: MigrationSet['migrations']): MigrationSet => ({ owner: 'example', migrations })

/** Writes a table as well, and then does not end well. */
const stepThat = (ends: () => unknown): Step => ({
  up: async (on: Kysely<unknown>) => {
    await createTable('b').up(on)
    await ends()
  },
})

const open = (url: string): Database => openDatabase(url, { durability: 'off', pool: 1, longestQuery: 0 })

/** The parts of a process of its own. It waits for the word. */
const parts = {
  start: async (databaseUrl: string) => {
    const settings = defaultSettings({ nodeEnv: 'test', databaseUrl })
    const engine = await compose({ settings, durability: 'off' })
    process.send?.({ secret: engine.secrets.newestId })
    await engine.close()
  },
  migrate: async (url: string) => {
    const db = open(url)
    await migrate(db, setOf({ '0001-a': createTable('a'), '0002-b': createTable('b') }))
    await db.destroy()
  },
  /** Stops half way through the second step, and stays there. */
  stop: async (url: string) => {
    const half = stepThat(() => {
      process.send?.('half way')
      return new Promise(() => setInterval(() => {}, 1_000))
    })
    await migrate(open(url), setOf({ '0001-a': createTable('a'), '0002-b': half }))
  },
} as const satisfies Readonly<Record<string, (url: string) => Promise<void>>>

const isPart = (name: string | undefined): name is keyof typeof parts => name !== undefined && name in parts

const play = async (part: keyof typeof parts, url: string): Promise<void> => {
  process.send?.('ready')
  await once(process, 'message')
  await parts[part](url)
  process.disconnect?.()
}

/** A process whose `./data` is in the folder, and which is ready to begin. */
const startChild = async (
  part: keyof typeof parts,
  url: string,
  folder = tmpdir(),
): Promise<ChildProcess> => {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const child = fork(fileURLToPath(import.meta.url), [part, url], { env, cwd: folder })
  await once(child, 'message')
  return child
}

const newDatabase = async (context: TestContext): Promise<string> => {
  const { url, drop } = await newTestDatabase()
  context.after(drop)
  return url
}

/** A connection to the database; what tests of one process need. */
const openNew = async (context: TestContext, url?: string): Promise<Database> => {
  const db = open(url ?? (await newDatabase(context)))
  context.after(() => db.destroy())
  return db
}

const count = async (db: Database, table: string): Promise<number> => {
  const { rows } = await sql<{ n: number }>`select count(*) as n from ${sql.table(table)}`.execute(db)
  return Number(rows[0]?.n)
}

const tablesOf = async (db: Database): Promise<readonly string[]> => {
  const tables = await db.introspection.getTables()
  return tables.map(({ name }) => name).filter(name => ['a', 'b', 'c'].includes(name))
}

const defineTests = (): void => {
  const steps = Object.keys(engineMigrations.migrations)

  test('four processes that start at once on an empty database make one of it, with one secret and one key', async context => {
    const url = await newDatabase(context)
    const folder = mkdtempSync(join(tmpdir(), 'gatewright-'))
    context.after(() => rmSync(folder, { recursive: true }))
    const children = await Promise.all(Array.from({ length: 4 }, () => startChild('start', url, folder)))
    const answers = children.map(child => once(child, 'message'))
    const ends = children.map(child => once(child, 'exit'))
    for (const child of children) child.send('go')
    for (const [code] of await Promise.all(ends)) assert.equal(code, 0)
    const secrets = new Set((await Promise.all(answers)).map(([{ secret }]) => secret))
    assert.equal(secrets.size, 1)

    const db = await openNew(context, url)
    for (const [table, rows] of [
      ['installation', 1],
      ['signing_keys', 2],
      ['audit_events', 3],
    ] as const)
      assert.equal(await count(db, table), rows, table)
    assert.equal(await count(db, 'gatewright_migrations'), steps.length)
    const files = readdirSync(folder, { recursive: true }).map(String)
    assert.deepEqual(
      files.filter(name => name.includes('secret.')),
      [],
      'no draft of a secret stays',
    )
  })

  test('four processes that migrate an empty database at once run each step once', async context => {
    const url = await newDatabase(context)
    const children = await Promise.all(Array.from({ length: 4 }, () => startChild('migrate', url)))
    const ends = children.map(child => once(child, 'exit'))
    for (const child of children) child.send('go')
    for (const [code] of await Promise.all(ends)) assert.equal(code, 0)
    const db = await openNew(context, url)
    assert.deepEqual(await tablesOf(db), ['a', 'b'])
    assert.equal(await count(db, 'example_migrations'), 2)
  })

  test('what former events say of people is moved beside them, and they commit to it', async context => {
    const db = await openNew(context)
    const before = Object.entries(engineMigrations.migrations).filter(([name]) => name < '0030')
    await migrate(db, { ...engineMigrations, migrations: Object.fromEntries(before) })
    const old = db as unknown as Kysely<{ audit_events: Record<string, string | number | null> }>
    const key = { details: '{"key":"k1","name":"my laptop"}' }
    const rows = [
      { event: 'session.started', address: '192.0.2.1', details: '{"amr":["pwd"]}' },
      { event: 'user.disabled', reason: 'left in anger', details: '{}' },
      { event: 'api-key.ended', reason: 'revoked', ...key },
      { event: 'session.ended', reason: 'logout', details: '{}' },
      { event: 'x.odd', details: 'null' },
      ...Array.from({ length: 2_100 }, () => ({
        event: 'x.y',
        address: '192.0.2.2',
        details: '{"name":"of x"}',
      })),
    ]
    for (let at = 0; at < rows.length; at += 1_000)
      await old
        .insertInto('audit_events')
        .values(rows.slice(at, at + 1_000).map(row => ({ at: 7, address: null, reason: null, ...row })))
        .execute()
    await migrate(db, engineMigrations)
    const moved = await db
      .selectFrom('audit_events as e')
      .leftJoin('audit_personal as p', 'p.event_id', 'e.id')
      .select(['e.event', 'e.address as own', 'e.reason', 'e.details', 'e.commitments', 'p.at', 'p.address'])
      .select(['p.salt', 'p.details as personal'])
      .orderBy('e.id')
      .execute()
    assert.ok(moved.every(({ own }) => own === null))
    assert.deepEqual(
      moved.slice(0, 6).map(row => [row.event, row.reason, row.details, row.at, row.address, row.personal]),
      [
        ['session.started', null, '{"amr":["pwd"]}', 7, '192.0.2.1', '{}'],
        ['user.disabled', null, '{}', 7, null, '{"said":"left in anger"}'],
        ['api-key.ended', 'revoked', '{"key":"k1"}', 7, null, '{"name":"my laptop"}'],
        ['session.ended', 'logout', '{}', null, null, null],
        ['x.odd', null, 'null', null, null, null],
        ['x.y', null, '{"name":"of x"}', 7, '192.0.2.2', '{}'],
      ],
    )
    const commits = moved.map(({ salt, address, personal }) => {
      if (salt === null) return '{}'
      return toCommitments(salt, { address, details: JSON.parse(personal ?? '{}') })
    })
    assert.deepEqual(
      commits,
      moved.map(({ commitments }) => commitments),
    )
    assert.equal(moved.length, rows.length)
    // Two have none.
    assert.equal(new Set(moved.map(({ salt }) => salt)).size, rows.length - 1)
  })

  test('what has run is not run again', async context => {
    const db = await openNew(context)
    assert.deepEqual(await pendingMigrations(db, engineMigrations), steps)
    await migrate(db, engineMigrations)
    assert.deepEqual(await pendingMigrations(db, engineMigrations), [])
    await migrate(db, engineMigrations)
    assert.equal(await count(db, 'gatewright_migrations'), steps.length)
  })

  test('a set whose second step fails changes nothing, and runs whole when it is repaired', async context => {
    const db = await openNew(context)
    const fails = stepThat(() => {
      throw new Error('half done')
    })
    const broken = setOf({ '0001-a': createTable('a'), '0002-b': fails })
    for (let tries = 0; tries < 2; tries++) await assert.rejects(migrate(db, broken), /half done/)
    assert.deepEqual(await tablesOf(db), [])
    assert.deepEqual(await pendingMigrations(db, broken), ['0001-a', '0002-b'])
    await migrate(db, setOf({ '0001-a': createTable('a'), '0002-b': createTable('b') }))
    assert.deepEqual(await tablesOf(db), ['a', 'b'])
  })

  test('a later step that fails leaves what earlier versions made as it was', async context => {
    const db = await openNew(context)
    await migrate(db, setOf({ '0001-a': createTable('a') }))
    const wrong = { up: async (on: Kysely<unknown>) => void (await sql`select 1 from nowhere`.execute(on)) }
    const broken = { '0001-a': createTable('a'), '0002-b': createTable('b'), '0003-c': wrong }
    await assert.rejects(migrate(db, setOf(broken)), /nowhere/)
    assert.deepEqual(await tablesOf(db), ['a'])
    assert.deepEqual(await pendingMigrations(db, setOf(broken)), ['0002-b', '0003-c'])
    await migrate(db, setOf({ ...broken, '0003-c': createTable('c') }))
    assert.deepEqual(await tablesOf(db), ['a', 'b', 'c'])
  })

  test('a process that is killed half way leaves nothing, and the next start goes on', async context => {
    const url = await newDatabase(context)
    const child = await startChild('stop', url)
    const halfWay = once(child, 'message')
    child.send('go')
    assert.deepEqual((await halfWay)[0], 'half way')
    child.kill('SIGKILL')
    await once(child, 'exit')
    const db = await openNew(context, url)
    assert.deepEqual(await tablesOf(db), [])
    await migrate(db, setOf({ '0001-a': createTable('a'), '0002-b': createTable('b') }))
    assert.deepEqual(await tablesOf(db), ['a', 'b'])
  })

  test('a database that a newer version has changed is refused in one line, and stays as it is', async context => {
    const db = await openNew(context)
    const newer = { '0001-a': createTable('a'), '0002-b': createTable('b') }
    await migrate(db, setOf(newer))
    const older = setOf({ '0001-a': createTable('a') })
    await assert.rejects(migrate(db, older), {
      message:
        'the database of DATABASE_URL has the step 0002-b of example, which this version does not know: start the newer version, or restore a backup from before it',
    })
    assert.deepEqual(await tablesOf(db), ['a', 'b'])
    await migrate(db, setOf({ ...newer, '0003-c': createTable('c') }))
    assert.deepEqual(await tablesOf(db), ['a', 'b', 'c'])
  })

  test('a whole start on the database of a newer version is refused, and the newer one starts again', async context => {
    const settings = defaultSettings({
      nodeEnv: 'test',
      databaseUrl: await newDatabase(context),
      gatewrightSecret: ['A'.repeat(43)],
    })
    const start = async (migrations: readonly MigrationSet[]) =>
      (await compose({ settings, durability: 'off', migrations })).close()
    const older = setOf({ '0001-a': createTable('a') })
    const newer = setOf({ ...older.migrations, '0002-b': createTable('b') })
    await start([newer])
    await assert.rejects(start([older]), /the step 0002-b of example, which this version does not know/)
    await start([newer])
  })

  const expanding = (name: string): Step => ({ ...createTable(name), expands: true })

  test('the version before starts on tables that a newer one only expanded, changes nothing, and says so', async context => {
    const settings = defaultSettings({
      nodeEnv: 'test',
      databaseUrl: await newDatabase(context),
      gatewrightSecret: ['A'.repeat(43)],
    })
    const start = async (set: MigrationSet) => {
      const engine = await compose({ settings, durability: 'off', migrations: [set] })
      await engine.close()
      return engine.warnings.filter(warning => /the tables of/.test(warning))
    }
    const older = setOf({ '0001-a': createTable('a') })
    const newer = setOf({ ...older.migrations, '0002-b': expanding('b'), '0003-c': expanding('c') })
    assert.deepEqual(await start(newer), [])
    assert.deepEqual(await start(older), [
      'the tables of example are those of a newer version (0002-b, 0003-c), and this one goes on with them as they are',
    ])
    assert.deepEqual(await start(newer), [])
  })

  const [a, b, c] = [createTable('a'), createTable('b'), expanding('c')]
  for (const [what, ran, older] of [
    ['one step of several does not expand', { '0001-a': a, '0002-b': b, '0003-c': c }, { '0001-a': a }],
    [
      'it has a step of its own that the newer one has not',
      { '0001-a': a, '0003-c': c },
      { '0001-a': a, '0002-b': expanding('b') },
    ],
    ['nothing was ever noted of what expands', { '0003-c': c }, {}],
  ] as const)
    test(`going back: the version before is refused where ${what}`, async context => {
      const db = await openNew(context)
      await migrate(db, setOf(ran))
      const tables = await tablesOf(db)
      await assert.rejects(migrate(db, setOf(older)), /which this version does not know: start the newer/)
      assert.deepEqual(await tablesOf(db), tables)
    })

  test('a step that fails moves no mark: the version before starts on what is there', async context => {
    const db = await openNew(context)
    const fails = stepThat(() => {
      throw new Error('half done')
    })
    await migrate(db, setOf({ '0001-a': a, '0003-c': c }))
    await assert.rejects(migrate(db, setOf({ '0001-a': a, '0003-c': c, '0004-b': fails })), /half done/)
    assert.deepEqual(await migrate(db, setOf({ '0001-a': a })), ['0003-c'])
  })

  test('a plan names what each step to come changes, with its rows and who waits, and runs nothing', async context => {
    const db = await openNew(context)
    await migrate(db, setOf({ '0001-a': a }))
    await sql`insert into a (id) values ('1'), ('2')`.execute(db)
    await sql`analyze`.execute(db)
    const step = (up: (on: Kysely<unknown>) => Promise<unknown>, rest = {}): Step => ({
      up: async on => void (await up(on)),
      ...rest,
    })
    const planned = await planMigrations(
      db,
      setOf({
        '0001-a': a,
        '0002-index': step(on => on.schema.createIndex('a_by_id').on('a').column('id').execute(), {
          expands: true,
        }),
        '0003-column': step(async on => {
          await on.schema.alterTable('a').addColumn('more', 'text').execute()
          await sql`update a set more = ''`.execute(on)
        }),
        '0004-moves': step(async on => {
          const { rows } = await sql<{ id: string }>`select id from a`.execute(on)
          for (const { id } of rows) await sql`delete from a where id = ${id}`.execute(on)
        }),
        '0005-new': createTable('b'),
        '0006-fails': step(async on => {
          const { rows } = await sql<{ id: string }>`select id from a`.execute(on)
          return rows[0]?.id.length ?? Promise.reject(new Error('it looked for a row'))
        }),
      }),
    )
    const rows = { table: 'a', rows: 2 }
    assert.deepEqual(planned, [
      {
        name: '0002-index',
        expands: true,
        changes: [{ ...rows, waits: 'whoever writes it' }],
        isWhole: true,
      },
      {
        name: '0003-column',
        expands: false,
        changes: [{ ...rows, waits: 'whoever reads or writes it' }],
        isWhole: true,
      },
      { name: '0004-moves', expands: false, changes: [], isWhole: false },
      { name: '0005-new', expands: false, changes: [], isWhole: true },
      { name: '0006-fails', expands: false, changes: [], isWhole: false },
    ])
    assert.equal((await pendingMigrations(db, setOf({ '0001-a': a, '0005-new': b }))).length, 1)
    assert.deepEqual(await tablesOf(db), ['a'])
  })

  test('a plan of every step that there is can be made', async context => {
    const db = await openNew(context)
    const planned = await planMigrations(db, engineMigrations)
    assert.deepEqual(
      planned.map(({ name }) => name),
      steps,
    )
    // The one that moves what former events said of people.
    const [moving, ...others] = planned.filter(({ isWhole }) => !isWhole)
    assert.deepEqual([moving?.name, others], ['0030-audit-fields', []])
  })

  for (const [what, changed] of [
    ['put before', { '0000-c': createTable('c'), '0001-a': createTable('a'), '0002-b': createTable('b') }],
    ['put between', { '0001-a': createTable('a'), '0001-c': createTable('c'), '0002-b': createTable('b') }],
  ] as const)
    test(`a step that is ${what} those that have run is refused and not run`, async context => {
      const db = await openNew(context)
      await migrate(db, setOf({ '0001-a': createTable('a'), '0002-b': createTable('b') }))
      await assert.rejects(migrate(db, setOf(changed)), /corrupted migrations/)
      assert.deepEqual(await tablesOf(db), ['a', 'b'])
    })

  test('a change of the engine and one of the application do not know of each other', async context => {
    const db = await openNew(context)
    const same: MigrationSet = { owner: 'blog', migrations: { '0001-first': { up: async () => {} } } }
    await migrate(db, same)
    assert.deepEqual(await pendingMigrations(db, engineMigrations), steps)
  })
}

const [, , part, url = ''] = process.argv
if (isPart(part)) await play(part, url)
else defineTests()
