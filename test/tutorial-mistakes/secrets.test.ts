import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { defaultSettings, settingRows } from 'gatewright/settings'
import { loadSettings } from '../../packages/gatewright/src/ground/load-settings.ts'
import { productionErrors } from '../../packages/gatewright/src/ground/production-rules.ts'
import { readSources } from '../../tools/sources.ts'
import { password, signUp, startTestApp, type TestApp } from '../harness.ts'
import { findSecrets } from './source-secrets.ts'

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

test('no text in the source serves as a secret', () => {
  const faults = [...readSources()]
    .filter(([path]) => /^(packages|apps)\//.test(path) && !/\.test\.ts$/.test(path))
    .flatMap(([path, text]) => findSecrets(path, text).map(fault => ({ path, ...fault })))
    // The labels of a page say "Password" beside the field of that name.
    .filter(({ path, why }) => !(path.includes('/pages/') && why === 'a field'))
  assert.deepEqual(faults, [])
})

test("the tutorials' own lines are found by the search for secrets in source", () => {
  const lines = [
    "app.config['SECRET_KEY'] = 'super-secret'",
    "const secret = process.env.SECRET_KEY ?? 'dev'",
    "const key = process.env.JWT_SECRET_KEY || 'x'",
    "const sign = (claims, secret = 'x') => claims",
    "const { secretKey = 'x' } = options",
    "seed({ username: 'root', password: 'root' })",
    "configure({ key: 'please-change-me' })",
    "const password = 'x'",
    "use('2b7e151628aed2a6abf7158809cf4f3c')",
    `use(\`-----BEGIN PRIVATE KEY-----\`)`,
  ]
  for (const line of lines) assert.notDeepEqual(findSecrets('line.ts', line), [], line)
})

test('no secret setting has a default', () => {
  const secrets = settingRows.filter(row => 'secret' in row)
  assert.ok(secrets.length > 0)
  // A file's path holds no password.
  for (const row of secrets.filter(({ name }) => name !== 'DATABASE_URL'))
    assert.equal(row.default, undefined, row.name)
  assert.equal(defaultSettings({ nodeEnv: 'production' }).gatewrightSecret, undefined)
})

test('a server that others can reach does not start without a secret of its own', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-'))
  const environments = [
    { NODE_ENV: 'production' },
    { HOST: '0.0.0.0' },
    { PUBLIC_URL: 'https://example.org' },
  ]
  for (const env of environments) {
    const { settings, sources } = loadSettings({ env, folder })
    const lines = productionErrors(settings, sources)
    assert.ok(
      lines.some(line => line.includes('GATEWRIGHT_SECRET must be set')),
      JSON.stringify(env),
    )
  }
  rmSync(folder, { recursive: true })
})

test('two installations make different secrets and refuse the tokens of each other', async () => {
  const other = await startTestApp()
  const [alice, theirs] = [await signUp(t, 'alice'), await signUp(other, 'alice')]
  assert.notDeepEqual(other.engine.secrets.ids, t.engine.secrets.ids)
  const refused = await t.call('GET', 'protected', { token: theirs.access })
  assert.deepEqual([refused.status, refused.body.code], [401, 'invalid_token'])
  const refresh = await t.call('POST', 'refresh', { body: { refresh_token: theirs.refresh } })
  assert.deepEqual([refresh.status, refresh.body.code], [401, 'invalid_token'])
  assert.equal((await t.call('GET', 'protected', { token: alice.access })).status, 200)
  await other.close()
})

test('a new installation has no account, and no well-known password opens one', async () => {
  const fresh = await startTestApp()
  assert.deepEqual(await fresh.engine.db.selectFrom('users').select('username').execute(), [])
  for (const username of ['admin', 'administrator', 'root', 'test', 'user'])
    for (const guess of [username, 'password', 'admin123', 'changeme', password]) {
      const { status } = await fresh.call('POST', 'login', { body: { username, password: guess } })
      assert.equal(status, 401, `${username}, ${guess}`)
    }
  await fresh.close()
})
