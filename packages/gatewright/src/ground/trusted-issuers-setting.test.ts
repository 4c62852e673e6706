import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { productionErrors } from './production-rules.ts'
import { defaultSettings, relations } from './settings.ts'
import { warningsOfIssuers } from './trusted-issuers.ts'
import { trustedIssuers } from './trusted-issuers-setting.ts'

const entry = {
  issuer: 'https://sso.example.org/realms/main',
  audience: 'https://api.example.org',
  algorithms: ['RS256'],
  permissions_from: 'scope',
  permissions: { 'read:users': ['users:read'] },
  local_user: 'none',
}
const write = (changed: Record<string, unknown> = {}): string => JSON.stringify([{ ...entry, ...changed }])
const get = (changed: Record<string, unknown> = {}) => {
  const [issuer] = trustedIssuers.parse(write(changed)) ?? []
  assert.ok(issuer, trustedIssuers.explain(write(changed)) ?? 'not taken')
  return issuer
}

test('what is left out of an entry is the strict choice', () => {
  assert.deepEqual(get(), {
    issuer: 'https://sso.example.org/realms/main',
    audience: 'https://api.example.org',
    clientsWithoutAudience: [],
    algorithms: ['RS256'],
    jwksUri: undefined,
    type: 'at+jwt',
    subjectFrom: 'sub',
    permissions: [{ from: ['scope'], permissions: { 'read:users': ['users:read'] } }],
    localUser: 'none',
    requiredClaims: {},
    leeway: 30_000,
    longestLifetime: 3_600_000,
    allowsPrivateAddresses: false,
    givesAdministrativePermissions: false,
  })
  assert.deepEqual(warningsOfIssuers([get()]), [])
})

test('entries are read from a file by its path, and from the text itself', () => {
  const folder = mkdtempSync(join(tmpdir(), 'issuers-'))
  try {
    const path = join(folder, 'issuers.json')
    writeFileSync(path, `\n${write()}\n`)
    assert.deepEqual(trustedIssuers.parse(path), trustedIssuers.parse(write()))
  } finally {
    rmSync(folder, { recursive: true })
  }
})

const several = [
  { permissions_from: 'scp', permissions: { read: ['users:read'] } },
  { permissions_from: ['realm_access', 'roles'], permissions: { read: ['posts:write'] } },
]
const inPlace = { permissions_from: undefined, permissions: undefined }

test('permissions may stand in several claims, each of which has a meaning of its own', () => {
  assert.deepEqual(get({ ...inPlace, permissions_from_several: several }).permissions, [
    { from: ['scp'], permissions: { read: ['users:read'] } },
    { from: ['realm_access', 'roles'], permissions: { read: ['posts:write'] } },
  ])
})

/** What is written, and what the line of the start says. */
const mistakes: readonly (readonly [string, Record<string, unknown>, RegExp])[] = [
  ['no issuer', { issuer: undefined }, /issuer is missing/],
  [
    'an issuer that others on the way could answer for',
    { issuer: 'http://sso.example.org' },
    /issuer: write/,
  ],
  ['an issuer with a query', { issuer: 'https://sso.example.org/?a' }, /issuer: write/],
  ['an issuer with a user', { issuer: 'https://a:b@sso.example.org' }, /issuer: write/],
  ['an issuer that browsers spell otherwise', { issuer: 'https://SSO.example.org' }, /issuer: write/],
  ['no audience', { audience: undefined }, /audience is missing/],
  ['no algorithm', { algorithms: [] }, /algorithms: write a list/],
  ['a shared secret as a key', { algorithms: ['HS256'] }, /algorithms: write a list/],
  ['no signature', { algorithms: ['none'] }, /algorithms: write a list/],
  ['a key set over plain HTTP', { jwks_uri: 'http://sso.example.org/keys' }, /jwks_uri: write/],
  ['a key set that is a file', { jwks_uri: 'file:///etc/keys' }, /jwks_uri: write/],
  ['any typ', { token_type: 'JWT' }, /token_type: write/],
  ['no mapping', { permissions: undefined }, /permissions is missing/],
  ['no claim of permissions', { permissions_from: undefined }, /permissions_from is missing/],
  ['one claim beside several', { permissions_from_several: several }, /the one or the other/],
  ...[
    [],
    {},
    [several[0], several[0]],
    ['scp'],
    [{ permissions_from: 'scp' }],
    [{ ...several[0], more: 1 }],
  ].map((wrong, n): (typeof mistakes)[number] => [
    `several claims that are none (${n + 1})`,
    { ...inPlace, permissions_from_several: wrong },
    /permissions_from_several: write a list/,
  ]),
  ['a mapping to all', { permissions: '*' }, /permissions: write/],
  ['nothing of a local user', { local_user: undefined }, /local_user is missing/],
  ['a local user by address', { local_user: 'by_email' }, /local_user: write/],
  ['a leeway of hours', { leeway: '1h' }, /leeway: write/],
  ['a lifetime of weeks', { longest_lifetime: '14d' }, /longest_lifetime: write/],
  ['a weakening that is refused by name', { allow_private_addresses: false }, /true, or leave it out/],
  ['a member that there is not', { audiance: 'x' }, /there is not \(audiance\)/],
  ['keys on this machine', { issuer: 'http://localhost:8080/realms/a' }, /"allow_private_addresses": true/],
  ['keys in a private network', { jwks_uri: 'https://10.0.0.7/keys' }, /"allow_private_addresses": true/],
  ['keys at the address of clouds for their machines', { jwks_uri: 'https://169.254.169.254/' }, /private/],
  [
    'no audience and nothing that tells tokens apart',
    { audience: undefined, takes_tokens_without_audience_of_clients: ['a'] },
    /required_claims/,
  ],
]

