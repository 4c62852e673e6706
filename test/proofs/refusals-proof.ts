import { minute } from 'gatewright/clock'
import { type RefusalTrace, refusalTable } from '../../packages/gatewright/src/http/refusal-table.ts'
import type { Answer, Call, TestApp } from '../harness.ts'
import { startMatrixApp } from '../issuers/matrix-issuer.ts'
import { matrix, parseMatrix, type Row, requests } from '../route-matrix.ts'
import { type Cast, makeCast, type SenderName, senderNames, things } from '../senders.ts'
import { browse, openBrowser } from '../sessions/browser.ts'
import type { Seeded } from '../sessions/seeded.ts'
import type { Chain } from './chain.ts'
import { addMet, check } from './tally.ts'

const { rows } = parseMatrix(matrix)

/** What is wrong with a request, beside who sends it. */
type Wrong = {
  readonly change: (call: Call) => Call
  /** It is as if the request had come with the cookie of a browser. */
  readonly asBrowser?: true
}

const withHeader = (name: string, value: string): Wrong => ({
  change: call => ({ ...call, headers: { ...call.headers, [name]: value } }),
})
const withBody = (body: string): Wrong => ({
  change: ({ headers, ...call }) => ({
    ...call,
    body,
    headers: { ...headers, 'content-type': 'application/json' },
  }),
})

const wrongs = {
  nothing: { change: call => call },
  'no body': { change: ({ body: _, ...call }) => call },
  'a body that is no JSON': withBody('{"a": '),
  'a body with __proto__': withBody('{"__proto__": {"roles": ["admin"]}}'),
  'a body with one name twice': withBody('{"username": "a", "username": "b"}'),
  'a body nested deeply': withBody('['.repeat(40) + ']'.repeat(40)),
  'a body of another form': withBody('[1, 2, 3]'),
  'a field that nobody knows': withBody('{"is_admin": true}'),
  'a body of another type': withHeader('content-type', 'text/plain'),
  'an answer that is not JSON': withHeader('accept', 'image/png'),
  'a token that is none': withHeader('authorization', 'Bearer not.a.token'),
  'another scheme': withHeader('authorization', 'Basic YTpi'),
  'a key that is none': withHeader('x-api-key', 'gwk_AAAA'),
  'a stale version': withHeader('if-match', '"0"'),
  'another site': withHeader('origin', 'https://attacker.example'),
  'a page of another site, with the cookie': {
    ...withHeader('origin', 'https://attacker.example'),
    asBrowser: true,
  },
  'a cookie without its CSRF token': { ...withHeader('x-csrf-token', 'AAAA'), asBrowser: true },
} as const satisfies Readonly<Record<string, Wrong>>

const wrongNames = Object.keys(wrongs) as (keyof typeof wrongs)[]

/** Told of callers and of many requests together, and of no one refusal. */
const beside = /^(issuer\.token-used|unusual\..*)$/
/** What no request leaves that was let in. */
const ofRefusals: ReadonlySet<string> = new Set(
  Object.values<RefusalTrace>(refusalTable).flatMap(({ own = [], counted }) => [
    ...own.flat(),
    ...(counted === undefined ? [] : [counted]),
  ]),
)
const alsoOfSuccess = ['session.ended', 'user.password-change-asked', 'second-factor.asked']

type Sent = {
  readonly what: string
  readonly row: Row
  readonly wrong: keyof typeof wrongs
  readonly answer: Answer
}

/** Things that their owner alone knows of: the rule finds them, and hides them from the others. */
const hiddenThings = ['draft', 'todo']

/** Whether the table counts this refusal, by what the answer and the request say of its reason. */
const isCounted = (code: keyof typeof refusalTable, { row, wrong, answer }: Sent): boolean => {
  const { counted, only, except }: RefusalTrace = refusalTable[code]
  if (counted === undefined) return false
  if (code === 'malformed_json') return /__proto__|twice|deeply/.test(wrong)
  if (code === 'not_found') return hiddenThings.includes(row.of)
  // Who has shown nothing is told of no error (RFC 6750 §3).
  if (code === 'invalid_token') return String(answer.headers['www-authenticate']).includes('error=')
  return only === undefined && except === undefined
}

/** Each list of events that the table allows for this answer. */
const promised = (sent: Sent): readonly (readonly string[])[] => {
  const code = sent.answer.body?.code as keyof typeof refusalTable
  const { own = [], counted }: RefusalTrace = refusalTable[code]
  if (counted !== undefined && isCounted(code, sent)) return [...own, [counted]]
  return own.length > 0 ? own : [[]]
}

type Left = { readonly event: string; readonly reason: string | null }

