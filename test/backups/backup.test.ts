import assert from 'node:assert/strict'
import { createHash, createHmac, hkdfSync } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import { newId, newSecret, systemRandom } from 'gatewright/random'
import { sql } from 'kysely'
import { deleteUser } from '../../packages/gatewright/src/administration/delete-user.ts'
import { commandLineOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { loadBackup } from '../../packages/gatewright/src/backups/load-backup.ts'
import { readSchema } from '../../packages/gatewright/src/backups/postgres-schema.ts'
import { writeParts } from '../../packages/gatewright/src/backups/sealed-file.ts'
import { createSecrets } from '../../packages/gatewright/src/ground/secrets.ts'
import { openDatabaseSource } from '../../packages/gatewright/src/sealing/verify/database-source.ts'
import { verifyChain } from '../../packages/gatewright/src/sealing/verify/verify-chain.ts'
import { openSetupLink } from '../../packages/gatewright/src/sign-in/setup-link.ts'
import { databaseFile, openDatabase } from '../../packages/gatewright/src/storage/database.ts'
import {
  engineMigrations,
  migrate,
  pendingMigrations,
} from '../../packages/gatewright/src/storage/migrate.ts'
import { testsDatabase } from '../environment.ts'
import { giveAddress, giveLink } from '../mail/given-link.ts'
import { type RealApp, secret } from '../postgres/real-app.ts'
import { adopt, backUp, load, newPlace, restore, secrets, startApp } from './place.ts'

const isSqlite = testsDatabase.kind === 'sqlite'
const password = 'correct horse battery staple'

const holdsNothing = async (url: string): Promise<boolean> => {
  if (isSqlite) return !existsSync(databaseFile(url))
  const db = openDatabase(url, { pool: 1 })
  const tables = await db.introspection
    .getTables({ withInternalKyselyTables: true })
    .finally(() => db.destroy())
  return tables.length === 0
}

const ends: (() => Promise<void> | void)[] = []
after(async () => {
  for (const end of ends.toReversed()) await end()
})
const place = newPlace({ after: end => void ends.push(end) })

/** One database with one user, who is signed in; and a backup of it. */
let source: { readonly url: string; readonly app: RealApp; readonly token: string; readonly file: string }
before(async () => {
  const url = await place.newUrl()
  const app = await startApp({ after: end => void ends.push(end) }, url)
  const token = await app.signUp('alice')
  const file = place.file('whole.backup')
  await backUp(url, file)
  source = { url, app, token, file }
})

test('a backup taken while others write has every write that was answered before it, is whole, and nobody who was signed in is', async t => {
  const { url, app, token } = source
  const answered: string[] = []
  let isOver = false
  let longest = 0
  const writer = async (name: number): Promise<void> => {
    for (let count = 0; !isOver; count++) {
      const title = `post ${name} ${count}`
      const sent = performance.now()
      const { status } = await app.call('POST', 'posts', {
        token,
        body: { title, content: '…', published: true },
      })
      longest = Math.max(longest, performance.now() - sent)
      assert.equal(status, 201)
      answered.push(title)
    }
  }
  const writers = Promise.all([1, 2, 3].map(writer))
  const backups = []
  for (const name of ['first', 'second', 'third']) {
    while (answered.length < 20) await new Promise(resolve => setTimeout(resolve, 5))
    const before = answered.splice(0)
    const { counts } = await backUp(url, place.file(name))
    backups.push({ name, before, rows: counts.tables.posts ?? 0 })
  }
  isOver = true
  await writers
  assert.ok(longest < 5_000, `${longest} ms`)

  const newest = backups[2] ?? assert.fail()
  const elsewhere = await place.newUrl()
  const { sessions, manifest } = await restore(elsewhere, place.file(newest.name))
  assert.equal(sessions, 1)
  assert.equal(manifest.database, testsDatabase.kind)
  const restored = await startApp(t, elsewhere)
  assert.deepEqual((await restored.call('GET', 'protected', { token })).body.code, 'invalid_token')
  const signedIn = await restored.call('POST', 'login', { body: { username: 'alice', password } })
  const again = signedIn.body.access_token
  const titles = new Set<string>()
  for (let page = 1, total = 1; titles.size < total; page++) {
    const { body } = await restored.call('GET', `posts?per_page=100&page=${page}`, { token: again })
    total = body.total
    for (const post of body.posts) titles.add(post.title)
  }
  for (const title of backups.flatMap(each => each.before)) assert.ok(titles.has(title), title)
  assert.equal(titles.size, newest.rows)
  await restored.engine.sealer.look()
  const verdict = await verifyChain({
    source: await openDatabaseSource(restored.engine.db),
    anchor: undefined,
    knownRestores: [],
    now: Date.now(),
  })
  assert.deepEqual(verdict.faults, [])
})

type Frames = readonly Buffer[]

const toFrames = (file: string): Frames => {
  const bytes = gunzipSync(readFileSync(file))
  const frames: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + 5 + bytes.readUInt32BE(at)
    frames.push(bytes.subarray(at, end))
    at = end
  }
  return frames
}

