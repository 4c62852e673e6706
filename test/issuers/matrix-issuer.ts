import { generateKeyPairSync } from 'node:crypto'
import type { Engine } from 'gatewright/compose'
import { newId } from 'gatewright/random'
import type { Settings } from 'gatewright/settings'
import { permissions as ofTheBlog } from '../../apps/blog/src/permissions.ts'
import { builtInPermissions } from '../../packages/gatewright/src/permissions/permissions.ts'
import { startTestApp, type TestApp } from '../harness.ts'
import { startIssuer, toLocalKey, toToken } from './local-issuer.ts'
import { audience, parseIssuers } from './scene.ts'

const key = toLocalKey('matrix', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey, {
  alg: 'ES256',
})
const names = [...Object.keys(builtInPermissions), ...Object.keys(ofTheBlog)]

/** Everything that there is may be had of it: what is refused is refused for another reason. */
const entry = (issuer: string, jwksUri: string, localUser: 'none' | 'required') => ({
  issuer,
  audience,
  algorithms: ['ES256'],
  jwks_uri: jwksUri,
  permissions_from: 'scope',
  permissions: Object.fromEntries(names.map(name => [name, [name]])),
  local_user: localUser,
  allow_private_addresses: true,
  gives_administrative_permissions: true,
})

/**
 * The blog as the route matrix asks it: administrators must have shown a second factor, and two other issuers are
 * trusted, of which one speaks for users here and the other for itself.
 */
export const startMatrixApp = async (overrides: Partial<Settings> = {}): Promise<TestApp> => {
  const local = await startIssuer([key])
  const keys = `${local.issuer}/keys`
  const t = await startTestApp({
    adminSecondFactor: 'required',
    trustedIssuers: parseIssuers([
      entry(local.issuer, keys, 'none'),
      entry(`${local.issuer}/people`, keys, 'required'),
    ]),
    ...overrides,
  })
  return {
    ...t,
    close: async () => {
      await t.close()
      await local.close()
    },
  }
}

type Claimed = {
  readonly localUser: 'none' | 'required'
  readonly sub: string
  readonly permissions: readonly string[]
}

/** A token of the issuer that is trusted so; where none is, it is one of nobody. */
const tokenOf = ({ clock, random, settings }: Engine, { localUser, sub, permissions }: Claimed): string => {
  const { issuer: iss } = settings.trustedIssuers.find(each => each.localUser === localUser) ?? {
    issuer: 'https://nobody.example.org',
  }
  const iat = Math.floor(clock.now() / 1_000)
  const claims = { iss, sub, aud: audience, client_id: 'app', iat, exp: iat + 600, jti: newId(random) }
  const header = { alg: 'ES256', typ: 'at+jwt', kid: key.kid }
  return toToken(header, { ...claims, scope: permissions.join(' ') }, key.key, 'ES256')
}

/** It acts for itself, with every permission without a word. */
export const foreignToken = (engine: Engine, permissions: readonly string[] = names): string =>
  tokenOf(engine, { localUser: 'none', sub: 'somebody', permissions })

/** It acts for this user, whom it is linked to from here on. */
export const linkedToken = async (
  engine: Engine,
  userId: string,
  permissions: readonly string[] = names,
): Promise<string> => {
  const linked = engine.settings.trustedIssuers.find(({ localUser }) => localUser === 'required')
  if (linked !== undefined)
    await engine.db
      .insertInto('identities')
      .values({
        issuer: linked.issuer,
        subject: userId,
        user_id: userId,
        created_at: engine.clock.now(),
      })
      .onConflict(conflict => conflict.doNothing())
      .execute()
  return tokenOf(engine, { localUser: 'required', sub: userId, permissions })
}
