import type { FastifyInstance } from 'fastify'
import { listOwnEvents, type OwnEvent } from '../../administration/own-events.ts'
import type { Engine } from '../../compose.ts'
import { toTimestamp } from '../../ground/clock.ts'
import { signedIn } from '../../permissions/access-rule.ts'
import { madeUpEventId } from '../audit-view.ts'
import { type ListName, readCursor, toCursorPage } from '../cursor.ts'
import { principalOf } from '../request.ts'
import {
  anyText,
  cursorPage,
  cursorQuery,
  madeUpId,
  named,
  strictObject,
  textOrNull,
  timestamp,
} from '../schemas.ts'
import { typed } from '../typed-app.ts'

const ownEventSchema = named(
  'OwnEvent',
  strictObject({
    id: anyText,
    at: timestamp,
    event: anyText,
    text: anyText,
    by: { enum: ['you', 'administrator', 'system', 'unknown'] },
    session_id: textOrNull,
    address: textOrNull,
    reason: textOrNull,
    details: { anyOf: [{ type: 'object', additionalProperties: true }, { type: 'null' }] },
  }),
)

const example = {
  id: madeUpEventId,
  at: '2026-11-22T08:30:00.000Z',
  event: 'session.started',
  text: 'You signed in on curl, from 127.0.0.1.',
  by: 'you',
  session_id: madeUpId,
  address: '127.0.0.1',
  reason: null,
  details: { amr: ['pwd'] },
} as const

const toView = (event: OwnEvent) => ({
  id: String(event.id),
  at: toTimestamp(event.at),
  event: event.event,
  text: event.text,
  by: event.by,
  session_id: event.sessionId,
  address: event.address,
  reason: event.reason,
  details: event.details,
})

/** What happened to the own account, for its owner. */
export const ownEventRoutes = (app: FastifyInstance, engine: Engine): void => {
  typed(app).get(
    '/me/events',
    {
      config: {
        gate: { access: signedIn(), limit: 'read', audit: 'none' },
        reference: {
          tag: 'Account',
          summary:
            'What happened to the own account, the newest first: sign-ins, ended sessions and why, changes. Of what others did, neither who nor from where',
          example: { query: { limit: 20 }, answer: { data: [example], next_cursor: null } },
        },
      },
      schema: { querystring: cursorQuery, response: { 200: cursorPage(ownEventSchema) } },
    },
    async request => {
      const { cursor, limit = 20 } = request.query
      const { userId } = principalOf(request)
      const name: ListName = ['me/events', {}]
      const after = readCursor(cursor, name, 'number', 'serial')
      return toCursorPage(
        name,
        await listOwnEvents({ db: engine.db, events: app.auditEvents }, userId, { limit, after }),
        toView,
      )
    },
  )
}
