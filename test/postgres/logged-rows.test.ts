import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { createApp } from 'gatewright/app'
import { compose, type Engine } from 'gatewright/compose'
import { defaultSettings } from 'gatewright/settings'
import { inTransaction } from 'gatewright/transaction'
import { sql } from 'kysely'
import { pino } from 'pino'
import { blog, mount } from '../../apps/blog/src/blog.ts'
import { emitHook } from '../../packages/gatewright/src/hooks/emit.ts'
import { until } from '../process/until.ts'
import { newName, openServer, query, readdress } from './query.ts'
import { secret } from './real-app.ts'

const email = 'secret.person@example.org'
const body = { username: 'alice', email, password: 'correct horse battery staple' }

let server: Awaited<ReturnType<typeof openServer>>
let engine: Engine
let app: Awaited<ReturnType<typeof createApp>>['app']
const lines: string[] = []

/** What a handler of an application does: here it fails on a row. */
const copyUser = sql`insert into users select * from users limit 1`
const broken = sql`select ${email}::text::int`

before(async () => {
  server = await openServer()
  const database = newName()
  await query(server.url, `create database ${database}`)
  const databaseUrl = readdress(server.url, { database })
  const settings = defaultSettings({
    nodeEnv: 'test',
    databaseUrl,
    gatewrightSecret: [secret],
    limitsScale: 1_000,
  })
  engine = await compose({ settings, migrations: blog.migrations ?? [], declaration: blog })
  const log = pino({ level: 'trace' }, { write: line => void lines.push(line) })
  const hooks = {
    registered: () => copyUser.execute(engine.db).then(() => {}),
    'user-deleted': () => broken.execute(engine.db).then(() => {}),
  }
  ;({ app } = await createApp({ engine, log, mount, application: { ...blog, hooks } }))
  await app.ready()
  assert.equal((await register(body)).statusCode, 201)
  await until('the hook has failed', () => lines.some(line => line.includes('a hook failed')))
  await query(databaseUrl, 'alter table users add constraint nobody_more check (version < 0) not valid')
})
after(async () => {
  await app.close()
  await engine.close()
  await server.stop()
})
beforeEach(() => {
  lines.length = 0
})

const register = (payload: object) => app.inject({ method: 'POST', url: `${mount}/register`, payload })

const lineWith = (text: string) => {
  const all = lines.join('')
  for (const value of [email, 'argon2', 'Failing row', 'Key (']) assert.ok(!all.includes(value), all)
  return JSON.parse(lines.find(line => line.includes(text)) ?? '{}')
}

test('a row that the database refuses is logged by the name of its constraint, without its values', async () => {
  assert.equal((await register({ ...body, username: 'bob' })).statusCode, 500)
  const { err } = lineWith('unexpected error')
  assert.deepEqual([err.code, err.constraint, err.table], ['23514', 'nobody_more', 'users'])
  assert.deepEqual([err.detail, err.where, err.parameters], [undefined, undefined, undefined])
  assert.match(err.stack, /insertUser/)
})

test('what a hook fails on is logged without the row, and without the value that PostgreSQL quotes', async () => {
  await inTransaction(engine.db, work => emitHook(engine, work, 'user-deleted', { userId: 'bob' }))
  engine.hooks.wake()
  await until('it has failed', () => lines.some(line => line.includes('22P02')))
  const { err } = lineWith('22P02')
  assert.equal(err.message, 'PostgreSQL 22P02: a value does not fit its type, or is out of range')
  assert.doesNotMatch(err.stack, /invalid input syntax/)
})
