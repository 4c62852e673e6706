import assert from 'node:assert/strict'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import type { LookupFunction } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'
import { otherChecks, watchFindings } from '../../../../test/doctor/provoked-findings.ts'
import { type Clock, day, hour, minute, systemClock, toTimestamp } from '../ground/clock.ts'
import { sha256 } from '../ground/encoding.ts'
import { loadSettings } from '../ground/load-settings.ts'
import { systemRandom } from '../ground/random.ts'
import { createSecrets } from '../ground/secrets.ts'
import { defaultSettings } from '../ground/settings.ts'
import { openKeyRing } from '../keys/key-ring.ts'
import { readMachine } from '../processes/machine.ts'
import { openDatabase } from '../storage/database.ts'
import { ensureInstallation } from '../storage/installation.ts'
import { engineMigrations, migrate } from '../storage/migrate.ts'

import type { ServerFacts } from '../storage/postgres-server.ts'
import { examine } from './checks.ts'
import { forbiddenWithSecret } from './file-checks.ts'
import type { Finding } from './finding.ts'
import { housekeepingTasks } from './housekeeping-tasks.ts'
import { judgeNode, judgeSpace } from './machine-checks.ts'
import { checkWayToServer, judgeClockOfServer, judgeServer, judgeServerDurability } from './server-checks.ts'
import { judgeNotifications, judgeValkey } from './wake-checks.ts'

let findings: Awaited<ReturnType<typeof watchFindings>>
before(async () => {
  findings = await watchFindings()
})
after(() => findings.assertProvoked(otherChecks))

const isRoot = process.getuid?.() === 0

const top = mkdtempSync(join(tmpdir(), 'gatewright-doctor-'))
after(() => rmSync(top, { recursive: true, force: true }))

const secret = Buffer.alloc(32, 7).toString('base64url')
const otherSecret = Buffer.alloc(32, 8).toString('base64url')
const model = join(top, 'model')

/** An installation as a first start leaves it, which each test copies and breaks. */
before(async () => {
  const db = openDatabase(`sqlite:${join(model, 'gatewright.db')}`)
  const secrets = createSecrets([secret], systemRandom)
  const processes = { holdSecretInForce: async () => secrets.newestId }
  const settings = defaultSettings()
  const parts = { db, secrets, processes, clock: systemClock, random: systemRandom, settings }
  await migrate(db, engineMigrations)
  await ensureInstallation(parts)
  await openKeyRing(parts)
  await db.destroy()
  writeFileSync(join(model, 'secret'), `${secret}\n`, { mode: 0o600 })
})

type Installation = {
  readonly folder: string
  readonly file: string
  /** Runs SQL on the database. */
  readonly run: (sql: string) => void
  /** The finding of one check; undefined where it was not made. */
  readonly find: (name: string, options?: Options) => Promise<Finding | undefined>
}
type Options = {
  readonly env?: Readonly<Record<string, string>>
  readonly clock?: Clock
  readonly lookup?: LookupFunction
}

const nobodyKnown: LookupFunction = (_name, _options, answer) =>
  answer(Object.assign(new Error('not found'), { code: 'ENOTFOUND' }), '')

let count = 0

const install = (): Installation => {
  count += 1
  const folder = join(top, `installation-${count}`)
  cpSync(model, folder, { recursive: true })
  chmodSync(folder, 0o700)
  const file = join(folder, 'gatewright.db')
  const examineIt = ({ env = {}, clock = systemClock, lookup = nobodyKnown }: Options = {}) =>
    examine({
      read: () =>
        loadSettings({ env: { DATABASE_URL: `sqlite:${file}`, ...env }, folder, isTerminal: false }),
      clock,
      lookup,
      random: systemRandom,
    })
  return {
    folder,
    file,
    run: sql => {
      const database = new DatabaseSync(file)
      database.exec(sql)
      database.close()
    },
    find: async (name, options) => {
      const { findings, notChecked } = await examineIt(options)
      const made = findings.find(finding => finding.name === name)
      assert.ok(made !== undefined || notChecked.includes(name), `there is no check ${name}`)
      return made
    },
  }
}

const clockAt = (time: number): Clock => ({ ...systemClock, now: () => time })

