import { generateKeyPairSync } from 'node:crypto'
import type { Settings } from 'gatewright/settings'
import { linkExample } from '../../packages/gatewright/src/http/routes/identities.ts'
import { startIssuer, toLocalKey, toToken } from './local-issuer.ts'
import { audience, parseIssuers, plainEntry } from './scene.ts'

export type ExampleIssuer = {
  readonly settings: Partial<Settings>
  /** As `TRUSTED_ISSUERS` has it. */
  readonly written: string
  /** An access token of this subject, good for five minutes. */
  readonly token: (now: number, sub: string) => string
  readonly close: () => Promise<void>
}

/** The issuer that examples of the API reference speak of, whose keys are on this machine. */
export const startExampleIssuer = async (): Promise<ExampleIssuer> => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const local = await startIssuer([toLocalKey('example', privateKey, { alg: 'ES256' })])
  const entry = {
    ...plainEntry(linkExample),
    algorithms: ['RS256', 'ES256'],
    jwks_uri: `${local.issuer}/keys`,
  }
  return {
    settings: { trustedIssuers: parseIssuers([entry]) },
    written: JSON.stringify([entry]),
    token: (now, sub) => {
      const iat = Math.floor(now / 1_000)
      const claims = { iss: linkExample.issuer, sub, aud: audience, client_id: 'app', iat, exp: iat + 300 }
      const header = { alg: 'ES256', typ: 'at+jwt', kid: 'example' }
      return toToken(header, { ...claims, scope: 'read:users' }, privateKey, 'ES256')
    },
    close: local.close,
  }
}
