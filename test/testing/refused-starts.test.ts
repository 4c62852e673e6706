import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import Fastify from 'fastify'
import type { Application } from 'gatewright/app'
import { settingRows } from 'gatewright/settings'
import { startTestApp } from 'gatewright/testing'
import { startTestApp as startOnAnySettings } from '../harness.ts'
import { buildReports, reports } from './reports.ts'

/** This process alone sees what these tests set: its working folder, its temporary files, its environment. */
const folder = mkdtempSync(join(tmpdir(), 'gatewright-refused-'))
const [work, temporary] = [join(folder, 'work'), join(folder, 'tmp')]
const home = process.cwd()

const setEnvironment = (settings: Readonly<Record<string, string>>): void => {
  for (const { name } of settingRows) for (const each of [name, `${name}_FILE`]) delete process.env[each]
  Object.assign(process.env, settings)
}

beforeEach(() => {
  for (const path of [work, temporary]) mkdirSync(path, { recursive: true })
  process.chdir(work)
  setEnvironment({ TMPDIR: temporary })
})
afterEach(() => {
  process.chdir(home)
  rmSync(folder, { recursive: true, force: true })
})

type Options = Parameters<typeof startTestApp>[0]

/** Refused with what to do, and nothing was made: no database, no folder, no file. */
const assertRefused = async (error: RegExp, options: object = {}): Promise<void> => {
  const before = readdirSync(work)
  await assert.rejects(startTestApp({ application: reports, ...options }), error)
  assert.deepEqual([readdirSync(temporary), readdirSync(work)], [[], before])
}