/** A finding of that level that says all three things in one line each. */
const assertFound = (finding: Finding | undefined, level: Finding['level'], says: RegExp): void => {
  assert.ok(finding !== undefined, 'it was not checked')
  assert.equal(finding.level, level, JSON.stringify(finding))
  assert.match(finding.found, says)
  if (finding.level !== 'ok')
    for (const line of [finding.found, finding.means, finding.do]) assert.match(line, /^[^\n]+$/)
}

const addAdministrator = `
  insert into users (id, username, username_key, version, created_at) values ('u', 'root', 'root', 1, 1);
  insert into user_roles values ('u', 'admin', null);
  update installation set first_administrator_at = 1`

test('a sound installation has no finding, and looking changes no byte of it', async () => {
  const { folder, file, run } = install()
  run(addAdministrator)
  const state = () => readdirSync(folder).map(name => [name, sha256(readFileSync(join(folder, name)))])
  const before = state()
  const { findings, notChecked } = await examine({
    read: () => loadSettings({ env: { DATABASE_URL: `sqlite:${file}` }, folder, isTerminal: false }),
    clock: systemClock,
    random: systemRandom,
  })
  assert.deepEqual(
    findings.filter(({ level, name }) => level !== 'ok' && name !== 'disk-space'),
    [],
  )
  assert.deepEqual(notChecked, [])
  assert.deepEqual(state(), before)
})

describe('the database', () => {
  test('that is missing is a warning, and is not made', async () => {
    const { file, find } = install()
    rmSync(file)
    assertFound(await find('database'), 'warning', /there is none/)
    assert.equal(await find('integrity'), undefined)
    assert.equal(await find('administrator'), undefined)
    assert.ok(!existsSync(file))
  })

  test('that is missing with its folder makes no folder', async () => {
    const { folder, find } = install()
    rmSync(folder, { recursive: true })
    assertFound(await find('database'), 'warning', /there is none/)
    assertFound(await find('permissions'), 'ok', /./)
    assert.equal((await find('disk-space'))?.found.includes('free'), true)
    assert.ok(!existsSync(folder))
  })

  test('that is another kind of file', async () => {
    const { file, find } = install()
    writeFileSync(file, 'not a database, but long enough to be looked at '.repeat(100), { mode: 0o600 })
    assertFound(await find('database'), 'problem', /not a database/)
  })

  test('that is empty, and stays so', async () => {
    const { file, find } = install()
    writeFileSync(file, '', { mode: 0o600 })
    assertFound(await find('migrations'), 'warning', /0001-first/)
    assert.equal(await find('database-secret'), undefined)
    assert.equal(readFileSync(file).length, 0)
  })

  test('in which a page is damaged', async () => {
    const { file, find } = install()
    const bytes = readFileSync(file)
    bytes.fill(0xff, 4_096 * 4, 4_096 * 8)
    writeFileSync(file, bytes)
    assertFound(await find('integrity'), 'problem', /quick_check: /)
  })

  test('that a newer version has changed', async () => {
    const { run, find } = install()
    run("insert into gatewright_migrations values ('9999-later', '2026-01-01')")
    // What it did not say may be anything.
    run('delete from gatewright_migration_floor')
    assertFound(await find('migrations'), 'problem', /9999-later/)
  })

  test('that a newer version has only expanded', async () => {
    const { run, find } = install()
    run("insert into gatewright_migrations values ('9999-later', '2026-01-01')")
    assertFound(await find('migrations'), 'warning', /9999-later/)
  })

  test('that has left WAL mode, which looking does not enter', async () => {
    const { file, run, find } = install()
    run('pragma journal_mode = delete')
    const bytes = readFileSync(file)
    assertFound(await find('durability'), 'warning', /journal_mode is delete/)
    assert.deepEqual(readFileSync(file), bytes)
  })

  test('that this user may only read', { skip: isRoot && 'root may write every file' }, async () => {
    const { file, find } = install()
    chmodSync(file, 0o400)
    assertFound(await find('writing'), 'problem', /readonly/)
  })

  test('in which another program holds the lock', async () => {
    const { file, run, find } = install()
    run('pragma journal_mode = delete')
    const other = new DatabaseSync(file)
    other.exec('begin immediate')
    assertFound(await find('writing'), 'problem', /locked/)
    other.close()
  })
})

