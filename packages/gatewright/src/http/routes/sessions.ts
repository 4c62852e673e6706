import type { FastifyInstance } from 'fastify'
import type { Engine } from '../../compose.ts'
import { toTimestamp } from '../../ground/clock.ts'
import { toDeviceName } from '../../ground/device-name.ts'
import { allOf, recentSignIn, signedIn } from '../../permissions/access-rule.ts'
import { listSessions } from '../../sessions/list-sessions.ts'
import { endAllOtherSessions, endOtherSession, logOut } from '../../sign-in/end-sessions.ts'
import type { SessionRow } from '../../storage/tables.ts'
import { originOf, principalOf, requireAccess } from '../request.ts'
import {
  anyText,
  flag,
  idParams,
  list,
  madeUpId,
  named,
  nothing,
  strictObject,
  textOrNull,
  timestamp,
} from '../schemas.ts'
import { clearSessionCookie } from '../session-cookie.ts'
import { typed } from '../typed-app.ts'

export const sessionSchema = named(
  'Session',
  strictObject({
    id: anyText,
    current: flag,
    device: anyText,
    program: textOrNull,
    system: textOrNull,
    address: anyText,
    created_at: timestamp,
    last_used_at: timestamp,
    expires_at: timestamp,
  }),
)

export const sessionExample = {
  id: madeUpId,
  current: true,
  device: 'curl',
  program: 'curl',
  system: null,
  address: '127.0.0.1',
  created_at: '2026-11-21T12:00:00.000Z',
  last_used_at: '2026-11-21T12:00:00.000Z',
  expires_at: '2026-12-05T12:00:00.000Z',
}

export const toSession = async (row: SessionRow, currentId: string) => {
  const { text, program, system } = await toDeviceName(row.device)
  return {
    id: row.id,
    current: row.id === currentId,
    device: text,
    program,
    system,
    address: row.address,
    created_at: toTimestamp(row.created_at),
    last_used_at: toTimestamp(row.last_used_at),
    expires_at: toTimestamp(row.expires_at),
  }
}

/** The own devices: list them, end one, end all others. */
export const sessionRoutes = (app: FastifyInstance, engine: Engine): void => {
  typed(app).get(
    '/sessions',
    {
      config: {
        gate: { access: signedIn(), limit: 'read', audit: 'none' },
        reference: {
          tag: 'Sessions',
          summary: 'The own devices',
          example: { answer: { sessions: [sessionExample] } },
        },
      },
      schema: { response: { 200: strictObject({ sessions: list(sessionSchema) }) } },
    },
    async request => {
      const { userId, sessionId } = principalOf(request)
      const rows = await listSessions(engine, userId)
      return { sessions: await Promise.all(rows.map(row => toSession(row, sessionId))) }
    },
  )

  const ends = { access: signedIn(), limit: 'end-sessions', audit: ['session.ended'] } as const
  typed(app).delete(
    '/sessions/:id',
    {
      config: {
        gate: { ...ends, furtherAccess: recentSignIn() },
        reference: {
          tag: 'Sessions',
          summary: 'End one of the own sessions; another than this one asks for a recent sign-in',
          refusals: ['insufficient_user_authentication'],
          example: {},
        },
      },
      schema: { params: idParams, response: { 204: nothing } },
    },
    async (request, reply) => {
      const { userId, sessionId } = principalOf(request)
      const own = { userId, sessionId, origin: originOf(request) }
      if (request.params.id === sessionId) {
        await logOut(engine, own)
        if (request.passage?.cookie !== undefined) clearSessionCookie(engine, reply)
      } else {
        requireAccess(request, recentSignIn())
        await endOtherSession(engine, { ...own, otherSessionId: request.params.id })
      }
      return reply.code(204).send(null)
    },
  )
  typed(app).delete(
    '/sessions',
    {
      config: {
        gate: { ...ends, access: allOf(signedIn(), recentSignIn()) },
        reference: { tag: 'Sessions', summary: 'End all other sessions of the own account', example: {} },
      },
      schema: { response: { 204: nothing } },
    },
    async (request, reply) => {
      const { userId, sessionId } = principalOf(request)
      await endAllOtherSessions(engine, { userId, sessionId, origin: originOf(request) })
      return reply.code(204).send(null)
    },
  )
}
