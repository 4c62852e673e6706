import type { LogFilter, LoggedEvent } from '../administration/audit-log.ts'
import { toTimestamp } from '../ground/clock.ts'
import { defineCommand, WrongUse } from './command.ts'
import { withEngine } from './engine.ts'

const toTime = (name: string, text: string | undefined): number | undefined => {
  if (text === undefined) return undefined
  const time = Date.parse(text)
  if (Number.isNaN(time)) throw new WrongUse(`--${name} takes a time, such as 2026-11-22T08:30:00Z`)
  return time
}

/** The options of whatever searches the audit log. */
export const filterOptions = {
  user: { kind: 'text', value: 'user', describe: 'Whom it concerns, or who did it: a username or an id.' },
  event: {
    kind: 'text',
    value: 'name',
    describe: 'Of that name, or with that beginning where it ends with a dot.',
  },
  from: { kind: 'text', value: 'time', describe: 'Not before that.' },
  until: { kind: 'text', value: 'time', describe: 'Before that.' },
  address: { kind: 'text', value: 'address', describe: 'From there.' },
  session: { kind: 'text', value: 'id', describe: 'In that session.' },
  request: { kind: 'text', value: 'id', describe: 'By the request_id of an answer.' },
  reason: { kind: 'text', value: 'id', describe: 'With that reason.' },
} as const

type Asked = { readonly [Name in keyof typeof filterOptions]: string | undefined }

/** @throws WrongUse */
export const toFilter = (asked: Asked): LogFilter => ({
  user: asked.user,
  event: asked.event,
  from: toTime('from', asked.from),
  until: toTime('until', asked.until),
  address: asked.address,
  sessionId: asked.session,
  requestId: asked.request,
  reason: asked.reason,
})

const usual = 50

const toLimit = (text = String(usual)): number => {
  const limit = Number(text)
  if (!Number.isInteger(limit) || limit < 1 || limit > 10_000)
    throw new WrongUse('--limit takes a number from 1 to 10000')
  return limit
}

/** So many as are asked for, however few of them a page has. */
const readAll = async (filter: LogFilter, limit: number): Promise<readonly LoggedEvent[]> =>
  withEngine('must exist', async ({ db }) => {
    const { listAuditLog } = await import('../administration/audit-log.ts')
    const { auditEvents: events } = await import('../audit/events.ts')
    const found: LoggedEvent[] = []
    let after: Parameters<typeof listAuditLog>[2]['after']
    do {
      const page = await listAuditLog({ db, events }, filter, { limit: limit - found.length, after })
      found.push(...page.rows)
      after = page.next
    } while (after !== undefined && found.length < limit)
    return found
  })

export const auditList = defineCommand({
  name: 'audit list',
  summary: 'Shows audit events, the newest first, each as a sentence.',
  parameters: {},
  options: {
    ...filterOptions,
    limit: { kind: 'text', value: 'number', describe: `How many at most; ${usual} without a word.` },
  },
  example: 'audit list --user bob --from 2026-11-01T00:00:00Z',
  run: async ({ limit, ...asked }) => {
    const events = await readAll(toFilter(asked), toLimit(limit))
    const { toAuditEventView } = await import('../administration/audit-log.ts')
    return {
      text:
        events.length === 0
          ? 'No such audit event.'
          : events.map(({ at, text, id }) => `${toTimestamp(at)} ${text} (${id})`).join('\n'),
      json: { events: events.map(toAuditEventView) },
    }
  },
})