const toFrame = (letter: string, content: Buffer): Buffer => {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(content.length)
  return Buffer.concat([length, Buffer.from(letter), content])
}

/** As whoever has this secret would sign it. */
const sign = (frames: Frames, by: string): Buffer => {
  const key = Buffer.from(hkdfSync('sha256', Buffer.from(by, 'base64url'), 'gatewright', 'backup', 32))
  const digest = createHash('sha256').update(Buffer.concat(frames)).digest()
  const mac = createHmac('sha256', key).update('file\0').update(digest).digest()
  return gzipSync(Buffer.concat([...frames, toFrame('M', mac)]))
}

const headingOf = ([frame]: Frames) => JSON.parse(String(frame?.subarray(5)))
const withHeading = (frames: Frames, change: object): Frames => [
  toFrame('J', Buffer.from(JSON.stringify({ ...headingOf(frames), ...change }))),
  ...frames.slice(1, -1),
]

const flip = (bytes: Buffer, at: number): Buffer => {
  const changed = Buffer.from(bytes)
  changed[at] = (changed[at] ?? 0) ^ 1
  return changed
}

/** Of zeros in a row it is the same which one is repeated: the next bit is. */
const flipOne = (packed: Buffer): Buffer => {
  const [whole, from] = [gunzipSync(packed), Math.floor(packed.length / 2)]
  const isSame = (changed: Buffer): boolean => {
    try {
      return gunzipSync(changed).equals(whole)
    } catch {
      return false
    }
  }
  let at = from
  while (isSame(flip(packed, at))) at += 1
  return flip(packed, at)
}

const strangers = newSecret(systemRandom)

