import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { day, hour, minute, second } from './clock.ts'
import { parseEnvFile } from './env-file.ts'
import {
  defaultSettings,
  publicUrlOf,
  relations,
  type Setting,
  type SettingName,
  type Settings,
  settingRows,
  settingsTable,
} from './settings.ts'

const rows: readonly Setting[] = settingRows
const rowOf = (name: SettingName): Setting => {
  const row = rows.find(row => row.name === name)
  assert.ok(row)
  return row
}
const parse = (name: SettingName, text: string): unknown => rowOf(name).parse(text)

const secret = Buffer.alloc(32, 7).toString('base64url')
const otherSecret = Buffer.alloc(32, 8).toString('base64url')

/** Values that each row takes, with what it makes of them. */
const good: { readonly [Name in SettingName]: readonly (readonly [string, unknown])[] } = {
  NODE_ENV: ['development', 'test', 'production'].map(name => [name, name]),
  HOST: ['localhost', '0.0.0.0', '::', '::1', 'fe80::1%eth0', 'api.example.org', 'a-1'].map(host => [
    host,
    host,
  ]),
  PORT: [
    ['0', 0],
    ['80', 80],
    ['65535', 65_535],
  ],
  PUBLIC_URL: ['http://localhost:3000', 'https://api.example.org', 'https://[::1]:8443'].map(url => [
    url,
    url,
  ]),
  APP_NAME: ['Gatewright', 'Mein Büro', 'x'.repeat(64)].map(name => [name, name]),
  DATABASE_URL: [
    'sqlite:./a.db',
    'sqlite:/var/a b.db',
    'sqlite:data',
    'postgres://u:p%40ss@db.example.org:5433/blog?sslmode=verify-full',
    'postgresql:///blog?host=/run/postgresql',
  ].map(url => [url, url]),
  DATABASE_ADMIN_URL: [['postgres://owner@localhost/blog', 'postgres://owner@localhost/blog']],
  DATABASE_POOL: [
    ['2', 2],
    ['1000', 1_000],
  ],
  VALKEY_URL: [
    'redis://localhost',
    'redis://127.0.0.1:6380/2',
    'rediss://user:p%40ss@valkey.example.org:6379',
    'redis://:pass@[::1]:6379',
  ].map(url => [url, url]),
  SMTP_URL: [
    'smtp://localhost:1025',
    'smtp://user:p%40ss@mail.example.org',
    'smtps://user:pass@[::1]:465',
    'smtp://mail.example.org/',
  ].map(url => [url, url]),
  MAIL_FROM: [
    ['no-reply@example.org', { name: '', address: 'no-reply@example.org' }],
    ['Mein Büro <a+b@xn--bro-hoa.example>', { name: 'Mein Büro', address: 'a+b@xn--bro-hoa.example' }],
  ],
  MAIL: ['on', 'off'].map(text => [text, text]),
  GATEWRIGHT_SECRET: [
    [secret, [secret]],
    [`${secret}, ${otherSecret}`, [secret, otherSecret]],
  ],
  TRUSTED_PROXIES: [
    ['', []],
    ['127.0.0.1', ['127.0.0.1']],
    ['10.0.0.0/8,2001:db8::/32 , ::1/128', ['10.0.0.0/8', '2001:db8::/32', '::1/128']],
  ],
  CORS_ORIGINS: [
    ['', []],
    ['https://a.example, http://localhost:5173', ['https://a.example', 'http://localhost:5173']],
  ],
  CREDENTIALS: [
    ['bearer', ['bearer']],
    ['cookie, bearer', ['cookie', 'bearer']],
    ['bearer,cookie,api-key', ['bearer', 'cookie', 'api-key']],
  ],
  TOKEN_HEADER: ['Authorization', 'X-Token', 'x-api-key'].map(name => [name, name]),
  TOKEN_SCHEME: [['DPoP', 'DPoP']],
  API_KEY_HEADER: ['X-API-Key', 'apikey', 'X-Token'].map(name => [name, name]),
  TOKEN_AUDIENCE: [
    ['https://api.example.org/v1', 'https://api.example.org/v1'],
    ['blog', 'blog'],
  ],
  ACCESS_TOKEN_TTL: [
    ['1s', second],
    ['10m', 10 * minute],
    ['24h', day],
    ['1500ms', 1500],
  ],
  SESSION_IDLE_TTL: [
    ['14d', 14 * day],
    ['1s', second],
  ],
  SESSION_MAX_TTL: [
    ['400d', 400 * day],
    ['12h', 12 * hour],
  ],
  ADMIN_SESSION_IDLE_TTL: [
    ['15m', 15 * minute],
    ['400d', 400 * day],
  ],
  ADMIN_SECOND_FACTOR: ['required', 'off'].map(name => [name, name]),
  ADMIN_SESSION_MAX_TTL: [
    ['8h', 8 * hour],
    ['1s', second],
  ],
  REFRESH_RETRY_WINDOW: [
    ['0', 0],
    ['0s', 0],
    ['60s', minute],
  ],
  REVOCATION_MAX_AGE: [
    ['100ms', 100],
    ['5s', 5 * second],
  ],
  KEY_ROTATION: [
    ['1h', hour],
    ['90d', 90 * day],
  ],
  TOKEN_ALGORITHM: ['ES256', 'EdDSA', 'RS256', 'HS256_EVERY_VERIFIER_CAN_FORGE'].map(name => [name, name]),
  REGISTRATION: [
    ['open', 'open'],
    ['invite', 'invite'],
    ['closed', 'closed'],
  ],
  BREACH_CHECK: ['off', 'warn', 'refuse'].map(name => [name, name]),
  BREACH_CHECK_URL: [
    'https://api.example.org/range/',
    'https://api.example.org/',
    'http://127.0.0.1:8080/range/',
    'http://[::1]:8080/',
    'http://localhost/range/',
  ].map(url => [url, url]),
  PASSWORD_MIN_LENGTH: [
    ['8', 8],
    ['128', 128],
  ],
  WORKERS: [
    ['1', 1],
    ['256', 256],
    ['auto', 'auto'],
  ],
  LIMITS: [
    ['on', 'on'],
    ['off', 'off'],
  ],
  LIMITS_SCALE: [
    ['1', 1],
    ['0.5', 0.5],
    ['1000', 1000],
  ],
  LIMITS_OVERRIDE: [
    ['read-user=2400', [{ policy: 'read-user', count: 2400 }]],
    [
      'write-user=1, registration-address-hour=100/2h',
      [
        { policy: 'write-user', count: 1 },
        { policy: 'registration-address-hour', count: 100, window: 7_200_000 },
      ],
    ],
  ],
  TLS: [
    ['off', 'off'],
    ['self-signed', 'self-signed'],
    ['files', 'files'],
  ],
  TLS_CERT_FILE: [['cert.pem', 'cert.pem']],
  TLS_KEY_FILE: [['key.pem', 'key.pem']],
  TLS_CLIENT_CA_FILE: [['ca.pem', 'ca.pem']],
  ACCESS_LOG: [['notable', 'notable']],
  LOG_LEVEL: [['silent', 'silent']],
  LOG_FORMAT: [['pretty', 'pretty']],
  LOG_FILE: [['gatewright.log', 'gatewright.log']],
  TRUSTED_ISSUERS: [['', []]],
  METRICS_PORT: [['9090', 9090]],
  AUDIT_RETENTION: [
    ['400d', 400 * day],
    ['24h', day],
  ],
  AUDIT_ANCHOR: [
    ['file:/mnt/elsewhere/checkpoints.jsonl', { kind: 'file', path: '/mnt/elsewhere/checkpoints.jsonl' }],
    ['https://log.example.org/take?from=a', { kind: 'https', url: 'https://log.example.org/take?from=a' }],
    ['mailto:audit@example.org', { kind: 'mailto', address: 'audit@example.org' }],
  ],
}

