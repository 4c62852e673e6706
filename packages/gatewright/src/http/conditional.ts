import type { FastifyInstance, FastifyReply, FastifyRequest, onSendHookHandler } from 'fastify'
import type { CredentialPlaces } from '../gate/credential.ts'
import { sha256 } from '../ground/encoding.ts'
import { type EntityTag, readEntityTags } from './entity-tags.ts'
import { varyOn } from './vary.ts'

/** For how many seconds caches may keep what anybody may read. */
const publicAge = 10

/** Nobody's answer: no credential was shown, and the answer hands none out. */
const isForAnybody = ({ passage, principal }: FastifyRequest, reply: FastifyReply): boolean =>
  passage !== undefined &&
  passage.credential === undefined &&
  principal === undefined &&
  !reply.hasHeader('set-cookie')

/** RFC 9110 §13.1.2: tags are compared weakly. */
const hasUnchanged = ({ headers }: FastifyRequest, etag: string): boolean => {
  const tags = readEntityTags(headers['if-none-match'])
  const opaque = etag.replace(/^W\//, '')
  return tags === 'any' || tags.some((tag: EntityTag) => tag.text === opaque)
}

const createOnSend =
  (isPublic: boolean, vary: string): onSendHookHandler =>
  (request, reply, payload, done) => {
    if (reply.statusCode !== 200) return done(null, payload)
    if (isPublic && isForAnybody(request, reply)) {
      reply.header('cache-control', `public, max-age=${publicAge}`).header('vary', vary)
      if (!reply.hasHeader('etag') && typeof payload === 'string')
        reply.header('etag', `"${sha256(payload).slice(0, 22)}"`)
    }
    const etag = reply.getHeader('etag')
    if (typeof etag !== 'string' || !hasUnchanged(request, etag)) return done(null, payload)
    reply.code(304).removeHeader('content-type')
    // Fastify itself takes the body from an answer to HEAD, and leaves the length that GET would have.
    return done(null, request.method === 'HEAD' ? payload : null)
  }

/**
 * Routes that declare `config: { conditional: 'public' }` or `'private'` answer If-None-Match with 304 where
 * the ETag is still the same: the one that the handler set, or for a public answer a hash of it. The hook
 * for headers has already said `no-store`; only a success without a credential takes it back, so that what
 * is refused, and what was made for somebody, is kept by no cache.
 */
export const addConditionalReads = (app: FastifyInstance, places: CredentialPlaces): void => {
  const vary = varyOn(places)
  app.addHook('onRoute', route => {
    const { conditional } = route.config ?? {}
    if (conditional === undefined) return
    const onSend = createOnSend(conditional === 'public', vary)
    // HEAD passes by here as well, with Fastify's own hook, which must stand behind ours.
    route.onSend = [onSend, ...[route.onSend ?? []].flat()]
  })
}
