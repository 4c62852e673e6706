import { constants, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A key of an issuer, and its public half as a key set lists it. */
export type LocalKey = {
  readonly kid: string
  readonly key: KeyObject
  readonly jwk: Record<string, unknown>
}

/** RSA keys take long to make: a few serve all tests of a file. */
const rsaKeys: KeyObject[] = []

export const newRsaKey = (kid: string, members: Record<string, unknown> = { alg: 'RS256' }): LocalKey => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
  rsaKeys.push(privateKey)
  return toLocalKey(kid, privateKey, members)
}

export const toLocalKey = (kid: string, key: KeyObject, members: Record<string, unknown>): LocalKey => {
  const { kty, crv, n, e, x, y } = key.export({ format: 'jwk' })
  return { kid, key, jwk: { kid, use: 'sig', kty, crv, n, e, x, y, ...members } }
}

const encode = (part: unknown): string =>
  Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url')

const signWith = (alg: string, key: KeyObject, text: string): Buffer => {
  const bytes = Buffer.from(text)
  const hash = `sha${alg.slice(2)}`
  if (alg === 'EdDSA') return sign(null, bytes, key)
  if (alg.startsWith('ES')) return sign(hash, bytes, { key, dsaEncoding: 'ieee-p1363' })
  return alg.startsWith('PS')
    ? sign(hash, bytes, {
        key,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: Number(alg.slice(2)) / 8,
      })
    : sign(hash, bytes, key)
}

/** A token of any header and claims; texts are taken as they are. */
export const toToken = (header: unknown, claims: unknown, key: KeyObject, alg = 'RS256'): string => {
  const text = `${encode(header)}.${encode(claims)}`
  return `${text}.${signWith(alg, key, text).toString('base64url')}`
}

export type LocalIssuer = {
  readonly issuer: string
  /** The paths that were asked for, in order. */
  readonly asked: readonly string[]
  /** Replaces what is published. */
  readonly publish: (...keys: readonly LocalKey[]) => void
  /**
   * From now on it answers so; without a word, as it should.
   * @param answer is also given what an honest answer would say
   */
  readonly misbehave: (
    answer?: (request: IncomingMessage, response: ServerResponse, honest: string) => void,
  ) => void
  readonly close: () => Promise<void>
}

const discoveryPath = '/.well-known/openid-configuration'

/**
 * An issuer on this machine that serves discovery and its keys.
 * @param path what stands behind its host, as with realms and tenants
 */
export const startIssuer = async (keys: readonly LocalKey[], path = ''): Promise<LocalIssuer> => {
  const asked: string[] = []
  let published = keys
  let misbehaving: Parameters<LocalIssuer['misbehave']>[0]
  const honestAnswer = (url: string): string | undefined => {
    if (url === `${path.replace(/\/$/, '')}${discoveryPath}`)
      return JSON.stringify({ issuer, jwks_uri: `${origin}/keys` })
    return url === '/keys' ? JSON.stringify({ keys: published.map(({ jwk }) => jwk) }) : undefined
  }
  const server = createServer((request, response) => {
    const { url = '' } = request
    asked.push(url)
    const honest = honestAnswer(url)
    if (misbehaving !== undefined) return misbehaving(request, response, honest ?? '{}')
    response.setHeader('content-type', 'application/json')
    return honest === undefined ? response.writeHead(404).end('{}') : response.end(honest)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const issuer = origin + path
  return {
    issuer,
    asked,
    publish: (...others) => {
      published = others
    },
    misbehave: answer => {
      misbehaving = answer
    },
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