/** What somebody, or a disk, has made of a backup; and what is said of it. */
const badFiles: Record<string, { readonly make: (whole: string) => Buffer; readonly said: RegExp }> = {
  'that is cut off': {
    make: whole => readFileSync(whole).subarray(0, -9),
    said: /cut off or was changed/,
  },
  'that is cut off in its middle': {
    make: whole => readFileSync(whole).subarray(0, statSync(whole).size / 2),
    said: /cut off or was changed/,
  },
  'of which one bit was changed': {
    make: whole => flipOne(readFileSync(whole)),
    said: /cut off or was changed/,
  },
  'of which one bit was changed, packed anew': {
    make: whole => {
      const bytes = gunzipSync(readFileSync(whole))
      return gzipSync(flip(bytes, bytes.length - 60))
    },
    said: /cut off or was changed/,
  },
  'without its last part, packed anew': {
    make: whole => gzipSync(Buffer.concat(toFrames(whole).slice(0, -1))),
    said: /cut off or was changed/,
  },
  'without one part of its middle, packed anew': {
    make: whole => gzipSync(Buffer.concat(toFrames(whole).toSpliced(1, 1))),
    said: /cut off or was changed/,
  },
  'with something behind its end': {
    make: whole => gzipSync(Buffer.concat([...toFrames(whole), toFrame('J', Buffer.from('{}'))])),
    said: /cut off or was changed/,
  },
  'that claims to be without end': {
    make: () => gzipSync(Buffer.concat([Buffer.from([255, 255, 255, 255]), Buffer.from('J{}')])),
    said: /cut off or was changed/,
  },
  'forged: signed with a secret that is not ours': {
    make: whole => sign(withHeading(toFrames(whole), {}), strangers),
    said: /cut off or was changed/,
  },
  'forged: that names a secret of its own': {
    make: whole => {
      const { newestId } = createSecrets([strangers], systemRandom)
      return sign(withHeading(toFrames(whole), { secret: newestId }), strangers)
    },
    said: /made with the secret .*, which GATEWRIGHT_SECRET does not hold/,
  },
  'of a newer format': {
    make: whole => sign(withHeading(toFrames(whole), { format: 2 }), secret),
    said: /newer version of Gatewright/,
  },
  'of a newer version': {
    make: whole =>
      sign(withHeading(toFrames(whole), { migrations: { gatewright_migrations: ['9999-later'] } }), secret),
    said: /with the step 9999-later, which this version does not know/,
  },
  'of the other kind of database': {
    make: whole => sign(withHeading(toFrames(whole), { database: isSqlite ? 'postgres' : 'sqlite' }), secret),
    said: /restore it where it came from/,
  },
  'that says it has more rows': {
    make: whole => {
      const frames = withHeading(toFrames(whole), {})
      const counts = JSON.parse(String(frames.at(-1)?.subarray(5)))
      counts.tables.users += 1
      return sign([...frames.slice(0, -1), toFrame('J', Buffer.from(JSON.stringify(counts)))], secret)
    },
    said: /its rows are not those that were copied \(users: 1 of 2\)/,
  },
  'that is no backup': { make: () => Buffer.from('select 1'), said: /no backup file of Gatewright/ },
  'that is packed and no backup': {
    make: () => gzipSync('hello, this is a text'),
    said: /cut off or was changed|no backup/,
  },
  'that is empty': { make: () => Buffer.alloc(0), said: /no backup file of Gatewright/ },
}

