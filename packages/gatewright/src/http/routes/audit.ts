import type { FastifyInstance } from 'fastify'
import {
  getLoggedEvent,
  type LogDependencies,
  type LogFilter,
  listAuditLog,
  toAuditEventView,
} from '../../administration/audit-log.ts'
import type { Engine } from '../../compose.ts'
import { parseTimestamp } from '../../ground/clock.ts'
import { Refusal } from '../../ground/refusal.ts'
import { permission } from '../../permissions/access-rule.ts'
import { auditEventExample, auditEventSchema } from '../audit-view.ts'
import { type ListName, readCursor, toCursorPage } from '../cursor.ts'
import { anyText, cursorPage, cursorQuery, list, strictObject, text, timestamp } from '../schemas.ts'
import { typed } from '../typed-app.ts'

/** Of what is searched for no part may be of many lines, have a NUL, which PostgreSQL refuses, or have been unreadable. */
const searched = (most: number) =>
  ({ ...text(1, most), pattern: '^[^\\p{C}\\p{Zl}\\p{Zp}\\ufffd]+$' }) as const

export const filterProperties = {
  user: searched(200),
  event: { ...text(1, 100), pattern: '^[a-z0-9.-]+$' },
  from: timestamp,
  until: timestamp,
  address: { ...text(2, 60), pattern: '^[0-9A-Fa-f:./]+$' },
  session: searched(200),
  request: searched(200),
  reason: searched(100),
} as const

export const filterNames = Object.keys(filterProperties) as (keyof typeof filterProperties)[]

/** A filter as it came. */
export type AskedFilter = { readonly [Name in keyof typeof filterProperties]?: string | undefined }

/** @throws Refusal `validation_failed` for a time before 1970 or a leap second */
const toTime = (path: string, text: string | undefined): number | undefined => {
  if (text === undefined) return undefined
  const time = parseTimestamp(text)
  if (time !== undefined) return time
  const message = 'must be a time from 1970 on, such as 2026-11-22T12:00:00Z'
  throw new Refusal('validation_failed', { errors: [{ path, message }] })
}

export const toLogFilter = (asked: AskedFilter): LogFilter => ({
  user: asked.user,
  event: asked.event,
  from: toTime('/from', asked.from),
  until: toTime('/until', asked.until),
  address: asked.address,
  sessionId: asked.session,
  requestId: asked.request,
  reason: asked.reason,
})

const logOf = ({ auditEvents: events }: FastifyInstance, { db }: Engine): LogDependencies => ({ db, events })

const reading = {
  access: permission('audit:read'),
  principals: ['user', 'api-key'],
  limit: 'read',
  audit: 'none',
} as const

const listRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).get(
    '/admin/audit',
    {
      config: {
        gate: reading,
        reference: {
          tag: 'Administration',
          summary:
            'Audit events, the newest first, by user, event (or a beginning that ends with a dot), time, address, session, request and reason; a page may hold fewer than `limit` and still have a next one',
          example: {
            query: { event: 'session.started', limit: 20 },
            answer: { data: [auditEventExample], next_cursor: null },
          },
        },
      },
      schema: {
        querystring: strictObject({ ...cursorQuery.properties, ...filterProperties }, [
          'cursor',
          'limit',
          ...filterNames,
        ]),
        response: { 200: cursorPage(auditEventSchema) },
      },
    },
    async request => {
      const { cursor, limit = 20, ...asked } = request.query
      const filter = toLogFilter(asked)
      const name: ListName = ['admin/audit', filter]
      const after = readCursor(cursor, name, 'number', 'serial')
      const page = await listAuditLog(logOf(app, engine), filter, { limit, after })
      return toCursorPage(name, page, toAuditEventView)
    },
  )
}

const eventNameSchema = strictObject({
  event: anyText,
  when: anyText,
  fields: { type: 'object', additionalProperties: { enum: ['plain', 'personal'] } },
  often: { enum: ['each', 'counted'] },
})

const namesRoute = (app: FastifyInstance): void => {
  typed(app).get(
    '/admin/audit/events',
    {
      config: {
        gate: reading,
        reference: {
          tag: 'Administration',
          summary: 'Every audit event there is: when it is written, and its fields',
          example: {
            answer: {
              events: [
                {
                  event: 'session.started',
                  when: 'A user signed in.',
                  fields: { amr: 'plain' },
                  often: 'each',
                },
              ],
            },
          },
        },
      },
      schema: { response: { 200: strictObject({ events: list(eventNameSchema) }) } },
    },
    async () => ({
      events: Object.entries(app.auditEvents).map(([event, { when, fields, often }]) => ({
        event,
        when,
        fields: { ...fields },
        often,
      })),
    }),
  )
}

const oneRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).get(
    '/admin/audit/:id',
    {
      config: {
        gate: reading,
        reference: {
          tag: 'Administration',
          summary: 'One audit event',
          example: { answer: auditEventExample },
        },
      },
      schema: {
        params: strictObject({ id: { ...text(1, 15), pattern: '^[1-9][0-9]*$' } }),
        response: { 200: auditEventSchema },
      },
    },
    async request => toAuditEventView(await getLoggedEvent(logOf(app, engine), Number(request.params.id))),
  )
}

/** The audit log, for those who may read it. */
export const auditRoutes = (app: FastifyInstance, engine: Engine): void => {
  for (const add of [listRoute, namesRoute, oneRoute]) add(app, engine)
}