const badTimes = [
  '10',
  '1.5s',
  '-1s',
  '10 m',
  '10M',
  '1w',
  '1h30m',
  's',
  '1e3s',
  '9999999999s',
  '401d',
  '999999999d',
]
const badOrigins = [
  ...['*', 'https://*.example.org', 'https://a.example/', 'https://a.example/x', 'https://a.example?x'],
  ...['https://a.example#x', 'a.example', 'ftp://a.example', 'https://A.example', 'https://a.example:443'],
  ...['https://user:hush@a.example', 'null', 'https://', 'javascript:alert(1)', ' https://a.example'],
]

/** No names of headers, and headers that mean something else already. */
const badHeaders = [
  ...['Cookie', 'host', 'X Token', 'Authorization:', 'x\r\ny', 'ä', 'x'.repeat(65)],
  ...['Content-Type', 'content-length', 'Transfer-Encoding', 'Origin', 'Referer', 'User-Agent', 'TE', 'DPoP'],
  ...['Forwarded', 'X-Forwarded-For', 'X-Real-IP', 'Proxy-Authorization', 'Sec-Fetch-Site', 'Sec-Anything'],
  ...['X-CSRF-Token', 'Idempotency-Key', 'If-Match', 'X-Request-Id', 'X-Gatewright-User', 'Upgrade'],
]