describe('restore refuses, and touches nothing, a file', () => {
  for (const [name, { make, said }] of Object.entries(badFiles))
    test(name, async () => {
      const url = await place.newUrl()
      const bad = place.file('bad')
      writeFileSync(bad, make(source.file))
      await assert.rejects(load(url, bad), { name: 'BadFile', message: said })
      assert.ok(await holdsNothing(url))
    })

  test('that somebody puts in the place of the one that was proved, while it is read: none of its words is run', async () => {
    const [url, mark, raced] = [await place.newUrl(), `taken_${Date.now()}`, place.file('raced')]
    writeFileSync(raced, readFileSync(source.file))
    const [heading = Buffer.alloc(0), first = Buffer.alloc(0), ...others] = toFrames(source.file)
    const words = [`select 1; commit; create table ${mark} (a int); begin`]
    const ofAttacker = isSqlite
      ? Buffer.from(first).fill(0x2d, 5)
      : toFrame('J', Buffer.from(JSON.stringify({ name: 'public', tables: [], before: words, behind: [] })))
    const swapping = {
      ...secrets,
      mac: (...asked: Parameters<typeof secrets.mac>) => {
        writeFileSync(raced, gzipSync(Buffer.concat([heading, ofAttacker, ...others])))
        return secrets.mac(...asked)
      },
    }
    await assert.rejects(
      loadBackup({ url, secrets: swapping, random: systemRandom }, { from: raced, erase: false }),
      { name: 'BadFile', message: /cut off or was changed/ },
    )
    assert.ok(await holdsNothing(url))
  })

  test('signed by a fingerprint of an export: what is taken for a file is no text that somebody can choose', async () => {
    const taken: Uint8Array[] = []
    const mac: typeof secrets.mac = (purpose, id, data) => {
      taken.push(data)
      return secrets.mac(purpose, id, data)
    }
    const url = await place.newUrl()
    await loadBackup(
      { url, secrets: { ...secrets, mac }, random: systemRandom },
      { from: source.file, erase: false },
    )
    assert.deepEqual(
      taken.map(data => [data.length, Buffer.from(data).subarray(0, 5).toString()]),
      [[37, 'file\0']],
    )
  })

  for (const left of isSqlite ? ['-wal', '-journal'] : [])
    test(`that would go beside what another database has left: SQLite would write ${left} into it`, async () => {
      const url = await place.newUrl()
      writeFileSync(`${databaseFile(url)}${left}`, 'of another one')
      await assert.rejects(load(url, source.file), { message: /--erase-what-stands-there/ })
      assert.ok(await holdsNothing(url))
    })

  test('that is good where GATEWRIGHT_SECRET is another: and takes it where the secret stands behind the new one', async () => {
    const url = await place.newUrl()
    const held = (...texts: string[]) => createSecrets(texts, systemRandom)
    const asked = { from: source.file, erase: false }
    await assert.rejects(loadBackup({ url, secrets: held(strangers), random: systemRandom }, asked), {
      message: new RegExp(`made with the secret ${secrets.newestId}`),
    })
    assert.ok(await holdsNothing(url))
    await loadBackup({ url, secrets: held(strangers, secret), random: systemRandom }, asked)
  })
})

test('a backup is for its owner alone, takes no name that is taken, and leaves nothing where it fails', async () => {
  const { url, app } = source
  const file = place.file('once')
  const others = readdirSync(dirname(file))
  const { manifest, recorded } = await backUp(url, file)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.ok(recorded)
  const before = readFileSync(file)
  await assert.rejects(backUp(url, file), { message: /is there already/ })
  assert.deepEqual(readFileSync(file), before)
  assert.doesNotMatch(before.toString('latin1'), new RegExp(secret))
  const [event] = await app.engine.db
    .selectFrom('audit_events')
    .select('details')
    .where('event', '=', 'backup.made')
    .orderBy('id', 'desc')
    .execute()
  assert.equal(JSON.parse(event?.details ?? '').sealed_to, manifest.sealed_to)
  await assert.rejects(backUp(url, place.file('no/such/folder')))
  // The secret that it rests on is not here: of no use to anybody.
  await app.engine.db.updateTable('installation').set({ secret_id: 'other' }).execute()
  await assert.rejects(backUp(url, place.file('useless')), /of no use/)
  await app.engine.db.updateTable('installation').set({ secret_id: secrets.newestId }).execute()
  const made = readdirSync(dirname(file)).filter(name => !others.includes(name))
  assert.deepEqual(made, ['once'])
})

test('a backup removes what one that was killed has left, and nothing that others have named like it', async t => {
  const place = newPlace(t)
  const url = await place.newUrl()
  await (await startApp({ after: () => {} }, url)).close()
  const ours = `gw.part-${newId(systemRandom)}`
  const others = ['gw.part-aa', 'gw.part-00', `gw.part-${newId(systemRandom)}.gpg`]
  for (const name of [ours, `${ours}.copy-journal`, ...others]) {
    writeFileSync(place.file(name), '')
    utimesSync(place.file(name), 1_000_000_000, 1_000_000_000)
  }
  mkdirSync(place.file(`gw.part-${newId(systemRandom)}`))
  await backUp(url, place.file('gw'))
  const names = readdirSync(dirname(place.file('gw')), { withFileTypes: true })
  assert.deepEqual(
    names.flatMap(each => (each.isFile() && !each.name.includes('.db') ? each.name : [])).sort(),
    ['gw', ...others].sort(),
  )
})