const installations = [
  ['NODE_ENV', 'production', /NODE_ENV is production, so production's rules hold.*NODE_ENV=test/],
  ['HOST', '0.0.0.0', /HOST can be reached from other machines.*NODE_ENV=test/],
  ['HOST', 'api.example.org', /HOST can be reached/],
  ['PUBLIC_URL', 'https://api.example.org', /PUBLIC_URL is not localhost.*NODE_ENV=test/],
  ['PUBLIC_URL', 'http://localhost.example.org', /PUBLIC_URL is not localhost/],
  ['TRUSTED_PROXIES', '10.0.0.0/8', /TRUSTED_PROXIES names other machines/],
] as const

const databases = [
  ['DATABASE_URL', 'sqlite:./data/gatewright.db'],
  ['DATABASE_URL', 'postgres://localhost/shop'],
  ['DATABASE_URL_FILE', 'address'],
  ['DATABASE_ADMIN_URL', 'postgres://localhost/shop'],
] as const

describe('no test app starts where the environment is that of an installation:', () => {
  for (const [name, value, expected] of installations)
    test(`${name}=${value}`, async () => {
      setEnvironment({ [name]: value })
      await assertRefused(expected)
    })

  for (const [name, value] of databases)
    test(`${name}=${value}`, async () => {
      writeFileSync(join(work, 'address'), 'postgres://localhost/shop')
      const others = name === 'DATABASE_ADMIN_URL' ? { DATABASE_URL: 'postgres://localhost/shop' } : {}
      setEnvironment({ ...others, [name]: value })
      await assertRefused(
        /DATABASE_\w*URL names a database that was not made for this test.*makes a database/,
      )
    })

  for (const file of ['.env', '.env.test'])
    test(`${file} names a database`, async () => {
      writeFileSync(join(work, file), 'DATABASE_URL=sqlite:./data/gatewright.db\n')
      setEnvironment({ NODE_ENV: 'test' })
      await assertRefused(new RegExp(`it stands in ${file}\\b`))
    })

  test('an environment that no start would take', async () => {
    setEnvironment({ ACCESS_TOKEN_TTL: 'soon' })
    await assertRefused(/ACCESS_TOKEN_TTL in the environment is not valid/)
  })

  test('and it starts where .env.test makes those settings empty again', async () => {
    writeFileSync(
      join(work, '.env'),
      'DATABASE_URL=sqlite:./data/gatewright.db\nPUBLIC_URL=https://example.org\n',
    )
    writeFileSync(join(work, '.env.test'), 'DATABASE_URL=\nPUBLIC_URL=\n')
    setEnvironment({ NODE_ENV: 'test' })
    const t = await startTestApp({ application: reports })
    assert.equal(t.app.gatewright.publicUrl, 'http://localhost:3000')
    assert.ok(t.app.gatewright.settings.databaseUrl.startsWith(`sqlite:${temporary}`))
    await t.close()
    assert.deepEqual([readdirSync(temporary), readdirSync(work)], [[], ['.env', '.env.test']])
  })
})

describe('no test app starts on settings', () => {
  for (const [name, value] of installations)
    test(`of an installation: ${name}=${value}`, async () => {
      await assertRefused(/a test app is for this machine only, leave that out/, {
        settings: { [name]: value },
      })
    })

  for (const [name, value] of databases)
    test(`that name a database: ${name}=${value}`, async () => {
      await assertRefused(/DATABASE_\w+ in the settings of startTestApp: leave it out/, {
        settings: { [name]: value },
      })
    })

  const mistakes = [
    [{ ACCES_TOKEN_TTL: '1m' }, /ACCES_TOKEN_TTL in the settings of startTestApp is not a setting/],
    [{ ACCESS_TOKEN_TTL: 'soon' }, /ACCESS_TOKEN_TTL in the settings of startTestApp is not valid/],
    [{ SESSION_IDLE_TTL: '31d' }, /SESSION_IDLE_TTL is longer than SESSION_MAX_TTL/],
    [{ GATEWRIGHT_SECRET: 'short' }, /GATEWRIGHT_SECRET .* is not valid/],
  ] as const
  for (const [settings, expected] of mistakes)
    test(`that no start takes: ${Object.keys(settings)}`, async () => {
      await assertRefused(expected, { settings })
    })
})

type Build = Extract<Options, { build: unknown }>['build']

describe('no test app is made of', () => {
  const assertBuildRefused = async (build: Build, error: RegExp): Promise<void> => {
    await assert.rejects(startTestApp({ build }), error)
    assert.deepEqual([readdirSync(temporary), readdirSync(work)], [[], []])
  }
  const notRegistered = /has not registered the plugin it was given/

  test('an application that has not registered the plugin', () =>
    assertBuildRefused(() => Fastify(), notRegistered))

  test('an application that has registered it, given back in place of another', () =>
    assertBuildRefused(async plugin => {
      await buildReports(plugin)
      return Fastify()
    }, notRegistered))

  test('an application behind another gate', async () => {
    const other = await startOnAnySettings()
    await assert.rejects(startTestApp({ build: () => other.app }), notRegistered)
    await other.close()
    assert.deepEqual(readdirSync(temporary), [])
  })

  test('two applications with one plugin', () =>
    assertBuildRefused(async plugin => {
      await buildReports(plugin)
      return buildReports(plugin)
    }, /registered once/))

  test('an application that can not be built, whose database is closed and gone', async () => {
    let half: Awaited<ReturnType<typeof buildReports>> | undefined
    await assertBuildRefused(async plugin => {
      half = await buildReports(plugin)
      throw new Error('not today')
    }, /not today/)
    await assert.rejects(
      async () => half?.gatewright.db.selectFrom('users').selectAll().execute(),
      /destroyed/,
    )
  })

  test('an application with a route that says nothing', () =>
    assertBuildRefused(async plugin => {
      const app = await buildReports(plugin)
      app.get('/forgotten', async () => 'open to all')
      return app
    }, /the route GET \/forgotten has no access rule/))

  const undeclared = { analyst: ['reports:raed'] } as unknown as NonNullable<Application['roles']>
  test('an application whose role has a permission that nobody declared', () =>
    assertRefused(/reports:raed/, { application: { ...reports, roles: undeclared } }))

  for (const postgres of [
    '',
    'postgres',
    'sqlite:./test.db',
    'postgres://localhost/shop',
    'http://localhost',
  ])
    test(`"${postgres}" as a PostgreSQL server`, () =>
      assertRefused(/is the address of a server.*take none that exists/, { postgres }))

  test('a server that is not there', () =>
    assertRefused(/nothing listens there/, { postgres: 'postgres://localhost:1/postgres' }))
})