/** Values that each row refuses. */
const bad: { readonly [Name in SettingName]: readonly string[] } = {
  NODE_ENV: ['Production', 'prod', 'staging', '../x'],
  HOST: ['http://localhost', 'localhost:3000', '[::1]', '*', '300.0.0.1', 'a b', '-a', 'a..b'],
  PORT: ['-1', '65536', '80a', '3e3', '0x50', '1.5', ' 80'],
  PUBLIC_URL: badOrigins,
  APP_NAME: ['a:b', 'a\nb', 'x'.repeat(65)],
  DATABASE_URL: [
    'postgres://u:hush@h',
    'postgres://u:hu/sh@h/d',
    'postgres://u:hush@h/d e',
    'postgresql:h/d',
    'postgres://h/d#x',
    'POSTGRES://h/d',
    'sqlite:',
    'sqlite://x.db',
    './x.db',
    'mysql://h/d',
  ],
  DATABASE_ADMIN_URL: ['sqlite:./a.db', 'owner', 'postgres://h', ''],
  DATABASE_POOL: ['0', '1', '1001', 'auto'],
  SMTP_URL: [
    ...['mail.example.org', 'http://h', 'smtp:', 'smtp://', 'SMTP://h', ''],
    ...['smtp://u:hush@h?tls=no', 'smtp://u:hu/sh@h', 'smtp://u:hu%ssh@h', 'smtp://u@h', 'smtp://h/x'],
  ],
  MAIL_FROM: [
    ...['', 'nobody', '@example.org', 'a@', 'a b@example.org', 'a@example.org, b@example.org'],
    ...[
      'a@example.org\r\nBcc: b@example.org',
      'A\nBcc: b@example.org <a@example.org>',
      'A <a@example.org> <b>',
    ],
    `${'x'.repeat(250)}@example.org`,
  ],
  MAIL: ['', 'ON', 'true', 'smtp'],
  VALKEY_URL: [
    ...['valkey://h', 'localhost:6379', 'http://h', 'redis:', 'redis://', 'redis:///1', 'REDIS://h', ''],
    ...[
      'redis://u:hush@h?db=1',
      'redis://u:hu/sh@h',
      'redis://u:hu%ssh@h',
      'redis://h/x',
      'redis://h:99999',
      'redis://h d',
    ],
  ],
  GATEWRIGHT_SECRET: [
    ...['hush', secret.slice(1), `${secret}A`, `${secret}=`, `${secret},`, `${secret},hush`],
    ...[`+${secret.slice(1)}`, `${secret.slice(0, -1)}d`, Buffer.alloc(31).toString('base64url')],
  ],
  TRUSTED_PROXIES: [
    ...[
      '1',
      'true',
      'all',
      '*',
      '0.0.0.0/0',
      '::/0',
      '10.0.0.0/33',
      '::1/129',
      '10.0.0.0/',
      '10.0.0.0/08',
      '10.0.0',
    ],
    ...[
      '10.0.0.0/8/8',
      'proxy.example.org',
      'loopback',
      'fe80::1%eth0',
      '10.0.0.1,,10.0.0.2',
      '10.0.0.1;10.0.0.2',
    ],
  ],
  CORS_ORIGINS: [
    ...badOrigins.filter(text => !text.startsWith(' ')),
    'https://a.example,',
    'https://a.example https://b.example',
  ],
  CREDENTIALS: [
    '',
    ',',
    'bearer,',
    'bearer,bearer',
    'cookie,bearer,cookie',
    'Bearer',
    'token',
    'all',
    'bearer cookie',
  ],
  TOKEN_HEADER: badHeaders,
  TOKEN_SCHEME: ['Bearer token', 'a,b', 'Basic', 'digest', 'NEGOTIATE', 'ntlm'],
  API_KEY_HEADER: [...badHeaders, 'Authorization', 'AUTHORIZATION'],
  TOKEN_AUDIENCE: ['a b', 'ä'],
  ACCESS_TOKEN_TTL: [...badTimes, '0', '999ms', '25h'],
  SESSION_IDLE_TTL: [...badTimes, '0'],
  SESSION_MAX_TTL: [...badTimes, '0'],
  ADMIN_SESSION_IDLE_TTL: [...badTimes, '0', '401d'],
  ADMIN_SECOND_FACTOR: ['on', 'REQUIRED', 'optional', ''],
  ADMIN_SESSION_MAX_TTL: [...badTimes, '0', '401d'],
  REFRESH_RETRY_WINDOW: [...badTimes, '61s'],
  REVOCATION_MAX_AGE: [...badTimes, '0', '61s'],
  KEY_ROTATION: ['59m', '401d', '0', 'never', '30'],
  TOKEN_ALGORITHM: ['HS256', 'es256', 'none', 'RS256,ES256', 'PS256', 'RS512'],
  REGISTRATION: ['invited', 'on', 'true', 'Open'],
  PASSWORD_MIN_LENGTH: ['7', '129', '15.5', 'long'],
  BREACH_CHECK: ['on', 'true', 'Refuse'],
  BREACH_CHECK_URL: [
    'http://api.example.org/range/',
    'https://api.example.org/range',
    'https://user:hidden@api.example.org/range/',
    'https://api.example.org/range/?mode=ntlm/',
    'HTTPS://api.example.org/range/',
    'api.example.org/range/',
  ],
  WORKERS: ['0', '257', '-1', '1.5', 'AUTO', 'all', 'true'],
  LIMITS: ['true', 'ON', '1'],
  LIMITS_SCALE: ['0', '0.0', '-1', 'x', '1e9', 'Infinity', '.5', '1,5'],
  LIMITS_OVERRIDE: [
    ...[
      'read-user',
      'read-user=',
      'read-user=0',
      'read-user=-1',
      'read-user=1.5',
      '=5',
      'read-user=5/',
      'read-user=5/h',
    ],
    ...[
      'read-user=5/500ms',
      'read-user=5/1500ms',
      'read-user=5/31d',
      'read-user=5/1h,',
      'READ=5',
      'read-user=99999999',
    ],
  ],
  TLS: ['on', 'true', 'selfsigned'],
  TLS_CERT_FILE: ['a\0b'],
  TLS_KEY_FILE: ['a\0b'],
  TLS_CLIENT_CA_FILE: ['a\0b'],
  ACCESS_LOG: ['none', 'true'],
  LOG_LEVEL: ['verbose', 'INFO'],
  LOG_FORMAT: ['text'],
  LOG_FILE: ['a\0b'],
  TRUSTED_ISSUERS: ['no-such-file.json', '[', '{}', '[{}]', '[1]', '[{"issuer":"https://a.example/"}]'],
  METRICS_PORT: ['0', '65536', 'on'],
  AUDIT_RETENTION: ['0', '23h', '4001d', '400'],
  AUDIT_ANCHOR: [
    'checkpoints.jsonl',
    'file:checkpoints.jsonl',
    'file:',
    'file:/a\0b',
    'http://log.example.org/',
    'https://user:word@log.example.org/',
    'https://log.example.org/#here',
    'https://',
    'mailto:nobody',
    'mailto:a@example.org,b@example.org',
    'mailto:a@example.org?subject=x',
    'ftp://log.example.org/',
  ],
}

