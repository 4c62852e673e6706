import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'
import { loadSettings, SettingsError } from '../../packages/gatewright/src/ground/load-settings.ts'
import { productionErrors } from '../../packages/gatewright/src/ground/production-rules.ts'
import { settingRows } from '../../packages/gatewright/src/ground/settings.ts'
import { startServer } from '../../packages/gatewright/src/http/start-server.ts'
import { newFolder, runToEnd } from './spawned-server.ts'

const top = mkdtempSync(join(tmpdir(), 'gatewright-refused-'))
const secret = Buffer.alloc(32, 7).toString('base64url')
const canary = 'canary'
let taken = 0
const other = createServer()
before(
  () =>
    new Promise<void>(resolve => {
      other.listen(0, '127.0.0.1', () => {
        taken = (other.address() as { readonly port: number }).port
        resolve()
      })
    }),
)
after(() => {
  other.close()
  rmSync(top, { recursive: true, force: true })
})

type Env = Readonly<Record<string, string>>

/** The lines of a start in this process that does not come about, as `serve` prints them. */
const refusedLines = async (folder: string, env: Env): Promise<readonly string[]> => {
  const own = { PORT: '0', LOG_LEVEL: 'silent', DATABASE_URL: `sqlite:${folder}/data/gatewright.db`, ...env }
  try {
    const loaded = loadSettings({ env: own, folder, isTerminal: false })
    const errors = productionErrors(loaded.settings, loaded.sources)
    if (errors.length > 0) throw new SettingsError(errors)
    await startServer({ mount: '/auth' }, loaded, undefined)
  } catch (error) {
    if (error instanceof SettingsError) return error.lines
    if (error instanceof Error) return [error.message]
  }
  return assert.fail('it started')
}

type Case = readonly [what: string, names: RegExp, says: RegExp, env: Env | ((folder: string) => Env)]

const write = (folder: string, name: string, text: string | Buffer): string => {
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}

const valued = (
  name: string,
  rows: readonly (readonly [value: string, says: RegExp])[],
  beside: Env = {},
): readonly Case[] =>
  rows.map(([value, says]) => [
    `${name}=${value.replaceAll(secret, '…')}`,
    new RegExp(`^${name}`),
    says,
    { ...beside, [name]: value },
  ])

const inProduction = { GATEWRIGHT_SECRET: secret, REGISTRATION: 'closed', MAIL: 'off' }
const published = { ...inProduction, PUBLIC_URL: 'https://api.example.org' }

/** A database of Gatewright that a newer version has gone on with. */
const makeNewer = async (folder: string): Promise<Env> => {
  const env = { DATABASE_URL: `sqlite:${folder}/newer.db` }
  await refusedLines(folder, { ...env, PORT: String(taken), HOST: '127.0.0.1' })
  const database = new DatabaseSync(join(folder, 'newer.db'))
  database.exec(`insert into gatewright_migrations values ('9999-later', '2030-01-01');
    delete from gatewright_migration_floor; insert into gatewright_migration_floor values ('9999-later')`)
  database.close()
  return env
}

