import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { exportAudit } from '../../administration/export-audit.ts'
import { allOf, permission, recentSignIn } from '../../permissions/access-rule.ts'
import { callerOf, originOf } from '../request.ts'
import { strictObject } from '../schemas.ts'
import { typed } from '../typed-app.ts'
import { filterNames, filterProperties, toLogFilter } from './audit.ts'

/** The audit log as a file of JSON Lines; not JSON, so no operation of the reference. */
export const auditExportRoutes = (app: FastifyInstance): void => {
  typed(app).get(
    '/admin/audit/export',
    {
      config: {
        page: true,
        gate: {
          access: allOf(permission('audit:read'), recentSignIn()),
          limit: 'export',
          audit: ['audit.exported'],
        },
      },
      schema: {
        querystring: strictObject({ ...filterProperties, personal: { type: 'boolean', default: false } }, [
          ...filterNames,
          'personal',
        ]),
      },
    },
    async (request, reply) => {
      const { personal: withPersonal = false, ...asked } = request.query
      const lines = await exportAudit(
        { ...app.gate, events: app.auditEvents },
        { filter: toLogFilter(asked), withPersonal },
        originOf(request),
        callerOf(request),
      )
      void reply.type('application/x-ndjson; charset=utf-8')
      void reply.header('content-disposition', 'attachment; filename="audit.jsonl"')
      return reply.send(Readable.from(lines) as never)
    },
  )
}