for (const row of rows) {
  test(`${row.name} reads its values`, () => {
    for (const [text, value] of good[row.name]) assert.deepEqual(row.parse(text), value, text)
  })
  test(`${row.name} shows a value as the text that would be read as it`, () => {
    for (const [text, value] of good[row.name]) {
      const shown = row.show?.(value as never) ?? String(value)
      assert.deepEqual(row.parse(shown), value, text)
    }
  })
  test(`${row.name} refuses what is not one of its values, and says so without repeating it`, () => {
    for (const text of bad[row.name]) {
      assert.equal(row.parse(text), undefined, text)
      const told = row.explain?.(text) ?? row.expects
      assert.doesNotMatch(told, /hush|undefined/)
    }
  })
}

test('a shortened or mistyped secret is never repeated in an explanation', () => {
  for (const text of bad.GATEWRIGHT_SECRET) {
    const told = rowOf('GATEWRIGHT_SECRET').explain?.(text) ?? ''
    assert.ok(!told.includes(secret.slice(1, 20)))
  }
})

const explanations = [
  ['DATABASE_URL', 'postgres://u:a/b@h/d', /percent-encoded$/],
  ['CREDENTIALS', 'bearer,cookies', /^entry 2: write one of bearer, cookie, api-key$/],
  ['CREDENTIALS', 'bearer,cookie,bearer', /there twice/],
  ['TOKEN_SCHEME', 'Basic', /browsers ask for a password/],
  ['DATABASE_ADMIN_URL', 'postgres:h', /^write postgres:\/\/<user>/],
  ['VALKEY_URL', 'valkey://h', /^write redis:\/\/ or rediss:\/\//],
  ['VALKEY_URL', 'redis://h/0?tls=true', /no parameters/],
  ['VALKEY_URL', 'redis://u:hu/sh@h', /percent-encoded/],
  ['SMTP_URL', 'smtp://h?tls=no', /no parameters/],
  ['SMTP_URL', 'smtp://u:hu/sh@h', /percent-encoded/],
  ['TRUSTED_PROXIES', '1', /forge.*list the addresses/],
  ['TRUSTED_PROXIES', 'true', /forge.*list the addresses/],
  ['TRUSTED_PROXIES', '10.0.0.1,0.0.0.0/0', /^entry 2: .*forge/],
  ['TRUSTED_PROXIES', 'proxy.example.org', /names are not looked up/],
  ['TRUSTED_PROXIES', '10.0.0.1,10.0.0.0/33', /^entry 2: write an IP address/],
  ['CORS_ORIGINS', '*', /every website/],
  ['CORS_ORIGINS', 'https://a.example,https://b.example/', /^entry 2: .*without the slash/],
  ['PUBLIC_URL', 'https://a.example/', /without the slash/],
  ['PUBLIC_URL', 'https://a.example/blog', /without path/],
  ['GATEWRIGHT_SECRET', `${secret},x`, /^entry 2: write 32 random bytes/],
] as const

for (const [name, text, line] of explanations) {
  test(`${name}=${name === 'GATEWRIGHT_SECRET' ? 'a list with a bad entry' : text} gets a line of its own`, () => {
    assert.match(rowOf(name).explain?.(text) ?? '', line)
  })
}

test('every default is a value of its own row', () => {
  for (const row of rows)
    if (typeof row.default === 'string') assert.notEqual(parse(row.name, row.default), undefined)
})

test('defaults depend on what stands higher up', () => {
  assert.equal(defaultSettings().accessLog, 'all')
  assert.equal(defaultSettings({ nodeEnv: 'production' }).accessLog, 'notable')
  assert.equal(defaultSettings().tokenAudience, undefined)
  assert.equal(defaultSettings({ publicUrl: 'https://a.example' }).tokenAudience, 'https://a.example')
  assert.equal(
    defaultSettings({ tokenAudience: 'blog', publicUrl: 'https://a.example' }).tokenAudience,
    'blog',
  )
})

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

test('the type of each field is that of its row, neither wider nor lost', () => {
  // A wrong type makes `Same` false, which does not compile.
  const same: {
    readonly port: Same<Settings['port'], number>
    readonly absentSecret: Same<Settings['gatewrightSecret'], readonly string[] | undefined>
    readonly emptyList: Same<Settings['trustedProxies'], readonly string[]>
    readonly choice: Same<Settings['tls'], 'off' | 'self-signed' | 'files'>
    readonly computedDefault: Same<Settings['accessLog'], 'all' | 'notable' | 'off'>
    readonly borrowedDefault: Same<Settings['tokenAudience'], string | undefined>
  } = {
    port: true,
    absentSecret: true,
    emptyList: true,
    choice: true,
    computedDefault: true,
    borrowedDefault: true,
  }
  assert.ok(Object.values(same).every(Boolean))
  assert.equal(Object.keys(defaultSettings()).length, rows.length)
})

const contradictions: readonly (readonly [string, Partial<Settings>, RegExp])[] = [
  ['an idle time above the longest session', { sessionIdleTtl: 31 * day }, /^SESSION_IDLE_TTL is longer/],
  [
    'an idle time of administrators above their longest session',
    { adminSessionIdleTtl: 13 * hour },
    /^ADMIN_SESSION_IDLE_TTL is longer/,
  ],
  [
    'an access token that outlives every session',
    { sessionIdleTtl: minute, sessionMaxTtl: minute, accessTokenTtl: 2 * minute },
    /^ACCESS_TOKEN_TTL is longer/,
  ],
  ['one header for tokens and keys', { tokenHeader: 'X-Key', apiKeyHeader: 'x-key' }, /are one header/],
  ['the header of API keys as that of tokens', { tokenHeader: 'x-api-key' }, /are one header/],
  ['no credential to sign in with', { credentials: ['api-key'] }, /^CREDENTIALS lets nobody sign in/],
  ['TLS=files without a certificate', { tls: 'files', tlsKeyFile: 'k' }, /^TLS_CERT_FILE is missing/],
  ['TLS=files without a key', { tls: 'files', tlsCertFile: 'c' }, /^TLS_KEY_FILE is missing/],
  ['a certificate without TLS=files', { tlsCertFile: 'c' }, /^TLS_CERT_FILE is set but not used/],
  ['invitations without mail', { registration: 'invite', mail: 'off' }, /^REGISTRATION=invite lets nobody/],
  [
    'an authority of callers without TLS=files',
    { tlsClientCaFile: 'c' },
    /^TLS_CLIENT_CA_FILE is set but not used/,
  ],
  ['a key without TLS=files', { tls: 'self-signed', tlsKeyFile: 'k' }, /^TLS_KEY_FILE is set but not used/],
]

for (const [what, overrides, line] of contradictions) {
  test(`${what} is a contradiction with one line`, () => {
    const broken = relations.filter(({ holds }) => !holds(defaultSettings(overrides)))
    assert.equal(broken.length, 1)
    assert.match(broken[0]?.line ?? '', line)
  })
}

test('the defaults contradict nothing, nor does TLS with both files', () => {
  for (const overrides of [{}, { tls: 'files', tlsCertFile: 'c', tlsKeyFile: 'k' } as const]) {
    assert.ok(relations.every(({ holds }) => holds(defaultSettings(overrides))))
  }
})

test('without PUBLIC_URL the public address is localhost with the port really listened on', () => {
  assert.equal(publicUrlOf(defaultSettings({ port: 0 }), 49_152), 'http://localhost:49152')
  assert.equal(publicUrlOf(defaultSettings({ tls: 'self-signed' }), 8443), 'https://localhost:8443')
})

test('a default port does not stand in the public address, as browsers leave it out of Origin', () => {
  assert.equal(publicUrlOf(defaultSettings(), 80), 'http://localhost')
  assert.equal(publicUrlOf(defaultSettings({ tls: 'self-signed' }), 443), 'https://localhost')
})

test('PUBLIC_URL is taken as it is, whatever the port', () => {
  assert.equal(publicUrlOf(defaultSettings({ publicUrl: 'https://a.example' }), 3000), 'https://a.example')
})

const root = new URL('../../../../', import.meta.url)

test('docs/settings.md has the table that the code makes (UPDATE_DOCS=1 writes it)', () => {
  const page = new URL('docs/settings.md', root)
  const text = readFileSync(page, 'utf8')
  const updated = text.replace(
    /(<!-- table -->\n\n)[\s\S]*(?=\n\n<!-- end of table -->)/,
    (_, start) => start + settingsTable(),
  )
  if (process.env.UPDATE_DOCS === '1') writeFileSync(page, updated)
  else
    assert.equal(
      text,
      updated,
      'run UPDATE_DOCS=1 node --test packages/gatewright/src/ground/settings.test.ts',
    )
  assert.ok(updated.includes(settingsTable()), 'the marks around the table are gone')
})

test('.env.example names every setting once, commented out, with its default', () => {
  const text = readFileSync(new URL('.env.example', root), 'utf8')
  assert.deepEqual(parseEnvFile(text), {
    values: parseEnvFile('').values,
    names: [],
    problems: [],
  })
  const written = parseEnvFile(text.replaceAll(/^# (?=[A-Z_]+=)/gm, ''))
  assert.deepEqual(written.problems, [])
  assert.deepEqual(
    written.names,
    rows.map(({ name }) => name),
  )
  for (const row of rows)
    if (typeof row.default === 'string') assert.equal(written.values[row.name], row.default)
})
