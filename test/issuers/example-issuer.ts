import { generateKeyPairSync } from 'node:crypto'
import type { Settings } from 'gatewright/settings'
import { linkExample } from '../../packages/gatewright/src/http/routes/identities.ts'
import { startIssuer, toLocalKey } from './local-issuer.ts'
import { parseIssuers, plainEntry } from './scene.ts'

export type ExampleIssuer = {
  readonly settings: Partial<Settings>
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
  return { settings: { trustedIssuers: parseIssuers([entry]) }, close: local.close }
}
