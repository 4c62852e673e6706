import type { FastifyInstance } from 'fastify'
import type { Engine } from '../../compose.ts'
import { addressGroup } from '../../ground/address.ts'
import { everyone } from '../../permissions/access-rule.ts'
import { signStatement } from '../../revocation/statement.ts'
import { goneSignal } from '../request.ts'
import { anyText, madeUpId, madeUpStatement, strictObject, text } from '../schemas.ts'
import { typed } from '../typed-app.ts'

/** Who knows an id can learn here that it was ended, and nobody learns an id: so it is open. */
const gate = {
  access: everyone(),
  principals: ['user', 'api-key'],
  ignoresCookie: true,
  limit: 'revocations',
  audit: 'none',
} as const

/** Milliseconds: less than proxies wait for an answer, whatever they are. */
const longestWait = 20_000

const query = strictObject(
  {
    nonce: { ...text(22, 64), pattern: '^[A-Za-z0-9_-]*$' },
    after: { ...text(1, 8_192), pattern: '^[A-Za-z0-9_.-]*$' },
    wait_ms: { type: 'integer', minimum: 0, maximum: longestWait, default: 0 },
  },
  ['after', 'wait_ms'],
)

export const revocationsRoutes = (app: FastifyInstance, engine: Engine): void => {
  const { publicUrl: issuer, publishedFeed } = engine
  app.addHook('preClose', done => {
    publishedFeed.stop()
    done()
  })
  typed(app).get(
    '/revocations',
    {
      config: {
        gate,
        waits: true,
        reference: {
          tag: 'Keys',
          summary: 'What was taken back, as a signed statement, for verifiers elsewhere',
          refusals: ['unavailable'],
          example: {
            query: { nonce: madeUpId },
            answer: { statement: madeUpStatement },
          },
        },
      },
      schema: { querystring: query, response: { 200: strictObject({ statement: anyText }) } },
    },
    async (request, reply) => {
      const { nonce, after = '', wait_ms: longest } = request.query
      const name = addressGroup(request.passage?.address ?? '')
      const part = await publishedFeed.read(after, { name, gone: goneSignal(reply), longest })
      return { statement: await signStatement({ ...engine, issuer }, part, nonce) }
    },
  )
}