const tables: readonly Case[] = [
  ...valued('NODE_ENV', [['prod', /write one of development, test, production/]]),
  ...valued('HOST', [
    ['http://localhost', /write a host name or an IP address/],
    ['localhost:3000', /without scheme, brackets or port/],
  ]),
  ...valued(
    'HOST',
    [
      ['192.0.2.1', /no address of this machine: write localhost/],
      ['no-such-host.invalid', /(no address of this machine|looked up now): write localhost/],
    ],
    published,
  ),
  ...valued('PORT', [
    ['eighty', /write a whole number/],
    ['70000', /from 0 to 65535/],
  ]),
  ...valued(
    'PUBLIC_URL',
    [
      ['https://api.example.org/', /without the slash/],
      ['https://api.example.org/path', /without path/],
      ['https://u:canary@api.example.org', /without a user and a password/],
      ['https://bücher.example', /in ASCII: xn--/],
      ['api.example.org', /with its scheme/],
      ['ftp://api.example.org', /with its scheme/],
      ['HTTPS://api.example.org', /in lower case/],
      ['https://API.example.org', /in lower case/],
      ['https://api.example.org:443', /without the port/],
      ['https://api.example.org?x', /without path, query/],
      ['"https://api.example.org"', /without the quotation marks/],
      ['https://999.1.1.1', /write scheme, host and port only/],
      ['http://api.example.org', /write https:/],
    ],
    inProduction,
  ),
  ...valued('APP_NAME', [['a:b', /without a colon/]]),
  ...valued('DATABASE_URL', [
    ['mysql://a', /write sqlite:<file>/],
    ['./data/x.db', /write sqlite:<file>/],
    ['sqlite:', /write sqlite:<file>/],
    ['sqlite://data/x.db', /without the two slashes/],
    ['sqlite::memory:', /forgets everything: write the path/],
    ["'sqlite:./x.db'", /without the quotation marks/],
    ['postgres://localhost', /write postgres:/],
    ['postgres://u:canary@h/d?sslmode=maybe', /write sslmode=verify-full/],
    ['postgres://u:canary@127.0.0.1:1/d', /nothing listens there: start PostgreSQL, or mend/],
    [
      'postgres://u:canary@no-such-host.invalid/d',
      /(no host of that name|can not be looked up now): mend the host/,
    ],
  ]),
  ['a folder', /DATABASE_URL/, /is a folder: write/, folder => ({ DATABASE_URL: `sqlite:${folder}` })],
  [
    'below a file',
    /DATABASE_URL/,
    /is no folder: write another path/,
    folder => ({ DATABASE_URL: `sqlite:${write(folder, 'file', '')}/x.db` }),
  ],
  [
    'no database',
    /DATABASE_URL/,
    /no database: write the path of another file/,
    folder => ({ DATABASE_URL: `sqlite:${write(folder, 'text', 'canary\n'.repeat(300))}` }),
  ],
  [
    'tables of another program',
    /DATABASE_URL/,
    /of another program: write the address of one that is empty/,
    folder => {
      const database = new DatabaseSync(join(folder, 'other.db'))
      database.exec('create table users (id integer)')
      database.close()
      return { DATABASE_URL: `sqlite:${folder}/other.db` }
    },
  ],
  ...valued('DATABASE_ADMIN_URL', [['postgres://u:canary@h/d', /remove the one/]]),
  ...valued('DATABASE_POOL', [['1', /from 2 to 1000/]]),
  ...valued('VALKEY_URL', [['localhost:6379', /write redis:/]]),
  ...valued('GATEWRIGHT_SECRET', [
    [canary, /write 32 random bytes in base64url, as made by/],
    [`${secret}=`, /that is base64: write base64url/],
    [`${secret.slice(1)}+`, /that is base64/],
    [Buffer.alloc(32, 1).toString('hex'), /that is hexadecimal/],
    ['A'.repeat(43), /one character over and over.*: write 32 random bytes/],
    [`${secret},${'0'.repeat(43)}`, /entry 2: that is one character over and over/],
    [`"${secret}"`, /without the quotation marks/],
    [`'${secret}'`, /without the quotation marks/],
    [`${secret},`, /entry 2: write/],
    [`${secret},${secret}`, /write each once/],
  ]),
  ...(
    [
      ['that is missing', 'none', /ENOENT.*: write the path/],
      ['that is a folder', '.', /EISDIR.*: write the path/],
      ['that is empty', '', /an empty file: write the secret into it/],
      ['that is a line end', '\r\n', /an empty file/],
      ['with its name before it', `GATEWRIGHT_SECRET=${secret}`, /write the value alone/],
      ['in quotation marks', `"${secret}"\n`, /without the quotation marks/],
      ['of 32 bytes', Buffer.alloc(32, 200), /write 32 random bytes/],
    ] as const
  ).map(
    ([what, text, says]): Case => [
      `GATEWRIGHT_SECRET_FILE ${what}`,
      /^GATEWRIGHT_SECRET/,
      says,
      folder => ({
        GATEWRIGHT_SECRET_FILE: ['none', '.'].includes(String(text))
          ? join(folder, String(text))
          : write(folder, 'given', text),
      }),
    ],
  ),
  [
    'a secret and its file',
    /GATEWRIGHT_SECRET and GATEWRIGHT_SECRET_FILE/,
    /keep one/,
    folder => ({ GATEWRIGHT_SECRET: secret, GATEWRIGHT_SECRET_FILE: write(folder, 'given', secret) }),
  ],
  [
    'a secret made here that is something else',
    /data\/secret holds no secret/,
    /put the right file back/,
    folder => {
      mkdirSync(join(folder, 'data'))
      write(folder, 'data/secret', canary)
      return {}
    },
  ],
  [
    'a folder in the place of the secret made here',
    /data\/secret can not be read/,
    /put the right file back, or set GATEWRIGHT_SECRET/,
    folder => {
      mkdirSync(join(folder, 'data/secret'), { recursive: true })
      return {}
    },
  ],
  ...valued('TRUSTED_PROXIES', [
    ['true', /a number of hops.*list the addresses/],
    ['1', /a number of hops/],
    ['*', /a number of hops/],
    ['0.0.0.0/0', /a range of every address/],
    ['::/0', /a range of every address/],
    ['proxy.local', /names are not looked up; list the addresses/],
    ['loopback', /names are not looked up/],
    ['10.0.0.5/8', /begins with its first address/],
    ['10.0.0.0/33', /write an IP address or a CIDR range/],
    ['10.0.0.1;10.0.0.2', /write an IP address/],
    ['10.0.0.1,1', /entry 2: a number of hops/],
    ['"10.0.0.1"', /without the quotation marks/],
  ]),
  ...valued('CORS_ORIGINS', [['*', /write each origin in full/]]),
  ...valued('CREDENTIALS', [['basic', /write one of bearer, cookie, api-key/]]),
  ...valued('TOKEN_HEADER', [
    ['Cookie', /use that header for something else; write a request header .* such as Authorization$/],
    ['X-Token: x', /no name of one header; write a request header .* such as Authorization$/],
  ]),
  ...valued('TOKEN_SCHEME', [['two words', /write one word/]]),
  ...valued('API_KEY_HEADER', [
    ['Host', /use that header for something else; write a request header .* such as X-API-Key$/],
    ['Authorization', /use that header for something else; write .* such as X-API-Key$/],
    ['X-API-Key X-Key', /no name of one header; write a request header .* such as X-API-Key$/],
  ]),
  ...valued('TOKEN_ALGORITHM', [['HS256', /write ES256/]]),
  ...valued('TOKEN_AUDIENCE', [['a b', /without spaces/]]),
  ...[
    'ACCESS_TOKEN_TTL',
    'SESSION_IDLE_TTL',
    'SESSION_MAX_TTL',
    'ADMIN_SESSION_IDLE_TTL',
    'ADMIN_SESSION_MAX_TTL',
    'REFRESH_RETRY_WINDOW',
    'REVOCATION_MAX_AGE',
    'KEY_ROTATION',
    'AUDIT_RETENTION',
  ].flatMap(name => valued(name, [['10', /write a time from/]])),
  ...valued('ADMIN_SECOND_FACTOR', [['yes', /write required or off/]]),
  ...valued('REGISTRATION', [['yes', /write one of open, invite, closed/]]),
  ...valued('PASSWORD_MIN_LENGTH', [['7', /from 8 to 128/]]),
  ...valued('BREACH_CHECK', [['on', /write one of off, warn, refuse/]]),
  ...valued('BREACH_CHECK_URL', [['http://example.org', /write https:/]]),
  ...valued('WORKERS', [['many', /or auto/]]),
  ...valued('SMTP_URL', [['mail.example.org', /write smtp:/]], { MAIL_FROM: 'a@example.org' }),
  ...valued('MAIL_FROM', [['nobody', /write an address such as/]], { SMTP_URL: 'smtp://h' }),
  ['no MAIL_FROM', /^MAIL_FROM is missing/, /write the address/, { SMTP_URL: 'smtp://h' }],
  ...valued('MAIL', [['yes', /write on or off/]]),
  ...valued('LIMITS', [['no', /write on or off/]]),
  ...valued('LIMITS_SCALE', [['0', /write a number above 0/]]),
  ...valued('LIMITS_OVERRIDE', [
    ['no-such=5', /which is no limit: write one of/],
    ['read-user', /write the name of a limit with a number/],
  ]),
  ...valued('TLS', [['on', /write one of off, self-signed, files/]]),
  [
    'certificates of others that nobody checks',
    /^NODE_TLS_REJECT_UNAUTHORIZED=0 in the environment lets anybody stand in/,
    /remove it, and write the file of a further authority in NODE_EXTRA_CA_CERTS$/,
    { NODE_TLS_REJECT_UNAUTHORIZED: '0' },
  ],
  ['no certificate', /^TLS_CERT_FILE is missing/, /write the path/, { TLS: 'files', TLS_KEY_FILE: 'k' }],
  ['no key', /^TLS_KEY_FILE is missing/, /write the path/, { TLS: 'files', TLS_CERT_FILE: 'c' }],
  [
    'a certificate that is not there',
    /^TLS_CERT_FILE cannot be read \(ENOENT\)/,
    /write the path/,
    folder => ({ TLS: 'files', TLS_CERT_FILE: join(folder, 'c'), TLS_KEY_FILE: join(folder, 'k') }),
  ],
  [
    'a certificate that is none',
    /^TLS_CERT_FILE and TLS_KEY_FILE/,
    /write the paths/,
    folder => ({
      TLS: 'files',
      TLS_CERT_FILE: write(folder, 'c', canary),
      TLS_KEY_FILE: write(folder, 'k', canary),
    }),
  ],
  ...valued('TLS_CLIENT_CA_FILE', [['ca.pem', /^\w+ is set but not used: write TLS=files, or remove it$/]]),
  ...valued('ACCESS_LOG', [['some', /write one of all, notable, off/]]),
  ...valued('LOG_LEVEL', [['loud', /write one of trace/]]),
  ...valued('LOG_FORMAT', [['xml', /write pretty or json/]]),
  ['a log that is a folder', /^LOG_FILE/, /EISDIR.*: write the path/, folder => ({ LOG_FILE: folder })],
  [
    'a log below a file',
    /^LOG_FILE/,
    /write the path of a file in a folder/,
    folder => ({ LOG_FILE: join(write(folder, 'file', ''), 'log') }),
  ],
  ...valued('METRICS_PORT', [['0', /from 1 to 65535/]]),
  [
    'both ports the same',
    /^METRICS_PORT is the same as PORT/,
    /write another/,
    { PORT: '4555', METRICS_PORT: '4555' },
  ],
  ...valued('TRUSTED_ISSUERS', [
    ['{', /not JSON: write/],
    ['/no/such/issuers.json', /ENOENT.*: write the path/],
  ]),
  ...valued('AUDIT_ANCHOR', [
    ['file:./here', /write an absolute path/],
    ['http://log.example.org', /write https:/],
  ]),
  [
    'a name that is no setting',
    /^GATEWRIGHT_FLAG in the environment/,
    /remove it/,
    { GATEWRIGHT_FLAG: canary },
  ],
  ['a name with a mistake', /^DATABSE_URL in the environment/, /write DATABASE_URL/, { DATABSE_URL: canary }],
  ...(
    [
      ['in YAML', `REGISTRATION: ${canary}\n`, /^\.env: line 1/, /write NAME=value/],
      ['in UTF-16', Buffer.from('REGISTRATION=closed\n', 'utf16le'), /^\.env/, /no text in UTF-8: save it/],
      [
        'with a name twice',
        `APP_NAME=a\r\nAPP_NAME=${canary}\r\n`,
        /^\.env: line 2 sets APP_NAME/,
        /remove one/,
      ],
    ] as const
  ).map(
    ([what, text, names, says]): Case => [
      `.env ${what}`,
      names,
      says,
      folder => {
        write(folder, '.env', text)
        return {}
      },
    ],
  ),
]

