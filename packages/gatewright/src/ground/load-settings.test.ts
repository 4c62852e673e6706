import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { inspect } from 'node:util'
import { describeSettings, loadSettings, SettingsError } from './load-settings.ts'
import { settingRows } from './settings.ts'

const secret = Buffer.alloc(32, 7).toString('base64url')

type Env = Readonly<Record<string, string>>

/** A new folder with these files, gone after the test. */
const folderWith = (t: TestContext, files: Env): string => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-settings-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

const load = (t: TestContext, env: Env, files: Env = {}) =>
  loadSettings({ env, folder: folderWith(t, files), isTerminal: false })

const problems = (t: TestContext, env: Env, files: Env = {}): readonly string[] => {
  try {
    load(t, env, files)
  } catch (error) {
    assert.ok(error instanceof SettingsError, String(error))
    assert.equal(error.message, error.lines.join('\n'))
    return error.lines
  }
  return []
}

test('with nothing written, every setting has its default', t => {
  const { settings, sources } = load(t, {})
  assert.equal(settings.port, 3000)
  assert.deepEqual(new Set(Object.values(sources)), new Set(['default']))
})

test('the environment goes before .env.<NODE_ENV>, which goes before .env', t => {
  const files = {
    '.env': 'HOST=::1\nPORT=1\nAPP_NAME=One\n',
    '.env.production': 'PORT=2\nAPP_NAME=Two\n',
    '.env.development': 'LOG_LEVEL=trace\n',
  }
  const { settings, sources } = load(t, { NODE_ENV: 'production', APP_NAME: 'Three' }, files)
  assert.deepEqual(
    [settings.host, settings.port, settings.appName, settings.logLevel],
    ['::1', 2, 'Three', 'info'],
  )
  assert.deepEqual(
    [sources.HOST, sources.PORT, sources.APP_NAME, sources.LOG_LEVEL],
    ['.env', '.env.production', 'environment', 'default'],
  )
})

test('NODE_ENV may stand in .env, and chooses the second file', t => {
  const files = { '.env': 'NODE_ENV=production\n', '.env.production': 'PORT=2\n' }
  assert.equal(load(t, {}, files).settings.port, 2)
  assert.equal(load(t, { NODE_ENV: 'test' }, files).settings.port, 3000)
})

test('without NODE_ENV, .env.development is read', t => {
  assert.equal(load(t, {}, { '.env.development': 'PORT=2\n' }).settings.port, 2)
})

test('NODE_ENV in .env.<NODE_ENV> is refused, for it would choose the file that it stands in', t => {
  assert.deepEqual(problems(t, {}, { '.env.development': 'NODE_ENV=production\n' }), [
    'NODE_ENV in .env.development comes too late to choose that file: write it in .env or the environment',
  ])
})

test('a bad NODE_ENV chooses no file and is told once', t => {
  assert.deepEqual(problems(t, { NODE_ENV: '../x' }, { '.env.development': 'nonsense\n' }), [
    'NODE_ENV in the environment is not valid: write one of development, test, production',
  ])
})

test('an empty text means the default, also over a file that says something else', t => {
  const { settings, sources } = load(
    t,
    { PORT: '', TRUSTED_PROXIES: '' },
    { '.env': 'PORT=80\nTRUSTED_PROXIES=10.0.0.1\n' },
  )
  assert.deepEqual([settings.port, settings.trustedProxies], [3000, []])
  assert.deepEqual([sources.PORT, sources.TRUSTED_PROXIES], ['default', 'default'])
})

test('LOG_FORMAT is pretty on a terminal only', t => {
  const folder = folderWith(t, {})
  assert.equal(loadSettings({ env: {}, folder, isTerminal: true }).settings.logFormat, 'pretty')
  assert.equal(loadSettings({ env: {}, folder, isTerminal: false }).settings.logFormat, 'json')
})

const names: readonly string[] = settingRows.map(({ name }) => name)
for (const name of names) {
  test(`a bad ${name} stops the start with one line that names it and its place, and not the value`, t => {
    const value = 'hush\0:hush hush'
    const [inEnvironment = '', ...more] = problems(t, { [name]: value })
    const [inFile = ''] = problems(t, {}, { '.env': `${name}=${value}\n` })
    assert.deepEqual(more, [])
    assert.ok(inEnvironment.startsWith(`${name} in the environment is not valid: `), inEnvironment)
    assert.ok(inFile.startsWith(`${name} in .env is not valid: `), inFile)
    assert.doesNotMatch(inEnvironment + inFile, /hush|undefined/)
  })
}

test('every problem is told at once', t => {
  const lines = problems(
    t,
    { PORT: 'x', GATEWRIGHT_NONSENSE: '1', DATABASE_URI: 'sqlite:x' },
    { '.env': 'HOSTS=localhost\nLOG_LEVEL info\nTLS=on\n' },
  )
  assert.deepEqual(lines, [
    'GATEWRIGHT_NONSENSE in the environment is not a setting: remove it; docs/settings.md lists every setting',
    'DATABASE_URI in the environment is not a setting: write DATABASE_URL, or rename it if another program needs it',
    '.env: line 2 is not a setting: write NAME=value on one line',
    'HOSTS in .env is not a setting: write HOST, or rename it if another program needs it',
    'PORT in the environment is not valid: write a whole number from 0 to 65535',
    'TLS in .env is not valid: write one of off, self-signed, files',
  ])
})

test('values that contradict each other stop the start', t => {
  assert.deepEqual(problems(t, { DATABASE_ADMIN_URL: 'postgres://owner:hush@db/blog' }), [
    'DATABASE_ADMIN_URL is for PostgreSQL, and DATABASE_URL is SQLite: remove the one, or write postgres://… as the other',
  ])
  assert.deepEqual(problems(t, { SESSION_MAX_TTL: '1d' }), [
    'SESSION_IDLE_TTL is longer than SESSION_MAX_TTL: write the same time or a shorter one',
  ])
})