test('what was erased is in no backup', async () => {
  const { url, app } = source
  const address = 'erase-me-9f2c@example.org'
  await app.call('POST', 'register', { body: { username: 'leaving-soon', password, email: address } })
  const user = await app.engine.db
    .selectFrom('users')
    .select('id')
    .where('username', '=', 'leaving-soon')
    .executeTakeFirstOrThrow()
  await deleteUser(app.engine, { userId: user.id, origin })
  const file = place.file('erased')
  await backUp(url, file)
  const text = gunzipSync(readFileSync(file)).toString('latin1')
  assert.match(text, /alice/)
  for (const gone of [address, 'leaving-soon']) assert.ok(!text.includes(gone), gone)
})

/** A browser that signs in, and what it holds from then on to be known again. */
const enter = async ({ call }: RealApp, username: string, cookie = ''): Promise<string> => {
  const { status, headers, text } = await call('POST', 'sessions', {
    body: { username, password },
    headers: { cookie },
  })
  assert.equal(status, 201, text)
  const given = [headers['set-cookie'] ?? []].flat().map(String)
  return given.find(each => each.startsWith('gw_device='))?.split(';')[0] ?? assert.fail('no device')
}

/** What its holder has of a user, and of the installation, and nobody has used. */
const plantOpen = async (app: RealApp, username: string) => {
  await app.signUp(username)
  const { engine } = app
  const { id } = await engine.db
    .selectFrom('users')
    .select('id')
    .where('username', '=', username)
    .executeTakeFirstOrThrow()
  const email = `${username}@example.org`
  await giveAddress(engine, id, email)
  const setup = await openSetupLink(engine)
  assert.ok(setup.state === 'made')
  return {
    username,
    device: await enter(app, username),
    verifies: await giveLink(engine, 'verify-email', id, { email }),
    resets: await giveLink(engine, 'reset-password', id, { email }),
    setsUp: setup.token,
  }
}

/** Whether each is good, asked as its holder asks. A device that is not known any more is given another secret. */
const whatIsGood = async (app: RealApp, open: Awaited<ReturnType<typeof plantOpen>>) => {
  const follow = async (path: string, body: object): Promise<boolean> => {
    const { status, body: answer } = await app.call('POST', path, { body })
    if (status >= 400) assert.deepEqual([status, answer.code], [400, 'invalid_link'])
    return status < 400
  }
  return {
    device: (await enter(app, open.username, open.device)) === open.device,
    verifies: await follow('email/verify', { token: open.verifies }),
    resets: await follow('password/reset', { token: open.resets, new_password: `${password}!` }),
    setsUp: await follow('setup', { token: open.setsUp, username: 'first-administrator', password }),
  }
}