/** What whoever reads it is told to do. */
const todo = /\b(write|start|restore|remove|keep|put|set|list|use|save|stop|mend)\b/

const assertTold = (lines: readonly string[], names: RegExp, says: RegExp): void => {
  assert.equal(lines.length, 1, lines.join('\n'))
  assert.match(lines[0] ?? '', names)
  assert.match(lines[0] ?? '', says)
  assert.match(lines[0] ?? '', todo, 'it says nothing that could be done')
  assert.doesNotMatch(lines[0] ?? '', /\n| {4}at /)
  assert.doesNotMatch(lines[0] ?? '', new RegExp(`${canary}|${secret}`), 'it repeats a value')
}

describe('a start that can not be right says in one line which setting, what is wrong and what to write:', () => {
  for (const [what, names, says, env] of tables)
    test(what, async () => {
      const folder = mkdtempSync(join(top, 'start-'))
      assertTold(await refusedLines(folder, typeof env === 'function' ? env(folder) : env), names, says)
    })

  test('a port that is taken, for each of both', async () => {
    const folder = mkdtempSync(join(top, 'start-'))
    const env = { HOST: '127.0.0.1' }
    assertTold(
      await refusedLines(folder, { ...env, PORT: String(taken) }),
      /^PORT/,
      /taken by another program: stop/,
    )
    const metrics = await refusedLines(folder, { ...env, METRICS_PORT: String(taken) })
    assertTold(metrics, /^METRICS_PORT/, /taken by another program: stop/)
  })

  test('a database of a newer version', async () => {
    const folder = mkdtempSync(join(top, 'start-'))
    assertTold(
      await refusedLines(folder, await makeNewer(folder)),
      /^the database of DATABASE_URL has the step 9999-later of gatewright/,
      /which this version does not know: start the newer version, or restore a backup from before it$/,
    )
  })

  test('no row is content with any line', () => {
    const vague = tables.filter(([, , says]) => says.source.length < 5)
    assert.deepEqual(
      vague.map(([what]) => what),
      [],
    )
  })

  test('every setting has a row', () => {
    const told = tables.map(([what, names]) => `${what} ${names.source}`).join(' ')
    const without = settingRows.map(({ name }) => name).filter(name => !told.includes(name))
    assert.deepEqual(without, [])
  })
})

/** Another user than root, whom no mode holds back. */
const setter = 'setpriv'
const asNobody = [setter, '--reuid=65534', '--regid=65534', '--clear-groups']
const mayBeNobody = spawnSync(setter, [...asNobody.slice(1), process.execPath, '-e', '0'], {
  cwd: import.meta.dirname,
}).status

test('a start on a folder of another user says so in one line, with 1', {
  skip: mayBeNobody !== 0 && 'no other user can be had: setpriv of util-linux, as root',
}, async t => {
  const folder = newFolder(t)
  const data = join(folder.path, 'data')
  mkdirSync(data, { mode: 0o755 })
  spawnSync('chmod', ['755', folder.path])
  const { code, stdout, stderr } = await runToEnd(folder, { through: asNobody })
  assert.deepEqual([code, stdout], [1, ''])
  assert.match(
    stderr,
    /^gatewright: the database of DATABASE_URL [^\n]*belongs to user 0, [^\n]*: chown [^\n]*\n$/,
  )
})
