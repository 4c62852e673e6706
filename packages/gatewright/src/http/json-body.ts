import type { FastifyInstance } from 'fastify'
import { JsonError, parseJsonBytes } from '../ground/json.ts'
import { Refusal } from '../ground/refusal.ts'

/** Bodies above this are refused before they are parsed. */
export const bodyLimit = 256 * 1_024

/**
 * JSON is the only kind of body. What parsers disagree about (duplicate names, `__proto__`, broken
 * UTF-8) is refused; no body at all stays `undefined`, for the route's schema to judge.
 */
export const acceptJsonOnly = (app: FastifyInstance): void => {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer', bodyLimit },
    async (_request: unknown, body: Buffer) => {
      if (body.length === 0) return undefined
      try {
        return parseJsonBytes(body)
      } catch (error) {
        if (error instanceof JsonError)
          throw new Refusal('malformed_json', { reason: `json_${error.reason}` })
        throw error
      }
    },
  )
}