describe('a restore', () => {
  test('ends what was open in the backup: a verification, a reset of a password, the set-up link and a known device, all good where it was made', async t => {
    const open = await plantOpen(source.app, 'holder')
    await backUp(source.url, place.file('open'))
    const elsewhere = await place.newUrl()
    await restore(elsewhere, place.file('open'))
    const none = { device: false, verifies: false, resets: false, setsUp: false }
    assert.deepEqual(await whatIsGood(await startApp(t, elsewhere), open), none)
    const all = { device: true, verifies: true, resets: true, setsUp: true }
    assert.deepEqual(await whatIsGood(source.app, open), all)
  })

  test('goes into an empty place: never over what stands there, and where that is to be lost, never under a server', async t => {
    const { file } = source
    const other = await place.newUrl()
    const standing = await startApp({ after: () => {} }, other)
    await standing.signUp('bob')
    await assert.rejects(load(other, file), { name: 'Refusal', message: /--erase-what-stands-there/ })
    await assert.rejects(load(other, file, true), { name: 'Refusal', message: /A server on .* works on/ })
    assert.equal((await standing.call('POST', 'login', { body: { username: 'bob', password } })).status, 200)
    await standing.close()
    await restore(other, file, true)
    const restored = await startApp(t, other)
    assert.equal((await restored.call('POST', 'login', { body: { username: 'bob', password } })).status, 401)
    assert.equal(
      (await restored.call('POST', 'login', { body: { username: 'alice', password } })).status,
      200,
    )
  })

  test('that was broken off before its end is no database to start on: sessions of the backup would be live', async t => {
    const { file, token } = source
    const other = await place.newUrl()
    await load(other, file)
    const refused = { name: 'OtherDatabase', message: /broken off .*--erase-what-stands-there/ }
    await assert.rejects(startApp(t, other), refused)
    await adopt(other)
    const restored = await startApp(t, other)
    assert.equal((await restored.call('GET', 'protected', { token })).status, 401)
  })

  test('of an older version is brought up to date, also one made before an update', async t => {
    const [url, other] = [await place.newUrl(), await place.newUrl()]
    const steps = Object.entries(engineMigrations.migrations)
    const db = openDatabase(url, { pool: 1 })
    await migrate(db, { owner: 'gatewright', migrations: Object.fromEntries(steps.slice(0, -3)) })
    const installation = { id: 1, epoch: 'old', secret_id: secrets.newestId, created_at: 1 } as const
    await db
      .insertInto('installation')
      .values(installation as never)
      .execute()
    const user = { id: 'a', username: 'alice', username_key: 'alice', version: 1, created_at: 1 }
    await db
      .insertInto('users')
      .values(user as never)
      .execute()
    await db.destroy()
    const { recorded } = await backUp(url, place.file('older'))
    assert.equal(recorded, false)
    await restore(other, place.file('older'))
    const restored = await startApp(t, other)
    assert.deepEqual(await pendingMigrations(restored.engine.db, engineMigrations), [])
    const users = await restored.engine.db.selectFrom('users').select('username').execute()
    assert.deepEqual(users, [{ username: 'alice' }])
  })
})

const oddTable = {
  sqlite: [
    'create table odd (id integer primary key autoincrement, big integer, real8 real, data blob, free, check (big > 0))',
    'create unique index odd_big on odd (big)',
    `insert into odd (big, real8, data, free) values (9007199254740993, 1, x'00ff', 1.0), (2, 0.1, null, '1'), (3, null, null, null)`,
    'delete from odd where id = 3',
  ],
  postgres: [
    `create function odd_guard() returns trigger language plpgsql as $$ begin if new.big = 13 then raise 'never'; end if; return new; end $$`,
    `create table odd (id serial primary key, big bigint check (big > 0), amount numeric(30,10), at timestamptz default now(),
      day date, data bytea, doc jsonb, tags text[], flag boolean, real8 double precision, span interval, "Odd ""name" text collate "C" not null default '',
      twice bigint generated always as (big * 2) stored, of_user text references users (id))`,
    'create unique index odd_big on odd (big) where flag',
    'create trigger odd_guard before insert on odd for each row execute function odd_guard()',
    `insert into odd (big, amount, at, day, data, doc, tags, flag, real8, span, "Odd ""name") values
      (9007199254740993, 0.1000000001, '2026-02-28 23:59:59.999999+09', '0044-03-15 BC', '\\x00ff', '{"a": [1, null]}', '{"a,b","\\"",null}', true, 0.1, '1 mon -3 days', E'line\\nquote'' \\\\'),
      (2, null, 'infinity', null, null, 'null', '{}', null, 'NaN', null, ''), (3, null, null, null, null, null, null, null, null, null, '')`,
    'delete from odd where id = 3',
  ],
} as const

const run = (url: string, statement: string) => {
  const db = openDatabase(url, { pool: 1 })
  return sql
    .raw<Record<string, unknown>>(statement)
    .execute(db)
    .finally(() => db.destroy())
}

