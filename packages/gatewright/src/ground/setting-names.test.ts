import assert from 'node:assert/strict'
import { test } from 'node:test'
import { editDistance, environmentNameProblems, fileNameProblems, isSettingName } from './setting-names.ts'
import { settingRows } from './settings.ts'

const distances = [
  ['', '', 0],
  ['', 'abc', 3],
  ['same', 'same', 0],
  ['PORT', 'PROT', 1],
  ['PORT', 'POT', 1],
  ['PORT', 'SPORT', 1],
  ['PORT', 'SORT', 1],
  ['SSL', 'TLS', 2],
  ['kitten', 'sitting', 3],
] as const

for (const [a, b, edits] of distances) {
  test(`"${a}" and "${b}" are ${edits} edits apart, whichever comes first`, () => {
    assert.equal(editDistance(a, b), edits)
    assert.equal(editDistance(b, a), edits)
  })
}

const mistyped = [
  ['DATABASE_URI', 'DATABASE_URL'],
  ['REGISTARTION', 'REGISTRATION'],
  ['TRUSTED_PROXY', undefined],
  ['TRUSTED_PROXYS', 'TRUSTED_PROXIES'],
  ['CORS_ORIGIN', 'CORS_ORIGINS'],
  ['ACCES_TOKEN_TTL', 'ACCESS_TOKEN_TTL'],
  ['PUBLICURL', 'PUBLIC_URL'],
  ['LIMIT_SCALE', 'LIMITS_SCALE'],
  ['NODE_EVN', 'NODE_ENV'],
] as const

for (const [name, meant] of mistyped) {
  test(`${name} in the environment ${meant ? `is taken for a mistyped ${meant}` : 'is too far from every setting'}`, () => {
    const expected = meant
      ? [
          `${name} in the environment is not a setting: write ${meant}, or rename it if another program needs it`,
        ]
      : []
    assert.deepEqual(environmentNameProblems([name]), expected)
  })
}

test('no setting, nor the file name of a secret, is taken for a mistyped other one', () => {
  const names = settingRows.map(({ name }) => name)
  assert.deepEqual(environmentNameProblems([...names, 'GATEWRIGHT_SECRET_FILE']), [])
})

test('names of fewer than eight letters are not compared, for too many would be near', () => {
  assert.deepEqual(environmentNameProblems(['POST', 'HOSTS', 'LIMIT', 'TLSS', 'LOGFILE']), [])
})

test('what systems, shells, package managers and continuous integration set does not stop the start', () => {
  const common = [
    ...[
      'SSL_CERT_FILE',
      'SSL_CERT_DIR',
      'NODE_EXE',
      'NODE_PATH',
      'NODE_OPTIONS',
      'NODE_VERSION',
      'NODE_EXTRA_CA_CERTS',
    ],
    ...[
      'APP_HOME',
      'APPDATA',
      'HOSTNAME',
      'HOSTTYPE',
      'USERNAME',
      'LANGUAGE',
      'COLORTERM',
      'LS_COLORS',
      'LOGNAME',
    ],
    ...['SSH_AUTH_SOCK', 'XDG_RUNTIME_DIR', 'INVOCATION_ID', 'JOURNAL_STREAM', 'NOTIFY_SOCKET', 'LISTEN_FDS'],
    ...[
      'npm_config_cache',
      'npm_package_name',
      'npm_lifecycle_event',
      'INIT_CWD',
      'GITHUB_TOKEN',
      'CI_COMMIT_SHA',
    ],
    ...[
      'KUBERNETES_PORT',
      'KUBERNETES_SERVICE_HOST',
      'PROCESSOR_LEVEL',
      'ProgramFiles',
      'PSModulePath',
      'LOCALAPPDATA',
    ],
  ]
  assert.deepEqual(environmentNameProblems(common), [])
})

test('an unknown GATEWRIGHT_ name stops, with the setting that it resembles or a way to remove it', () => {
  assert.deepEqual(
    environmentNameProblems(['GATEWRIGHT_SECRETS', 'GATEWRIGHT_MODE', 'GATEWRIGHT_PORT_3000_TCP']),
    [
      'GATEWRIGHT_SECRETS in the environment is not a setting: write GATEWRIGHT_SECRET, or rename it if another program needs it',
      'GATEWRIGHT_MODE in the environment is not a setting: remove it; docs/settings.md lists every setting',
      'GATEWRIGHT_PORT_3000_TCP in the environment is not a setting: remove it; if Kubernetes sets it for a service of this name, write enableServiceLinks: false',
    ],
  )
})

test('in a file every name must be a setting, near or not, and lower case is recognized', () => {
  assert.deepEqual(fileNameProblems(['HOST', 'port', 'SMTP_HOST_NAME', '__proto__'], '.env'), [
    'port in .env is not a setting: write PORT, or rename it if another program needs it',
    'SMTP_HOST_NAME in .env is not a setting: remove it; docs/settings.md lists every setting',
    '__proto__ in .env is not a setting: remove it; docs/settings.md lists every setting',
  ])
})

test('only secrets have a _FILE name', () => {
  assert.equal(isSettingName('GATEWRIGHT_SECRET_FILE'), true)
  assert.equal(isSettingName('APP_NAME_FILE'), false)
})
