import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { signedInAs, startTestApp } from 'gatewright/testing'
import {
  makeTemporaryDatabase,
  mark,
  type TemporaryDatabase,
} from '../../packages/gatewright/src/testing/temporary-database.ts'
import { newName, openServer, query, readdress } from '../postgres/query.ts'
import { reports } from './reports.ts'

let server: Awaited<ReturnType<typeof openServer>>
before(async () => {
  server = await openServer()
})
after(() => server.stop())

const nameOf = (url: string): string => new URL(url).pathname.slice(1)

/** Whether the server has this database. */
const isThere = async (name: string): Promise<boolean> =>
  (await query(server.url, 'select 1 from pg_database where datname = $1', [name])).length === 1

describe('on a PostgreSQL server a test app', () => {
  test('has a database of its own, which says who made it, and takes it along', async () => {
    const t = await startTestApp({ application: reports, postgres: server.url })
    const url = t.app.gatewright.settings.databaseUrl
    assert.match(nameOf(url), /^gatewright_test_[0-9a-f]{24}$/)
    const [row] = await query(
      url,
      "select shobj_description(oid, 'pg_database') as mark from pg_database where datname = current_database()",
    )
    assert.equal(row?.mark, mark)
    const ann = await signedInAs(t, { roles: ['analyst'] })
    assert.equal((await ann.inject('/reports')).statusCode, 200)
    await t.close()
    assert.equal(await isThere(nameOf(url)), false)
  })

  test('that does not start takes its database along as well', async () => {
    const name = newName()
    await query(server.url, `create role ${name} login createdb password 'x'`)
    const plugin = async () => {
      throw new Error('not today')
    }
    const postgres = readdress(server.url, { user: name, password: 'x' })
    await assert.rejects(startTestApp({ application: { plugin }, postgres }), /not today/)
    const owned = 'select 1 from pg_database d join pg_roles r on r.oid = d.datdba where r.rolname = $1'
    assert.deepEqual(await query(server.url, owned, [name]), [])
  })

  test('writes nothing into the database of the address', async () => {
    const tables = () => query(server.url, "select 1 from pg_tables where schemaname = 'public'")
    const former = await tables()
    const t = await startTestApp({ application: reports, postgres: server.url })
    assert.deepEqual(await tables(), former)
    await t.close()
  })

  test('is refused where the role may not make databases', async () => {
    const name = newName()
    await query(server.url, `create role ${name} login password 'x'`)
    const postgres = readdress(server.url, { user: name, password: 'x' })
    await assert.rejects(startTestApp({ application: reports, postgres }), /permission denied/)
  })
})

describe('a database without the mark of the kit is not dropped:', () => {
  const spoil: Readonly<Record<string, (name: string, url: string) => Promise<unknown>>> = {
    'the mark is gone': name => query(server.url, `comment on database ${name} is null`),
    'it has another comment': name => query(server.url, `comment on database ${name} is 'the shop'`),
    'another has taken its name': async name => {
      await query(server.url, `drop database ${name}`)
      await query(server.url, `create database ${name}`)
    },
  }
  for (const [what, act] of Object.entries(spoil))
    test(what, async context => {
      const database: TemporaryDatabase = await makeTemporaryDatabase(server.url)
      const name = nameOf(database.url)
      context.after(() => query(server.url, `drop database ${name}`))
      await act(name, database.url)
      await assert.rejects(database.drop(), /does not say that it was made by gatewright\/testing/)
      assert.equal(await isThere(name), true)
    })
})
