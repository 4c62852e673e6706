import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import type { RecordedEvent } from '../audit/read-events.ts'
import type { Engine } from '../compose.ts'
import { toTimestamp } from '../ground/clock.ts'
import { Refusal } from '../ground/refusal.ts'
import { type Result, WrongUse } from './command.ts'
import { withEngine } from './engine.ts'

/** As answers and the log have them. */
const idForm = /^[A-Za-z0-9_-]{22}$/

/** What the log says of a request: see docs/contract-additions.md, The log. */
type Line = Readonly<Partial<Record<string, string | number>>>

const parseLine = (text: string): Line | undefined => {
  try {
    return JSON.parse(text) as Line
  } catch {
    return undefined
  }
}

/** The line of a request in a file of any length; undefined where there is none. A file that is not there has none. */
const findLine = async (file: string, requestId: string): Promise<Line | undefined> => {
  const stream = createReadStream(file)
  try {
    for await (const text of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
      const line = text.includes(requestId) ? parseLine(text) : undefined
      if (line?.request_id === requestId && line.status !== undefined) return line
    }
    return undefined
  } finally {
    stream.destroy()
  }
}

const nameUser = async ({ db }: Engine, id: string): Promise<string> => {
  const { findUser } = await import('../users/users.ts')
  return (await findUser(db, id))?.username ?? id
}

type Named = (id: string) => Promise<string>

const tellLine = async (line: Line, nameOf: Named): Promise<readonly string[]> => {
  const { method, path, status, code, reason, user, api_key: key, address } = line
  const facts = [
    ...(user === undefined ? [] : [`user ${await nameOf(String(user))}`]),
    ...(key === undefined ? [] : [`API key ${key}`]),
    ...(address === undefined ? [] : [`from ${address}`]),
  ]
  const { advice } = await import('../http/advice.ts')
  const means = code === undefined ? undefined : advice[code as keyof typeof advice]?.means
  return [
    `${method} ${path}: ${[status, code].filter(each => each !== undefined).join(' ')}${reason === undefined ? '' : `, ${reason}`} (${facts.join(', ') || 'nobody'})`,
    ...(means === undefined ? [] : [`  ${means.replaceAll('{mount}', '…')}`]),
  ]
}

/** The log has the path, and only the running server knows its rule. */
const askServer = async ({ method, path, status, user }: Line, nameOf: Named): Promise<readonly string[]> => {
  if (user === undefined || ![401, 403, 404].includes(Number(status))) return []
  const body = JSON.stringify({ user: await nameOf(String(user)), route: `${method} ${path}` })
  return [`Its rule, part by part: POST …/admin/explain ${body}`]
}

const listTold = async (
  { db }: Engine,
  events: readonly RecordedEvent[],
): Promise<readonly (RecordedEvent & { readonly text: string })[]> => {
  const { tellEvents } = await import('../administration/tell-events.ts')
  const texts = await tellEvents(db, events)
  return events.map((event, index) => ({ ...event, text: texts[index] ?? '' }))
}

const tellEvent = ({ at, event, reason, sessionId, text }: RecordedEvent & { readonly text: string }) => [
  `  ${toTimestamp(at)} ${event}${reason === null ? '' : `: ${reason}`}${sessionId === null ? '' : ` (session ${sessionId})`}`,
  `    ${text}`,
]

const toEventView = (row: RecordedEvent & { readonly text: string }) => ({
  id: row.id,
  text: row.text,
  at: toTimestamp(row.at),
  event: row.event,
  reason: row.reason,
  user_id: row.userId,
  actor: row.actor,
  session_id: row.sessionId,
  address: row.address,
  details: row.details,
})

const nothingKnown = (file: string | undefined): Refusal =>
  new Refusal('not_found', {
    detail: `No audit event has this request id${file === undefined ? ', and there is no LOG_FILE to look into' : `, and no line of ${file}`}. Of like refusals within a minute only the first and the last are named by an event, and some leave none: the log has the line of each, where ACCESS_LOG is not off.`,
  })

const explain = async (engine: Engine, requestId: string): Promise<Result> => {
  const { findEventsOfRequest } = await import('../administration/find-request.ts')
  const { logFile } = engine.settings
  const events = await findEventsOfRequest(engine.db, requestId)
  const line = logFile === undefined ? undefined : await findLine(logFile, requestId).catch(() => undefined)
  if (events.length === 0 && line === undefined) throw nothingKnown(logFile)
  const nameOf: Named = id => nameUser(engine, id)
  const told = await listTold(engine, events)
  return {
    text: [
      ...(line === undefined ? [] : await tellLine(line, nameOf)),
      ...(events.length === 0
        ? ['It left no audit event.']
        : ['Its audit events:', ...told.flatMap(tellEvent)]),
      ...(line === undefined ? [] : await askServer(line, nameOf)),
    ].join('\n'),
    json: { request_id: requestId, line: line ?? null, events: told.map(toEventView) },
  }
}

/**
 * What is known of a request by the id of its answer: its line in LOG_FILE, where there is one, and its audit events.
 * @throws WrongUse; Refusal `not_found`
 */
export const explainRequest = (requestId: string): Promise<Result> => {
  if (!idForm.test(requestId))
    throw new WrongUse('this is no id of a request: write the request_id of the answer, of 22 characters')
  return withEngine('must exist', engine => explain(engine, requestId))
}