for (const [name, changed, line] of mistakes)
  test(`an entry with ${name} stops the start, and says what to write`, () => {
    assert.equal(trustedIssuers.parse(write(changed)), undefined)
    const said = trustedIssuers.explain(write(changed)) ?? ''
    assert.match(said, line)
    assert.match(said, /^entry 1: /)
    assert.equal(said.split('\n').length, 1)
  })

test('two entries of one issuer stop the start', () => {
  const text = JSON.stringify([entry, { ...entry, issuer: 'https://other.example.org' }, entry])
  assert.match(trustedIssuers.explain(text) ?? '', /^entry 3: its issuer is that of an entry before it/)
})

test('what is no list of entries stops the start, without a word of what it says', () => {
  for (const text of ['{}', '[', '[{"a":1,"a":2}]', '["hidden"]', 'no/such/hidden/file']) {
    assert.equal(trustedIssuers.parse(text), undefined)
    assert.doesNotMatch(trustedIssuers.explain(text) ?? '', /hidden/)
  }
})

test('each weakening is told at the start, with its name', () => {
  const weak = get({
    issuer: 'http://localhost:8080/realms/a',
    audience: undefined,
    token_type: 'NONE_WHICH_ID_TOKENS_HAVE_AS_WELL',
    takes_tokens_without_audience_of_clients: ['a'],
    required_claims: { token_use: 'access' },
    allow_private_addresses: true,
    gives_administrative_permissions: true,
  })
  const said = warningsOfIssuers([weak]).join('\n')
  for (const name of [
    'token_type',
    'takes_tokens_without_audience_of_clients',
    'allow_private_addresses',
    'gives_administrative_permissions',
    'plain HTTP',
  ])
    assert.ok(said.includes(name), name)
})

test('this server itself is no other issuer', () => {
  const trusted = trustedIssuers.parse(write({ issuer: 'https://api.example.org' })) ?? []
  const settings = defaultSettings({ publicUrl: 'https://api.example.org', trustedIssuers: trusted })
  const broken = relations.filter(({ holds }) => !holds(settings)).map(({ line }) => line)
  assert.deepEqual(broken, ['TRUSTED_ISSUERS lists this server itself: leave PUBLIC_URL out of it'])
})

test('where production’s rules hold no key is fetched over plain HTTP, not even from this machine', () => {
  const local = { issuer: 'http://localhost:8080/realms/a', allow_private_addresses: true }
  const settings = defaultSettings({ nodeEnv: 'production', trustedIssuers: [get(local)] })
  assert.ok(productionErrors(settings, {}).some(line => line.includes('TRUSTED_ISSUERS')))
  const other = defaultSettings({ nodeEnv: 'production', trustedIssuers: [get()] })
  assert.ok(!productionErrors(other, {}).some(line => line.includes('TRUSTED_ISSUERS')))
})