/** Every row of every table as a text, and what makes the tables. */
const everythingIn = async (url: string) => {
  const db = openDatabase(url, { pool: 1 })
  const all: Record<string, readonly string[]> = {}
  for (const { name, columns } of await db.introspection.getTables({ withInternalKyselyTables: true })) {
    if (name === 'processes' || name === 'installation') continue
    const line = isSqlite
      ? sql`json_array(${sql.join(columns.map(column => sql`quote(${sql.ref(column.name)}), typeof(${sql.ref(column.name)})`))})`
      : sql`(to_jsonb(t) - 'transaction_id')::text`
    const { rows } = await sql<{
      line: string
    }>`select ${line} as line from ${sql.table(name)} t order by 1`.execute(db)
    all[name] = rows.map(row => row.line)
  }
  const made = isSqlite
    ? (await sql`select type, name, sql from sqlite_schema order by name`.execute(db)).rows
    : await readSchema(
        async statement => (await sql.raw<Record<string, unknown>>(statement).execute(db)).rows,
      )
  await db.destroy()
  return { all, made }
}

test('what was restored is what was copied, tables of an application and their rules included, and no number is given again', async () => {
  const [url, other] = [await place.newUrl(), await place.newUrl()]
  await restore(url, source.file)
  for (const statement of oddTable[testsDatabase.kind]) await run(url, statement)
  const before = await everythingIn(url)
  await backUp(url, place.file('odd'))
  await load(other, place.file('odd'))
  assert.deepEqual(await everythingIn(other), before)
  assert.equal(before.all.odd?.length, 2)
  const { rows } = await run(other, 'insert into odd (big) values (5) returning id')
  assert.deepEqual(rows, [{ id: 4 }])
  for (const refused of ['(-1)', '(9007199254740993)', ...(isSqlite ? [] : ['(13)'])])
    await assert.rejects(
      run(
        other,
        `insert into odd (big${isSqlite ? '' : ', flag'}) values ${isSqlite ? refused : refused.replace(')', ', true)')}`,
      ),
      refused,
    )
  await assert.rejects(run(other, 'delete from audit_events'), 'its triggers are there')
})

const ofPostgres = isSqlite ? [] : ['the type mood']
for (const lost of ofPostgres)
  test(`a schema that holds what would be lost, as ${lost}, is not copied in silence`, async () => {
    const url = await place.newUrl()
    await restore(url, source.file)
    const before = readdirSync(dirname(place.file('x')))
    await run(url, "create type mood as enum ('fine')")
    await assert.rejects(
      backUp(url, place.file('lossy')),
      /the type mood, which a backup of ours does not copy: use pg_dump/,
    )
    assert.deepEqual(readdirSync(dirname(place.file('x'))), before)
  })

for (const count of isSqlite ? [] : [30])
  test('rows as large as users make them are copied in parts that a restore reads', async t => {
    const place = newPlace(t)
    const [url, other] = [await place.newUrl(), await place.newUrl()]
    await (await startApp({ after: () => {} }, url)).close()
    await run(
      url,
      `create table large as select repeat('x', 300000) as content from generate_series(1, ${count})`,
    )
    await backUp(url, place.file('large'))
    const longest = Math.max(...toFrames(place.file('large')).map(frame => frame.length))
    assert.ok(longest < 6_000_000, `${longest} bytes`)
    await load(other, place.file('large'))
    const { rows } = await run(other, 'select count(*)::int as rows, max(length(content)) from large')
    assert.deepEqual(rows, [{ rows: count, max: 300_000 }])
  })

test('a part that no restore would read is told when it is written, and not when it is needed', async t => {
  const file = await open(newPlace(t).file('huge'), 'wx')
  const bytes = Buffer.alloc(256 * 1024 * 1024)
  const parts = (async function* () {
    yield { kind: 'bytes', bytes } as const
  })()
  await assert.rejects(writeParts(file, secrets, secrets.newestId, parts), /too large for a backup/)
  await file.close()
})
