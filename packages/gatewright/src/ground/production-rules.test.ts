import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type LoadedSettings, loadSettings } from './load-settings.ts'
import { productionErrors, productionReasons } from './production-rules.ts'

type Env = Readonly<Record<string, string>>

const load = (env: Env): LoadedSettings =>
  loadSettings({ env, folder: join(tmpdir(), 'gatewright-no-such-folder'), isTerminal: false })
const reasonsFor = (env: Env) => productionReasons(load(env).settings)
const errorsFor = (env: Env) => {
  const { settings, sources } = load(env)
  return productionErrors(settings, sources)
}

const sound: Env = {
  NODE_ENV: 'production',
  GATEWRIGHT_SECRET: Buffer.alloc(32, 7).toString('base64url'),
  REGISTRATION: 'open',
  PUBLIC_URL: 'https://api.example.org',
  MAIL: 'off',
}
const without = (name: string): Env =>
  Object.fromEntries(Object.entries(sound).filter(([key]) => key !== name))

const local: readonly Env[] = [
  {},
  { NODE_ENV: 'test', LIMITS: 'off', LIMITS_SCALE: '1000', TLS: 'self-signed' },
  { HOST: '127.0.0.1' },
  { HOST: '127.8.9.10' },
  { HOST: '::1' },
  { HOST: '0:0:0:0:0:0:0:1' },
  { HOST: 'LOCALHOST' },
  { PUBLIC_URL: 'http://localhost:8080' },
  { PUBLIC_URL: 'https://127.0.0.1' },
  { PUBLIC_URL: 'http://[::1]:3000' },
  { TRUSTED_PROXIES: '127.0.0.1,::1,127.0.0.0/8' },
]
for (const env of local) {
  test(`production's rules don't hold on this machine only: ${JSON.stringify(env)}`, () => {
    assert.deepEqual(reasonsFor(env), [])
    assert.deepEqual(errorsFor(env), [])
  })
}

const reachable: readonly (readonly [Env, string])[] = [
  [{ NODE_ENV: 'production' }, 'NODE_ENV is production'],
  ...[
    '0.0.0.0',
    '::',
    '192.168.1.2',
    '128.0.0.1',
    'api.example.org',
    'localhost.example.org',
    'fe80::1%lo',
  ].map(host => [{ HOST: host }, 'HOST can be reached from other machines'] as const),
  ...[
    'https://api.example.org',
    'http://192.168.1.2:3000',
    'https://localhost.example.org',
    'http://0.0.0.0',
  ].map(url => [{ PUBLIC_URL: url }, 'PUBLIC_URL is not localhost'] as const),
  ...['10.0.0.1', '127.0.0.1,10.0.0.1', '126.0.0.0/7', '::/64', '::/1'].map(
    proxies => [{ TRUSTED_PROXIES: proxies }, 'TRUSTED_PROXIES names other machines'] as const,
  ),
]
for (const [env, reason] of reachable) {
  test(`production's rules hold, and the reason is told: ${JSON.stringify(env)}`, () => {
    assert.deepEqual(reasonsFor(env), [reason])
  })
  test(`the defaults of development don't start when reachable: ${JSON.stringify(env)}`, () => {
    const errors = errorsFor(env)
    for (const line of errors) assert.ok(line.startsWith(`${reason}, so production's rules hold: `), line)
    assert.ok(errors.some(line => line.includes('GATEWRIGHT_SECRET must be set: write ')))
    assert.ok(errors.some(line => line.includes('REGISTRATION must be set: write ')))
  })
}

test('sound settings start in production, also behind a proxy, with TLS files, or with stricter limits', () => {
  assert.deepEqual(errorsFor(sound), [])
  assert.deepEqual(
    errorsFor({ ...sound, HOST: '0.0.0.0', TRUSTED_PROXIES: '10.0.0.0/8', LIMITS_SCALE: '0.5' }),
    [],
  )
  assert.deepEqual(errorsFor({ ...sound, TLS: 'files', TLS_CERT_FILE: 'c', TLS_KEY_FILE: 'k' }), [])
})

test('a Valkey with a password, or on this machine, is allowed in production', () => {
  for (const url of ['redis://:word@10.0.0.7', 'rediss://user:word@valkey.example.org', 'redis://127.0.0.1'])
    assert.deepEqual(errorsFor({ ...sound, VALKEY_URL: url }), [], url)
})

test('mail by a server, or none at all, is allowed in production', () => {
  const by = { ...without('MAIL'), SMTP_URL: 'smtp://mail.example.org', MAIL_FROM: 'a@example.org' }
  assert.deepEqual(errorsFor(by), [])
  assert.deepEqual(errorsFor(sound), [])
})

test('plain HTTP on localhost stays allowed in production', () => {
  assert.deepEqual(errorsFor({ ...sound, PUBLIC_URL: 'http://localhost:3000' }), [])
})

const refused: readonly (readonly [string, Env, RegExp])[] = [
  ['no secret', without('GATEWRIGHT_SECRET'), /GATEWRIGHT_SECRET must be set: write /],
  ['an empty secret', { ...sound, GATEWRIGHT_SECRET: '' }, /GATEWRIGHT_SECRET must be set: write /],
  ['registration by default', without('REGISTRATION'), /REGISTRATION must be set: write REGISTRATION=closed/],
  ['an empty registration', { ...sound, REGISTRATION: '' }, /REGISTRATION must be set/],
  ['mail to nowhere', without('MAIL'), /SMTP_URL must be set: write .*, or MAIL=off/],
  ['no public address', without('PUBLIC_URL'), /PUBLIC_URL must be set: write /],
  [
    'a public address over plain HTTP',
    { ...sound, PUBLIC_URL: 'http://api.example.org' },
    /PUBLIC_URL must be https/,
  ],
  [
    'a public address that only begins like localhost',
    { ...sound, PUBLIC_URL: 'http://localhost.example.org' },
    /must be https/,
  ],
  ['a self-signed certificate', { ...sound, TLS: 'self-signed' }, /TLS=self-signed .*: write TLS=files/],
  ['limits off', { ...sound, LIMITS: 'off' }, /LIMITS=off .*: write LIMITS=on/],
  [
    'a Valkey of another machine that anybody may use',
    { ...sound, VALKEY_URL: 'rediss://valkey.example.org' },
    /VALKEY_URL has no password, .*: set one there .*, and write redis:\/\/:<password>@<host>$/,
  ],
  ['limits scaled up a little', { ...sound, LIMITS_SCALE: '1.01' }, /LIMITS_SCALE must not be above 1/],
]
for (const [what, env, line] of refused) {
  test(`production refuses ${what} with one line`, () => {
    const errors = errorsFor(env)
    assert.equal(errors.length, 1)
    assert.match(errors[0] ?? '', line)
    assert.match(errors[0] ?? '', /^NODE_ENV is production( and |, so production's rules hold: )/)
  })
}

test('several reasons stand in one line, in the order of the table', () => {
  const [line = ''] = errorsFor({ ...without('REGISTRATION'), HOST: '0.0.0.0' })
  assert.match(
    line,
    /^NODE_ENV is production and HOST .* and PUBLIC_URL is not localhost, so production's rules hold: REG/,
  )
})