test('an unknown name in the environment that is nobody’s mistake does not stop the start', t => {
  assert.deepEqual(problems(t, { PATH: '/bin', KUBERNETES_PORT: 'x', SSL_CERT_FILE: 'x' }), [])
})

test('a secret is read from its file, from the environment or .env, without the line end', t => {
  for (const end of ['', '\n', '\r\n']) {
    const { settings, sources } = load(t, { GATEWRIGHT_SECRET_FILE: 'secret' }, { secret: secret + end })
    assert.deepEqual(settings.gatewrightSecret, [secret])
    assert.equal(sources.GATEWRIGHT_SECRET, 'file secret')
  }
  const files = { secret, '.env': 'GATEWRIGHT_SECRET_FILE=secret\n' }
  assert.deepEqual(load(t, {}, files).settings.gatewrightSecret, [secret])
})

test('a secret and its file in one place are refused; in two places the first decides', t => {
  assert.deepEqual(problems(t, { GATEWRIGHT_SECRET: secret, GATEWRIGHT_SECRET_FILE: 'secret' }, { secret }), [
    'GATEWRIGHT_SECRET and GATEWRIGHT_SECRET_FILE both stand in the environment: keep one',
  ])
  const files = { secret, '.env': 'GATEWRIGHT_SECRET=hush\n' }
  assert.deepEqual(load(t, { GATEWRIGHT_SECRET_FILE: 'secret' }, files).settings.gatewrightSecret, [secret])
})

test('an empty or missing secret file never means "no secret"', t => {
  const [line = ''] = problems(t, { GATEWRIGHT_SECRET_FILE: 'secret' }, { secret: '\n' })
  assert.match(line, /^GATEWRIGHT_SECRET_FILE is the path of an empty file: write the secret into it/)
  assert.deepEqual(problems(t, { GATEWRIGHT_SECRET_FILE: 'absent' }), [
    'GATEWRIGHT_SECRET_FILE cannot be read (ENOENT): write the path of a file that holds the secret',
  ])
})

test('a setting that is no secret is not read from a file', t => {
  assert.match(
    problems(t, {}, { '.env': 'APP_NAME_FILE=x\n' })[0] ?? '',
    /^APP_NAME_FILE in \.env is not a setting/,
  )
})

test('no secret stands in an error, however it was given', t => {
  const broken = `hush${secret}`
  const errors = [
    problems(t, { GATEWRIGHT_SECRET: broken }),
    problems(t, { GATEWRIGHT_SECRET: `${secret},${broken}` }),
    problems(t, { GATEWRIGHT_SECRET_FILE: 'secret' }, { secret: broken }),
    problems(t, {}, { '.env': `GATEWRIGHT_SECRET=${broken}\n` }),
    problems(t, {}, { '.env': `GATEWRIGHT_SECRET ${broken}\nGATEWRIGHT_SECRET: ${broken}\nA=1\n` }),
    problems(t, {}, { '.env': `${broken}\nPORT=1\n` }),
    problems(t, { PORT: broken, HOST: `${broken}:` }),
    problems(t, { DATABASE_URL: 'postgres://user:hush@db' }),
  ]
  for (const lines of errors) {
    assert.ok(lines.length > 0)
    assert.ok(!lines.join().includes('hush') && !lines.join().includes(secret), lines.join())
  }
})

test('the description gives every setting as it would be written, its source, and no secret', t => {
  const loaded = load(
    t,
    {
      GATEWRIGHT_SECRET: secret,
      ACCESS_TOKEN_TTL: '90s',
      TRUSTED_PROXIES: '10.0.0.1, ::1',
      REFRESH_RETRY_WINDOW: '0',
    },
    { '.env': 'APP_NAME=Blog\n' },
  )
  const described = describeSettings(loaded)
  assert.deepEqual(
    described.map(({ name }) => name),
    settingRows.map(({ name }) => name),
  )
  const find = (wanted: string) => described.find(({ name }) => name === wanted)
  assert.deepEqual(find('GATEWRIGHT_SECRET'), {
    name: 'GATEWRIGHT_SECRET',
    value: 'hidden',
    source: 'environment',
  })
  assert.deepEqual(find('ACCESS_TOKEN_TTL'), {
    name: 'ACCESS_TOKEN_TTL',
    value: '90s',
    source: 'environment',
  })
  assert.deepEqual(find('SESSION_IDLE_TTL'), { name: 'SESSION_IDLE_TTL', value: '14d', source: 'default' })
  assert.deepEqual(find('REFRESH_RETRY_WINDOW'), {
    name: 'REFRESH_RETRY_WINDOW',
    value: '0',
    source: 'environment',
  })
  assert.deepEqual(find('TRUSTED_PROXIES'), {
    name: 'TRUSTED_PROXIES',
    value: '10.0.0.1,::1',
    source: 'environment',
  })
  assert.deepEqual(find('CORS_ORIGINS'), { name: 'CORS_ORIGINS', value: 'none', source: 'default' })
  assert.deepEqual(find('APP_NAME'), { name: 'APP_NAME', value: 'Blog', source: '.env' })
  assert.deepEqual(find('LOG_FILE'), { name: 'LOG_FILE', value: 'none', source: 'default' })
  assert.ok(!inspect(described).includes(secret))
})

test('a secret that is not set is described as absent and not as hidden', t => {
  const described = describeSettings(load(t, {}))
  assert.equal(described.find(({ name }) => name === 'GATEWRIGHT_SECRET')?.value, 'none')
})