describe('the processes', () => {
  const insert =
    (values: Readonly<Record<string, string | number>> = {}) =>
    (): string => {
      const row = {
        id: `p${Math.random()}`,
        kind: 'server',
        version: '1.2.3',
        host: 'host-a',
        machine: readMachine().id,
        secret_ids: 'AAAAAA',
        makes_with: 'AAAAAA',
        feed_kinds: 'session',
        clock_difference: 'null',
        started_at: 1,
        seen_at: Date.now(),
        ...values,
      }
      const texts = Object.values(row).map(value => (value === 'null' ? 'null' : `'${value}'`))
      return `insert into processes (${Object.keys(row).join()}) values (${texts.join()});`
    }
  const rows: readonly (readonly [string, Finding['level'], RegExp, readonly (() => string)[]])[] = [
    ['none', 'ok', /^0 live$/, []],
    [
      'two of one kind',
      'ok',
      /^2 live; server 1\.2\.3 on host-a \(secrets AAAAAA, seen \d/,
      [insert(), insert()],
    ],
    ['one that is silent', 'ok', /^1 live; .*silent/, [insert(), insert({ seen_at: 1 })]],
    ['two versions', 'warning', /^2 live/, [insert(), insert({ version: '2' })]],
    [
      'different secrets',
      'warning',
      /secrets BBBBBB AAAAAA/,
      [insert(), insert({ secret_ids: 'BBBBBB AAAAAA' })],
    ],
    ['the other order', 'warning', /./, [insert({ secret_ids: 'A B' }), insert({ secret_ids: 'B A' })]],
    ['a clock that is wrong', 'problem', /clock 2\.1 s off/, [insert({ clock_difference: 2_100 })]],
    [
      'another machine',
      'problem',
      /another machine \(host-b\).*GATEWRIGHT_SECRET must be set/,
      [insert({ machine: 'm', host: 'host-b' })],
    ],
    ['another machine that is silent', 'ok', /./, [insert({ machine: 'm', seen_at: 1 })]],
  ]
  for (const [what, level, says, sql] of rows)
    test(`${what}: ${level}`, async () => {
      const { run, find } = install()
      run(sql.map(toSql => toSql()).join(''))
      assertFound(await find('processes'), level, says)
    })

  test('that go on with a former secret, because one of them does not list the new one', async () => {
    const { run, find } = install()
    run(insert()())
    const env = { GATEWRIGHT_SECRET: `${otherSecret},${secret}` }
    assertFound(await find('database-secret', { env }), 'warning', /values are made with .*, and not with/)
  })
})

describe('the secret', () => {
  test('that is another than the one of the database', async () => {
    const { find } = install()
    const env = { GATEWRIGHT_SECRET: otherSecret }
    assertFound(await find('secret', { env }), 'ok', /GATEWRIGHT_SECRET from environment/)
    const finding = await find('database-secret', { env })
    assertFound(finding, 'problem', /rests on the secret/)
    assert.ok(!JSON.stringify(finding).includes(otherSecret))
  })

  test('that stands behind a newer one is held', async () => {
    const env = { GATEWRIGHT_SECRET: `${otherSecret},${secret}` }
    assertFound(await install().find('database-secret', { env }), 'ok', /held/)
  })

  test('that is in force for more than a year has expired, until another is', async () => {
    const { run, find } = install()
    run(`update installation set created_at = ${Date.now() - 367 * day}`)
    assertFound(await find('database-secret'), 'warning', /one secret since 20.*, for more than a year/)
    run(
      `insert into audit_events (at, event, details) values (${Date.now() - 300 * day}, 'secret.put-in-force', '{}')`,
    )
    assertFound(await find('database-secret'), 'ok', /held/)
  })

  test('whose file is gone, and is not made again', async () => {
    const { folder, find } = install()
    rmSync(join(folder, 'secret'))
    assertFound(await find('database-secret'), 'problem', /not given/)
    assert.ok(!existsSync(join(folder, 'secret')))
  })

  test('whose file holds something else, which is not repeated', async () => {
    const { folder, find } = install()
    writeFileSync(join(folder, 'secret'), 'canary')
    for (const name of ['secret', 'database-secret']) {
      const finding = await find(name)
      assertFound(finding, 'problem', /./)
      assert.ok(!JSON.stringify(finding).includes('canary'))
    }
  })
})

describe('the signing keys', () => {
  const later = (days: number) => ({ clock: clockAt(systemClock.now() + days * day) })

  test('are well, with one that signs and the next one', async () => {
    assertFound(await install().find('signing-keys'), 'ok', /ES256 signs since .*, 2 keys in use/)
  })

  test('of which none is the next one, or none signs', async () => {
    const { run, find } = install()
    run("update signing_keys set state = 'retired' where state = 'published'")
    assertFound(await find('signing-keys'), 'warning', /no signing key is published/)
    run("update signing_keys set state = 'gone'")
    assertFound(await find('signing-keys'), 'ok', /none yet/)
    run("update signing_keys set state = 'retired'")
    assertFound(await find('signing-keys'), 'problem', /no signing key is active/)
  })

  test('that nobody has rotated', async () => {
    const { find } = install()
    assertFound(await find('signing-keys', later(29)), 'ok', /signs since/)
    assertFound(await find('signing-keys', later(31)), 'warning', /31 days old/)
    const env = { KEY_ROTATION: '90d' }
    assertFound(await find('signing-keys', { ...later(31), env }), 'ok', /signs since/)
  })

  test('of which one is damaged', async () => {
    const { run, find } = install()
    const damage = (state: string): void =>
      run(
        `update signing_keys set private_key = substr(private_key, 1, 20) || 'AAAA' || substr(private_key, 25) where state = '${state}'`,
      )
    damage('published')
    const found = await find('signing-keys')
    assertFound(found, 'problem', /\(published\) can not be opened/)
    assert.ok(found?.level === 'problem' && /^gatewright key revoke [\w-]{22}$/.test(found.do))
    run("delete from signing_keys where state = 'published'")
    damage('active')
    assertFound(await find('signing-keys'), 'problem', /\(active\) can not be opened/)
  })

  test('that are gone need no secret', async () => {
    const { run, find } = install()
    run("update signing_keys set state = 'gone', private_key = ''")
    assertFound(await find('database-secret'), 'ok', /held/)
  })
})

describe('the administrator', () => {
  test('who has never been, with and without a link that is open', async () => {
    const { run, find } = install()
    assertFound(await find('administrator'), 'warning', /never been one$/)
    run(`insert into setup_links values (1, 'x', ${systemClock.now() + day})`)
    assertFound(await find('administrator'), 'warning', /link is open until/)
    run(`update setup_links set expires_at = 1`)
    assertFound(await find('administrator'), 'warning', /never been one$/)
  })

  test('of whom none is enabled', async () => {
    const { run, find } = install()
    run(addAdministrator)
    assertFound(await find('administrator'), 'ok', /1 enabled/)
    run('update users set disabled_at = 1')
    assertFound(await find('administrator'), 'problem', /no administrator is enabled/)
  })
})

describe('a role that somebody holds', () => {
  const addHolder = `
    insert into users (id, username, username_key, version, created_at) values ('u', 'ann', 'ann', 1, 1);
    insert into user_roles values ('u', 'user', null), ('u', 'analyst', null)`

  test('and that no application declares is named', async () => {
    const { run, find } = install()
    assertFound(await find('roles'), 'ok', /3 known/)
    run(addHolder)
    assertFound(await find('roles'), 'warning', /users hold analyst, which the last start did not declare/)
  })

  test('and that an application declares is well, until it is taken out of the declaration', async () => {
    const { run, find } = install()
    run(`${addHolder}; insert into declared_roles (name) values ('analyst')`)
    assertFound(await find('roles'), 'ok', /4 known/)
    run('delete from declared_roles')
    assertFound(await find('roles'), 'warning', /users hold analyst/)
  })
})

test('an event of tomorrow in the audit log, and a year that is over', async () => {
  const { run, find } = install()
  const inTheFuture = systemClock.now() + hour
  run(`insert into audit_events (at, event, details) values (${inTheFuture}, 'user.created', '{}')`)
  assertFound(await find('audit-clock'), 'problem', /the clock says/)
  assertFound(await find('audit-clock', { clock: clockAt(inTheFuture) }), 'ok', /newest/)
  assertFound(await find('clock', { clock: clockAt(Date.UTC(2025, 11, 31)) }), 'problem', /2025-12-31/)
})

describe('a refresh token newer than the database', () => {
  const shown = (at: number): string =>
    `insert into audit_events (at, event, details) values (${at}, 'refresh-token.ahead', '{}');`
  const now = systemClock.now()

  test('says that a restore was broken off', async () => {
    const { run, find } = install()
    run("update installation set identity = 'being restored'")
    assertFound(await find('database-history'), 'problem', /broken off/)
  })

  test('says that the database went back, how often it was shown and when last', async () => {
    const { run, find } = install()
    run(shown(now - 2 * hour) + shown(now - hour) + shown(now - 8 * day))
    const finding = await find('database-history')
    assertFound(finding, 'problem', new RegExp(`: 2 in 7 days, the last one at ${toTimestamp(now - hour)}$`))
  })

  test('is told of for a week, and other events are none', async () => {
    const { run, find } = install()
    assertFound(await find('database-history'), 'ok', /no sign in 7 days/)
    run(shown(now) + shown(now).replace('ahead', 'reused'))
    const after = (time: number) => find('database-history', { clock: clockAt(now + time) })
    assertFound(await after(7 * day - 1), 'problem', /: 1 in 7 days/)
    assertFound(await after(7 * day), 'ok', /./)
  })
})

describe('files that others may read or change:', {
  skip: process.platform === 'win32' && 'no modes',
}, () => {
  const cases: readonly (readonly [name: string, mode: number, level: Finding['level']])[] = [
    ['gatewright.db', 0o644, 'problem'],
    ['gatewright.db', 0o620, 'problem'],
    ['secret', 0o604, 'problem'],
    ['', 0o755, 'warning'],
    ['', 0o777, 'problem'],
    ['', 0o770, 'problem'],
    ['', 0o700, 'ok'],
  ]
  for (const [name, mode, level] of cases)
    test(`${name || 'the folder'} with mode ${mode.toString(8)}`, async () => {
      const { folder, find } = install()
      chmodSync(join(folder, name), mode)
      const finding = await find('permissions')
      assertFound(
        finding,
        level,
        level === 'ok' ? /./ : new RegExp(`^[^;]*${name} has mode ${mode.toString(8)}`),
      )
      assert.match(finding?.level === 'ok' ? 'chmod' : (finding?.do ?? ''), /chmod/)
    })

  test('a secret that an engine mounts into a container may be read there by its only user, and written by nobody', () => {
    assert.equal(forbiddenWithSecret('/run/secrets/gatewright-secret') & 0o444, 0)
    assert.equal(forbiddenWithSecret('/run/secrets/gatewright-secret') & 0o666, 0o022)
    for (const path of ['/etc/gatewright/secret', './run/secrets/x', '/run/secrets-of-all/x'])
      assert.equal(forbiddenWithSecret(path) & 0o444, 0o004)
  })

  test('what holds the secret, and the key of the certificate', async () => {
    const { folder, find } = install()
    writeFileSync(join(folder, '.env'), `GATEWRIGHT_SECRET=${secret}\n`)
    chmodSync(join(folder, '.env'), 0o644)
    const former = process.cwd()
    process.chdir(folder)
    assertFound(await find('permissions'), 'problem', /^\.env has mode 644$/)
    process.chdir(former)

    rmSync(join(folder, '.env'))
    const file = join(folder, 'given')
    writeFileSync(file, secret)
    chmodSync(file, 0o644)
    assertFound(await find('permissions', { env: { GATEWRIGHT_SECRET_FILE: file } }), 'problem', /given has/)
    const env = { TLS: 'files', TLS_CERT_FILE: file, TLS_KEY_FILE: file }
    assertFound(await find('permissions', { env }), 'problem', /given has/)
    for (const [mode, level] of [
      [0o660, 'problem'],
      [0o440, 'ok'],
    ] as const) {
      chmodSync(file, mode)
      assertFound(await find('permissions', { env: { GATEWRIGHT_SECRET_FILE: file } }), level, /./)
    }
    assertFound(await find('permissions', { env }), 'ok', /./)
  })
})

test('settings that are not valid leave what rests on them unchecked', async () => {
  const { find } = install()
  const env = { PORT: 'canary' }
  const finding = await find('settings', { env })
  assertFound(finding, 'problem', /PORT/)
  assert.ok(!JSON.stringify(finding).includes('canary'))
  assert.equal(await find('permissions', { env }), undefined)
  assertFound(await find('node', { env }), 'ok', /Node\.js/)
})

describe('settings that are valid and not well:', () => {
  const behindProxy = { PUBLIC_URL: 'https://api.example.org', GATEWRIGHT_SECRET: secret, MAIL: 'off' }
  const cases: readonly (readonly [
    check: string,
    level: Finding['level'],
    says: RegExp,
    env: Readonly<Record<string, string>>,
  ])[] = [
    ['production-rules', 'ok', /do not hold/, {}],
    ['production-rules', 'problem', /HOST can be reached.*REGISTRATION must be set/, { HOST: '0.0.0.0' }],
    ['production-rules', 'ok', /none is broken: PUBLIC_URL/, { ...behindProxy, REGISTRATION: 'closed' }],
    ['limits', 'warning', /LIMITS=off/, { LIMITS: 'off' }],
    ['limits', 'warning', /LIMITS_SCALE=2/, { LIMITS_SCALE: '2' }],
    ['limits', 'ok', /0\.5/, { LIMITS_SCALE: '0.5' }],
    ['registration', 'ok', /open/, {}],
    ['registration', 'warning', /others can reach/, { ...behindProxy, REGISTRATION: 'open' }],
    ['registration', 'ok', /closed/, { ...behindProxy, REGISTRATION: 'closed' }],
    ['administrators', 'ok', /is off/, {}],
    ['administrators', 'ok', /is required/, behindProxy],
    ['administrators', 'warning', /others can reach/, { ...behindProxy, ADMIN_SECOND_FACTOR: 'off' }],
    ['public-url', 'warning', /no proxy/, behindProxy],
    ['public-url', 'ok', /https/, { ...behindProxy, TRUSTED_PROXIES: '127.0.0.1' }],
    ['public-url', 'problem', /is http/, { PUBLIC_URL: 'http://localhost:3000', TLS: 'self-signed' }],
    ['public-url', 'warning', /IP address/, { PUBLIC_URL: 'http://127.0.0.1:3000' }],
    ['certificate', 'ok', /self-signed/, { TLS: 'self-signed' }],
    ['certificate', 'ok', /TLS=off/, {}],
    ['client-authorities', 'ok', /callers need no certificate/, {}],
    [
      'served-certificate',
      'warning',
      /api\.example\.org: ENOTFOUND/,
      { PUBLIC_URL: 'https://api.example.org' },
    ],
  ]
  for (const [check, level, says, env] of cases)
    test(`${check}: ${level} for ${JSON.stringify(env).replaceAll(secret, '…')}`, async () => {
      assertFound(await install().find(check, { env }), level, says)
    })
})

test('a Node.js that is too old', () => {
  assertFound(judgeNode('22.1.0'), 'problem', /^Node\.js 22\.1\.0$/)
  assertFound(judgeNode('24.0.0'), 'ok', /24/)
})

describe('a server of PostgreSQL', () => {
  const well: ServerFacts = {
    role: 'gatewright',
    version: 180_000,
    versionText: '18.0',
    isStandby: false,
    encoding: 'UTF8',
    fsync: 'on',
    fullPageWrites: 'on',
    synchronousCommit: 'on',
    maxConnections: 100,
    standbys: 0,
    synchronousStandbys: '',
    isEncrypted: true,
    auditRights: [],
  }

  test('that is too old, a stand-by, or of another encoding', () => {
    assertFound(judgeServer(well), 'ok', /PostgreSQL 18/)
    assertFound(
      judgeServer({ ...well, version: 140_012, versionText: '14.12' }),
      'problem',
      /too old, 14\.12/,
    )
    assertFound(judgeServer({ ...well, isStandby: true }), 'problem', /stand-by/)
    assertFound(judgeServer({ ...well, encoding: 'LATIN1' }), 'problem', /LATIN1/)
  })

  test('that forgets, or whose copies or role may', () => {
    assertFound(judgeServerDurability(well), 'ok', /fsync/)
    assertFound(judgeServerDurability({ ...well, fsync: 'off' }), 'problem', /fsync is off/)
    assertFound(judgeServerDurability({ ...well, standbys: 2 }), 'warning', /^2 other servers copy this one/)
    const waited = { ...well, standbys: 2, synchronousStandbys: 'b' }
    assertFound(judgeServerDurability(waited), 'ok', /commits wait for b/)
    const off = { ...well, synchronousCommit: 'off' }
    assertFound(judgeServerDurability(off), 'warning', /^the role gatewright has synchronous_commit=off$/)
  })

  test('whose clock is another', () => {
    assertFound(judgeClockOfServer(-1_900), 'ok', /1\.9 s/)
    assertFound(judgeClockOfServer(2_100), 'problem', /^2\.1 s ahead of/)
    assertFound(judgeClockOfServer(-2_100), 'problem', /^2\.1 s behind/)
  })

  test('on another machine, whose name is not checked', async () => {
    const settings = defaultSettings({ databaseUrl: 'postgres://u:hush@db.example.org/d?sslmode=no-verify' })
    const db = openDatabase(settings.databaseUrl)
    const finding = await checkWayToServer({ db, settings, clock: systemClock })
    await db.destroy()
    assertFound(finding, 'warning', /DATABASE_URL/)
    assert.ok(!JSON.stringify(finding).includes('hush'))
  })
})

test('what is said between processes and does not arrive, and a Valkey elsewhere without TLS', () => {
  const deaf = { is: 'deaf' } as const
  const away = { is: 'away', why: 'nobody answers' } as const
  assertFound(judgeNotifications(deaf), 'warning', /do not arrive/)
  assertFound(judgeNotifications(away), 'warning', /nobody answers/)
  const here = { valkeyUrl: 'redis://:hush@localhost' }
  assertFound(judgeValkey(deaf, here), 'warning', /does not arrive/)
  assertFound(judgeValkey(away, here), 'warning', /nobody answers/)
  assertFound(judgeValkey({ is: 'works' }, here), 'ok', /answers/)
  const finding = judgeValkey({ is: 'works' }, { valkeyUrl: 'redis://:hush@valkey.example.org' })
  assertFound(finding, 'warning', /TLS/)
  assert.ok(!JSON.stringify(finding).includes('hush'))
})

test('a checkpoint that has not left the machine for an hour', async () => {
  const { run, find } = install()
  const at = systemClock.now() - hour - minute
  run(`insert into audit_checkpoints (id, position, hash, at, kind, key_id, signature)
      values (7, 0, 'h', ${at}, 'checkpoint', 'k', 's');
    insert into audit_deliveries (checkpoint_id, attempts, problem, due_at, delivered_at)
      values (7, 3, 'no such folder', 0, null)`)
  const env = { AUDIT_ANCHOR: 'file:/mnt/elsewhere/checkpoints.jsonl' }
  assertFound(await find('audit-chain', { env }), 'warning', /has not left the machine: no such folder/)
})

test('a check that fails in a way that nobody expected is a finding', async () => {
  const { run, find } = install()
  run('drop table setup_links')
  assertFound(await find('administrator'), 'problem', /^could not be checked: .*setup_links/)
})

test('little space is a problem, by bytes and by share', () => {
  const gigabyte = 1_024 ** 3
  assertFound(judgeSpace({ free: 0.1 * gigabyte, total: gigabyte }), 'problem', /102 MB free/)
  assertFound(judgeSpace({ free: 4 * gigabyte, total: 100 * gigabyte }), 'problem', /4\.0 GB free \(4 %\)/)
  assertFound(judgeSpace({ free: 6 * gigabyte, total: 100 * gigabyte }), 'ok', /6\.0 GB free/)
})

describe('housekeeping', () => {
  const dayOf = (installed: number) => clockAt(installed + day + minute)
  const insertRun = (at: number): string =>
    housekeepingTasks
      .map(({ name }) => `insert into housekeeping values ('${name}', ${at}, ${at}, 0)`)
      .join(';')

  test('that has not run in the first day of an installation is no finding', async () => {
    assertFound(await install().find('housekeeping'), 'ok', /^last done never; oldest rows: /)
  })

  test('that has not run for a day is one, whether it ever ran or not', async () => {
    const { find, run } = install()
    const now = systemClock.now()
    assertFound(await find('housekeeping', { clock: dayOf(now) }), 'warning', /^last done never/)
    run(insertRun(now))
    assertFound(await find('housekeeping', { clock: clockAt(now + hour) }), 'ok', /^last done 20/)
    assertFound(await find('housekeeping', { clock: dayOf(now) }), 'warning', /^last done 20/)
  })

  test('tells the oldest row of each table, and which rows are there for too long', async () => {
    const { find, run } = install()
    const now = systemClock.now()
    run(insertRun(now))
    const insert = (until: number): void =>
      run(`insert into reserved_usernames values ('h${until}', ${until})`)
    insert(now - hour)
    assertFound(await find('housekeeping'), 'ok', / reserved_usernames 20/)
    insert(now - 2 * day)
    const finding = await find('housekeeping')
    assertFound(finding, 'warning', / reserved_usernames 20/)
    assert.match(JSON.stringify(finding), /Rows of reserved_usernames are there/)
  })
})