/** Undefined where the events are those that were promised, with a reason that the table knows. */
const findFault = (sent: Sent, events: readonly Left[]): string | undefined => {
  const left = events.map(({ event }) => event).filter(event => !beside.test(event))
  const { status, body } = sent.answer
  // A page that can't be shown is no refusal either.
  if (status < 400 || body?.code === undefined) {
    const surplus = left.filter(event => ofRefusals.has(event) && !alsoOfSuccess.includes(event))
    return surplus.length === 0 ? undefined : `${sent.what}: ${status}, and left ${surplus}`
  }
  const allowed = promised(sent)
  if (!allowed.some(list => [...list].sort().join() === [...left].sort().join()))
    return `${sent.what}: ${status} ${body?.code} left ${left.join(' and ') || 'nothing'}, not ${allowed.map(list => list.join(' and ') || 'nothing').join(' or ')}`
  const { reasons, counted }: RefusalTrace = refusalTable[body.code as keyof typeof refusalTable]
  const odd = events.find(
    ({ event, reason }) => event === counted && reason !== body.code && !reasons.includes(reason ?? ''),
  )
  return odd && `${sent.what}: the table does not know the reason ${odd.reason} of ${body.code}`
}

/** Somebody of every kind, and one thing of each kind, for so many requests: each address is one of its own. */
const ofOneCast = 300

type Stage = {
  readonly t: TestApp
  readonly cast: Cast
  readonly found: Map<string, Promise<string>>
  readonly browser: Awaited<ReturnType<typeof openBrowser>>
}

const openStage = async (t: TestApp): Promise<Stage> => {
  // What was counted a minute ago is forgotten, and makes room.
  t.clock.advance(2 * minute)
  await t.engine.refusals.write()
  const cast = await makeCast(t)
  return { t, cast, found: new Map(), browser: await openBrowser(t, cast.senders.other.username ?? '') }
}

const findThing = ({ t, cast, found }: Stage, of: string): Promise<string> | undefined => {
  const make = things[of]
  if (make === undefined) return undefined
  const thing = found.get(of) ?? make(t, cast.owner, cast.senders.owner)
  found.set(of, thing)
  return thing
}

let addresses = 0
const nextAddress = (): string => {
  addresses += 1
  return `10.${(addresses >> 16) & 255}.${(addresses >> 8) & 255}.${addresses & 255}`
}

/** The request that its row takes, from one of the senders, with one thing wrong. */
const sendOne = async (stage: Stage, { pick }: Seeded): Promise<Sent> => {
  const { t, cast, browser } = stage
  const [row, name, wrong] = [pick(rows), pick(senderNames), pick(wrongNames)] as [
    Row,
    SenderName,
    keyof typeof wrongs,
  ]
  const { route, of } = row
  const [method = '', url = ''] = route.split(' ')
  const sender = cast.senders[name]
  const path = url.replace(':id', (await findThing(stage, of)) ?? ':id')
  const query = new URLSearchParams(requests[route]?.query).toString()
  const body = await requests[route]?.body?.({ t, owner: cast.owner, sender, of })
  const { change, asBrowser }: Wrong = wrongs[wrong]
  const headers = { ...(asBrowser ? {} : sender.headers), ...requests[route]?.headers }
  const call = change({ address: nextAddress(), headers, ...(body !== undefined && { body }) })
  const target = query === '' ? path : `${path}?${query}`
  const answer = await (asBrowser ? browse(t, browser, method, target, call) : t.call(method, target, call))
  return {
    what: `${route}${of && ` (${of})`} as ${asBrowser ? 'a browser' : name}, ${wrong}`,
    row,
    wrong,
    answer,
  }
}

const readEvents = async (
  t: TestApp,
  ids: readonly string[],
): Promise<ReadonlyMap<string, readonly Left[]>> => {
  await t.engine.refusals.write()
  const found = await t.engine.db
    .selectFrom('audit_events')
    .select(['event', 'reason', 'request_id'])
    .where('request_id', 'in', ids)
    .orderBy('id')
    .execute()
  return Map.groupBy(found, row => row.request_id ?? '')
}

/** A user, a thing or a session may be gone by it: the next requests begin anew. */
const isSpent = ({ row: { route }, answer }: Sent): boolean =>
  answer.status < 400 && (route.startsWith('DELETE ') || requests[route]?.spends === true)

const idOf = ({ answer }: Sent): string => String(answer.headers['x-request-id'])

/**
 * Some wrong requests, at most so many, and what all of them have left, read together.
 * @returns how many they were
 */
const playSome = async (
  stage: Stage,
  most: number,
  { seeded, tally }: Pick<Chain, 'seeded' | 'tally'>,
): Promise<number> => {
  const sent: Sent[] = []
  while (sent.length < most && !sent.some(isSpent)) sent.push(await sendOne(stage, seeded))
  const left = await readEvents(stage.t, sent.map(idOf))
  for (const each of sent) {
    const events = left.get(idOf(each)) ?? []
    const fault = findFault(each, events)
    check(tally, fault === undefined, fault ?? '')
    addMet(tally.met, new Map([[each.answer.body?.code ?? 'let in', 1]]))
    tally.runs += 1
    tally.answered += 1
  }
  return sent.length
}

/** Every kind of caller, with every kind of wrong request, at every route: each refusal leaves what its row promises. */
export const proveRefusals = async ({ owner, runs, ...chain }: Chain): Promise<void> => {
  const t = await startMatrixApp()
  owner.after(() => t.close())
  let left = runs
  while (left > 0) left -= await playSome(await openStage(t), Math.min(left, ofOneCast), chain)
}
