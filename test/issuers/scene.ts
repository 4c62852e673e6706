import type { Settings } from 'gatewright/settings'
import { trustedIssuers } from '../../packages/gatewright/src/ground/trusted-issuers-setting.ts'
import { startTestApp, type TestApp } from '../harness.ts'
import { type LocalIssuer, type LocalKey, newRsaKey, startIssuer, toToken } from './local-issuer.ts'

/** As `TRUSTED_ISSUERS` is read. Throws what a start would say. */
export const parseIssuers = (entries: unknown): Settings['trustedIssuers'] => {
  const text = JSON.stringify(entries)
  const parsed = trustedIssuers.parse(text)
  if (parsed === undefined) throw new TypeError(trustedIssuers.explain(text))
  return parsed
}

export const audience = 'https://api.example.org'

/** What a plain issuer of RFC 9068 is written as. */
export const plainEntry = ({ issuer }: Pick<LocalIssuer, 'issuer'>) => ({
  issuer,
  audience,
  algorithms: ['RS256'],
  permissions_from: 'scope',
  permissions: { 'read:users': ['users:read'], 'write:posts': ['posts:write'] },
  local_user: 'none',
  allow_private_addresses: true,
})

export type Scene = {
  readonly t: TestApp
  readonly local: LocalIssuer
  readonly key: LocalKey
  /** Claims of a token that is good now. */
  readonly claims: (changed?: Record<string, unknown>) => Record<string, unknown>
  /** Signed by the issuer's key; members that are undefined are left out. */
  readonly token: (claims?: Record<string, unknown>, header?: Record<string, unknown>) => string
  readonly close: () => Promise<void>
}

/** One key for a file: it takes long to make. */
let firstKey: LocalKey | undefined

/** The blog, and an issuer whose tokens it takes. */
export const startScene = async (
  changed: Record<string, unknown> = {},
  overrides: Partial<Settings> = {},
): Promise<Scene> => {
  firstKey ??= newRsaKey('first')
  const key = firstKey
  const local = await startIssuer([key])
  const t = await startTestApp({
    trustedIssuers: parseIssuers([{ ...plainEntry(local), ...changed }]),
    ...overrides,
  })
  const claims: Scene['claims'] = (others = {}) => {
    const now = Math.floor(t.clock.now() / 1_000)
    return {
      iss: local.issuer,
      sub: 'somebody',
      aud: audience,
      client_id: 'web-app',
      iat: now,
      exp: now + 600,
      jti: 'one',
      scope: 'read:users',
      ...others,
    }
  }
  return {
    t,
    local,
    key,
    claims,
    token: (others, header = {}) =>
      toToken({ alg: 'RS256', typ: 'at+jwt', kid: key.kid, ...header }, claims(others), key.key),
    close: async () => {
      await t.close()
      await local.close()
    },
  }
}
