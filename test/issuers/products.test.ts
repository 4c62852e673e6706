import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { show } from '../../apps/blog/test/call.ts'
import { startTestApp, type TestApp } from '../harness.ts'
import { type LocalIssuer, newRsaKey, startIssuer, toToken } from './local-issuer.ts'
import { parseIssuers } from './scene.ts'
import { type Shape, shapes } from './shapes.ts'

const page = readFileSync('docs/trusted-issuers.md', 'utf8')

/** The examples of the page, by their headings. */
const examples = new Map(
  page
    .split(/^### /m)
    .slice(1)
    .map(part => {
      const [heading = ''] = part.split('\n', 1)
      const [, json = ''] = /```json\n([\s\S]*?)```/.exec(part) ?? []
      return [heading, JSON.parse(json) as Record<string, unknown>[]] as const
    }),
)

/** As its product writes it, on this machine instead of there. */
const brought = (entry: Record<string, unknown>, { issuer }: LocalIssuer): Record<string, unknown> => ({
  ...entry,
  issuer,
  allow_private_addresses: true,
  ...(entry.jwks_uri !== undefined && { jwks_uri: `${new URL(issuer).origin}/keys` }),
})

/** Cognito's kid looks so. */
const kid = '1234example='
const one = newRsaKey(kid)

const headingOf = (name: string): string => shapes[name]?.heading ?? name

const startLocal = (name: string, shape: Shape): Promise<LocalIssuer> => {
  const [entry = {}] = examples.get(headingOf(name)) ?? []
  const { alg: _, ...jwk } = one.jwk
  const key = { ...one, jwk: { ...jwk, ...shape.jwk } }
  return startIssuer([key], new URL(String(entry.issuer)).pathname)
}

/** All of them at one gate, each of an issuer of its own. */
let t: TestApp
const locals = new Map<string, LocalIssuer>()
before(async () => {
  for (const [name, shape] of Object.entries(shapes)) locals.set(name, await startLocal(name, shape))
  const entries = [...locals].map(([name, local]) => {
    const [entry = {}] = examples.get(headingOf(name)) ?? []
    return { ...brought(entry, local), ...shapes[name]?.changed }
  })
  t = await startTestApp({ trustedIssuers: parseIssuers(entries) })
})
after(async () => {
  await t.close()
  for (const local of locals.values()) await local.close()
})

const make = (
  name: string,
  { header, claims }: Pick<Shape, 'header' | 'claims'>,
  lifetime = shapes[name]?.lifetime ?? 0,
): string => {
  const iat = Math.floor(t.clock.now() / 1_000)
  const times = { iat, exp: iat + lifetime, ...(claims.nbf !== undefined && { nbf: iat }) }
  return toToken({ ...header, kid }, { iss: locals.get(name)?.issuer, ...claims, ...times }, one.key)
}
/** The token of a shape with other claims; those that are undefined are left out. */
const changed = (name: string, others: Record<string, unknown>): string => {
  const { header = {}, claims = {} } = shapes[name] ?? {}
  return make(name, { header, claims: { ...claims, ...others } })
}
const verdict = async (token: string): Promise<string> => show(await t.call('GET', 'protected', { token }))
const permissionsOf = async (token: string) => (await t.call('GET', 'protected', { token })).body.permissions

test('the page has an example for each shape', () => {
  for (const name of Object.keys(shapes)) assert.ok(examples.has(headingOf(name)), name)
})

test('another Gatewright has its keys where its example looks for them', async () => {
  const [entry = {}] = examples.get('Another Gatewright, or anybody who keeps to RFC 9068') ?? []
  const { status, body } = await t.call('GET', new URL(String(entry.jwks_uri)).pathname)
  assert.deepEqual([status, Array.isArray(body.keys)], [200, true])
})

test('every example of the page is taken as it stands', () => {
  assert.ok(examples.size >= 7)
  for (const entries of examples.values()) assert.equal(parseIssuers(entries).length, entries.length)
})

for (const [name, shape] of Object.entries(shapes)) {
  test(`${name}: an access token passes by the example of the page, its ID token does not`, async () => {
    const token = make(name, shape)
    assert.equal(await verdict(token), '200')
    assert.deepEqual(await permissionsOf(token), shape.permissions)
    assert.equal(await verdict(make(name, shape.idToken)), '401 invalid_token')
  })

  test(`${name}: a token for another audience, of another tenant or without its permissions is no good`, async () => {
    const iss = `${locals.get(name)?.issuer}x`
    assert.equal(await verdict(changed(name, { aud: 'https://elsewhere.example.org' })), '401 invalid_token')
    assert.equal(await verdict(changed(name, { iss })), '401 invalid_token')
    const nobody = { client_id: 'another', azp: 'another', cid: 'another', aud: undefined }
    assert.equal(await verdict(changed(name, nobody)), '401 invalid_token')
    const nothing = { scope: '', scp: [], permissions: [], roles: [], realm_access: {}, sub: 'another' }
    assert.deepEqual(await permissionsOf(changed(name, nothing)), [])
  })
}

test('Keycloak: a user without any role has no such claim, and may do nothing', async () => {
  assert.deepEqual(await permissionsOf(changed('Keycloak', { realm_access: undefined })), [])
})

test('Okta: without its permissions nothing tells an access token from an ID token, so it is refused', async () => {
  assert.equal(await verdict(changed('Okta', { scp: undefined })), '401 invalid_token')
})

test('Microsoft Entra: a word means what it means in its own claim, and claims are added up', async () => {
  const entra = 'Microsoft Entra'
  const swapped = { scp: 'Posts.Write.All', roles: ['Users.Read'] }
  assert.deepEqual(await permissionsOf(changed(entra, swapped)), [])
  const both = { scp: 'Users.Read', roles: ['Posts.Write.All'] }
  assert.deepEqual(await permissionsOf(changed(entra, both)), ['posts:write', 'users:read'])
})

test('Google: an access token that only Google can read is refused', async () => {
  assert.equal(await verdict('ya29.a0AfB_example-of-an-opaque-token'), '401 invalid_token')
})
