import type { FastifyInstance } from 'fastify'
import type { Engine } from '../../compose.ts'
import { everyone } from '../../permissions/access-rule.ts'
import { type Content, contentOnce, sendContent } from '../content.ts'
import { madeUpId, nothing } from '../schemas.ts'

/** As for every document that anybody may read: it judges no cookie. */
const gate = { access: everyone(), ignoresCookie: true, limit: 'read', audit: 'none' } as const

const type = 'application/json'

/** The key set, written anew only when the keys have changed. */
const createKeySet = ({ keyRing }: Engine): (() => Promise<Content>) => {
  let written = keyRing.listPublic()
  let content = contentOnce(type, async () => JSON.stringify({ keys: written }))
  return async () => {
    const keys = await keyRing.getPublic()
    if (keys !== written) {
      written = keys
      content = contentOnce(type, async () => JSON.stringify({ keys }))
    }
    return content()
  }
}

/**
 * RFC 8414. Only what is there: no endpoint and no response type yet, and a list without elements is left
 * out (§3.2).
 */
const toMetadata = ({ publicUrl: issuer, settings }: Engine, mount: string) => ({
  issuer,
  jwks_uri: `${issuer}/.well-known/jwks.json`,
  // What a shared key has signed can't be checked elsewhere.
  ...(settings.tokenAlgorithm !== 'HS256_EVERY_VERIFIER_CAN_FORGE' && {
    revocation_feed_endpoint: `${issuer}${mount}/revocations`,
  }),
})

const madeUpKey = {
  ...{ kty: 'EC', crv: 'P-256', x: madeUpId, y: madeUpId },
  ...{ kid: madeUpId, alg: 'ES256', use: 'sig' },
}

const documents = [
  {
    url: '/.well-known/jwks.json',
    summary: 'The public keys of access tokens (RFC 7517)',
    answer: () => ({ keys: [madeUpKey] }),
    create: createKeySet,
  },
  {
    url: '/.well-known/oauth-authorization-server',
    summary: 'Where an authorization server has what (RFC 8414)',
    answer: toMetadata,
    create: (engine: Engine, mount: string) =>
      contentOnce(type, async () => JSON.stringify(toMetadata(engine, mount))),
  },
] as const

/** What verifiers elsewhere begin with. */
export const wellKnownRoutes = (app: FastifyInstance, engine: Engine, mount: string): void => {
  for (const { url, summary, answer, create } of documents) {
    const getContent = create(engine, mount)
    const reference = {
      tag: 'Keys',
      summary,
      headers: ['ETag'],
      example: { answer: answer(engine, mount) },
    } as const
    app.get(
      url,
      { config: { gate, reference }, schema: { response: { 200: { type: 'object' }, 304: nothing } } },
      async (request, reply) => sendContent(request, reply, await getContent()),
    )
  }
}
