import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { FastifyReply, FastifyRequest } from 'fastify'
import Negotiator from 'negotiator'
import { sha256 } from '../ground/encoding.ts'
import { varyOn } from './vary.ts'

/** Bytes that are the same for everybody, ready to be sent. */
export type Content = {
  readonly type: string
  readonly body: Buffer
  readonly zipped: Buffer
  /** Weak, because both forms have it. */
  readonly etag: string
}

const zip = promisify(gzip)

const toContent = async (type: string, body: Buffer): Promise<Content> => ({
  type,
  body,
  zipped: await zip(body, { level: 9 }),
  etag: `W/"${sha256(body).slice(0, 22)}"`,
})

/** Makes the content when it is first asked for, and once. */
export const contentOnce = (type: string, read: () => Promise<Buffer | string>): (() => Promise<Content>) => {
  let made: Promise<Content> | undefined
  return () => {
    made ??= read().then(body => toContent(type, Buffer.from(body)))
    return made
  }
}

/** For how many seconds caches may keep it: shorter than a signing key is published before it signs. */
export const longest = 600

/** RFC 9110 §13.1.2: weakly compared. */
const isKnown = ({ headers }: FastifyRequest, etag: string): boolean =>
  (headers['if-none-match'] ?? '').split(',').some(known => known.trim() === etag)

/** Whoever showed a credential gets it uncached, like everything with a principal. */
const cacheHeaders = (
  { principal, server }: FastifyRequest,
  { etag }: Content,
): Readonly<Record<string, string>> =>
  principal === undefined
    ? {
        etag,
        'cache-control': `public, max-age=${longest}`,
        vary: `${varyOn(server.gatewright.places)}, Accept-Encoding`,
      }
    : {}

export const sendContent = (request: FastifyRequest, reply: FastifyReply, content: Content): FastifyReply => {
  reply.headers(cacheHeaders(request, content))
  if (request.principal === undefined && isKnown(request, content.etag)) return reply.code(304).send()
  reply.type(content.type)
  const takesZipped = new Negotiator(request.raw).encoding(['gzip', 'identity']) === 'gzip'
  return takesZipped
    ? reply.header('content-encoding', 'gzip').send(content.zipped)
    : reply.send(content.body)
}
