import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
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

type Opened = { readonly t: TestApp; readonly local: LocalIssuer; readonly close: () => Promise<void> }

const open = async (heading: string, shape: Shape): Promise<Opened> => {
  const [entry = {}] = examples.get(heading) ?? []
  const path = new URL(String(entry.issuer)).pathname
  const { alg: _, ...jwk } = one.jwk
  const local = await startIssuer([{ ...one, jwk: { ...jwk, ...shape.jwk } }], path)
  const t = await startTestApp({ trustedIssuers: parseIssuers([brought(entry, local)]) })
  return {
    t,
    local,
    close: async () => {
      await t.close()
      await local.close()
    },
  }
}

const make = (
  { t, local }: Opened,
  { header, claims }: Pick<Shape, 'header' | 'claims'>,
  lifetime: number,
): string => {
  const iat = Math.floor(t.clock.now() / 1_000)
  const times = { iat, exp: iat + lifetime, ...(claims.nbf !== undefined && { nbf: iat }) }
  return toToken({ ...header, kid }, { iss: local.issuer, ...claims, ...times }, one.key)
}

test('the page has an example for each shape', () => {
  for (const heading of Object.keys(shapes)) assert.ok(examples.has(heading), heading)
})

test('every example of the page is taken as it stands', () => {
  assert.ok(examples.size >= 7)
  for (const entries of examples.values()) assert.equal(parseIssuers(entries).length, entries.length)
})

for (const [heading, shape] of Object.entries(shapes)) {
  test(`${heading}: an access token passes by the example of the page, its ID token does not`, async test => {
    const opened = await open(heading, shape)
    test.after(opened.close)
    const { t } = opened
    const token = make(opened, shape, shape.lifetime)
    const answer = await t.call('GET', 'protected', { token })
    assert.equal(show(answer), '200')
    assert.deepEqual(answer.body.permissions, shape.permissions)
    assert.equal(show(await t.call('GET', 'users', { token })), '200')
    const idToken = make(opened, shape.idToken, shape.lifetime)
    assert.equal(show(await t.call('GET', 'protected', { token: idToken })), '401 invalid_token')
  })

  test(`${heading}: a token for another audience, of another tenant or without its permissions is no good`, async test => {
    const opened = await open(heading, shape)
    test.after(opened.close)
    const { t, local } = opened
    const changed = (others: Record<string, unknown>) =>
      make(opened, { header: shape.header, claims: { ...shape.claims, ...others } }, shape.lifetime)
    const verdict = async (token: string) => show(await t.call('GET', 'users', { token }))
    assert.equal(await verdict(changed({ aud: 'https://elsewhere.example.org' })), '401 invalid_token')
    assert.equal(await verdict(changed({ iss: `${local.issuer}x` })), '401 invalid_token')
    assert.equal(await verdict(changed({ client_id: 'another', aud: undefined })), '401 invalid_token')
    const none = { scope: '', scp: [], permissions: [], roles: [], realm_access: {} }
    assert.equal(await verdict(changed(none)), '403 insufficient_permission')
  })
}

test('Keycloak: a user without any role has no such claim, and may do nothing', async test => {
  const shape = shapes.Keycloak as Shape
  const opened = await open('Keycloak', shape)
  test.after(opened.close)
  const { realm_access: _, ...claims } = shape.claims
  const token = make(opened, { header: shape.header, claims }, shape.lifetime)
  assert.equal(show(await opened.t.call('GET', 'users', { token })), '403 insufficient_permission')
})

test('Okta: without its permissions nothing tells an access token from an ID token, so it is refused', async test => {
  const shape = shapes.Okta as Shape
  const opened = await open('Okta', shape)
  test.after(opened.close)
  const { scp: _, ...claims } = shape.claims
  const token = make(opened, { header: shape.header, claims }, shape.lifetime)
  assert.equal(show(await opened.t.call('GET', 'users', { token })), '401 invalid_token')
})
