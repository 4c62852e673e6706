import { setTimeout as delay } from 'node:timers/promises'
import type { Outgoing } from '../process/http-client.ts'
import { password as firstPassword } from '../process/spawned-server.ts'
import type { Seeded } from '../sessions/seeded.ts'
import { breach, type Kind, meet } from './account.ts'
import type { Ended, Place, Watch } from './ended.ts'
import { cookieOfSession } from './session-cookie.ts'
import type { Client, Reply, Traffic } from './traffic.ts'

/** One sign-in, by what its holder holds. */
export type Session = { readonly id: string; hasDoubt?: boolean } & (
  | { readonly kind: 'tokens'; access: string; refresh: string }
  | { readonly kind: 'cookie'; readonly cookie: string; readonly csrf: string }
)
export type Key = { readonly id: string; readonly key: string }
export type Thing = { readonly path: string; readonly title: string }

/** Somebody with a machine of its own, and all that was acknowledged. */
export type Person = {
  readonly name: string
  readonly id: string
  readonly client: Client
  password: string
  /** A password that was asked for without an answer: whether it holds is found out when the other one is refused. */
  maybe?: string
  roles: readonly string[]
  /** A role was asked for: nobody gets it twice, for tries of what was taken go on, and may wait long for an answer. */
  hadRole?: true
  /** Roles were asked for without an answer: nobody knows which are there. */
  hasRoleDoubt?: boolean
  state: 'enabled' | 'disabled'
  readonly sessions: Session[]
  readonly keys: Key[]
  readonly things: Thing[]
}

/** What was acknowledged, of everybody. */
export type Ledger = {
  readonly people: Person[]
  /** Public ids of sessions whose end was acknowledged, or followed from what was. */
  readonly endedSessions: Set<string>
  readonly endedKeys: Set<string>
  /** Deleted, with an answer. */
  readonly gone: Thing[]
  /** Sessions whose refresh had no answer in time: what was asked again may have looked like a copy. */
  readonly doubtful: Set<string>
  /** How many of them were ended so. */
  readonly signedOutToBeSafe: { times: number }
}

export const newLedger = (): Ledger => ({
  people: [],
  endedSessions: new Set(),
  endedKeys: new Set(),
  gone: [],
  doubtful: new Set(),
  signedOutToBeSafe: { times: 0 },
})

export type Scene = {
  readonly traffic: Traffic
  readonly ledger: Ledger
  readonly watch: Watch
  readonly seeded: Seeded
  readonly publicUrl: string
}

/** Nobody has said what has become of it: it is asked again. */
export const isOpen = ({ status }: Reply): boolean => [0, 429, 502, 503, 504].includes(status)

/** An honest client asks so long. */
const patience = 90_000

/** Asks until there is an answer that is one. What goes on for too long is told. */
export const untilAnswered = async (
  { traffic, seeded }: Scene,
  what: string,
  ask: () => Promise<Reply>,
): Promise<Reply> => {
  const from = performance.now()
  let reply = await ask()
  while (isOpen(reply) && performance.now() - from < patience) {
    meet(traffic.account, `${what}: asked again`)
    const said = Number(reply.headers['retry-after'] ?? 0) * 1_000
    await delay(Math.min(said, 10_000) + 100 + seeded.below(400))
    reply = await ask()
  }
  if (isOpen(reply)) breach(traffic.account, 'wrong', `${what}: no answer in ${patience} ms: ${reply.text}`)
  return reply
}

/** Notes an answer that is none of those expected. */
export const expect = (
  { traffic }: Scene,
  what: string,
  reply: Reply,
  ...statuses: readonly number[]
): boolean => {
  if (statuses.includes(reply.status)) return true
  if (!isOpen(reply)) breach(traffic.account, 'wrong', `${what}: ${reply.status} ${reply.text.slice(0, 200)}`)
  return false
}

/** The headers by which a session is shown; a page also has those of its browser. */
export const headersOf = (session: Session, publicUrl: string): Record<string, string> =>
  session.kind === 'tokens'
    ? { authorization: `Bearer ${session.access}` }
    : {
        cookie: session.cookie,
        origin: publicUrl,
        'sec-fetch-site': 'same-origin',
        'x-csrf-token': session.csrf,
      }

export const claimsOf = (access: string): Readonly<Record<string, unknown>> =>
  JSON.parse(Buffer.from(access.split('.')[1] ?? '', 'base64url').toString())
const idOf = (access: string): string => String(claimsOf(access).sid).split('.')[0] ?? ''

export const toTokens = (reply: Reply): Session => {
  const access = reply.field('access_token')
  return { kind: 'tokens', id: idOf(access), access, refresh: reply.field('refresh_token') }
}

/** Every way in which an ended session could still be used. */
export const attemptsOf = (person: Person, session: Session, publicUrl: string): Ended['attempts'] => {
  const { address } = person.client
  const headers = headersOf(session, publicUrl)
  const read = (place: Place) => place.ask(address, 'GET', 'protected', { headers })
  if (session.kind === 'cookie') return [read]
  const body = { refresh_token: session.refresh }
  return [read, read, (place: Place) => place.ask(address, 'POST', 'refresh', { body })]
}

/** The session has ended, and that was answered: from now on it is watched. */
export const noteEnd = (scene: Scene, person: Person, session: Session, what: string): void => {
  const at = person.sessions.indexOf(session)
  if (at >= 0) person.sessions.splice(at, 1)
  scene.ledger.endedSessions.add(session.id)
  scene.watch.add({ what, at: performance.now(), attempts: attemptsOf(person, session, scene.publicUrl) })
}
export const noteEndOfAll = (scene: Scene, person: Person, what: string): void => {
  for (const session of [...person.sessions]) noteEnd(scene, person, session, what)
}

/** From now on it may be taken for a stolen one. */
export const noteDoubt = ({ ledger }: Scene, session: Session): void => {
  session.hasDoubt = true
  ledger.doubtful.add(session.id)
}

/** The session did not last although nothing ended it, that anybody was told. */
const noteLoss = (scene: Scene, person: Person, session: Session, reply: Reply): void => {
  const { traffic, ledger } = scene
  person.sessions.splice(person.sessions.indexOf(session), 1)
  ledger.endedSessions.add(session.id)
  if (session.hasDoubt || person.maybe !== undefined) ledger.signedOutToBeSafe.times += 1
  else
    breach(
      traffic.account,
      'lost',
      `a live session of ${person.name} was refused: ${reply.status} ${reply.text.slice(0, 200)}`,
    )
}

/** REFRESH_RETRY_WINDOW, as it is without a word. */
const retryWindow = 10_000

/** Whoever has no answer, or was held up for longer than a retry has since then, looks like a thief: by design. */
export const noteDoubtful = (scene: Scene, session: Session, reply: Reply, from: number): void => {
  if (isOpen(reply) || performance.now() - from > retryWindow) noteDoubt(scene, session)
}

/**
 * One refresh, as an honest client does it: asked again until there is an answer. False: the session is no more.
 * @param from when this token was first shown
 */
export const refresh = async (
  scene: Scene,
  person: Person,
  session: Session,
  from = performance.now(),
): Promise<boolean> => {
  if (session.kind !== 'tokens') return false
  const body = { refresh_token: session.refresh }
  const reply = await untilAnswered(scene, 'a refresh', async () => {
    const asked = await scene.traffic.call(person.client, 'refresh', 'POST', 'refresh', { body })
    noteDoubtful(scene, session, asked, from)
    return asked
  })
  if (reply.status === 200) {
    session.access = reply.field('access_token')
    session.refresh = reply.field('refresh_token')
    return true
  }
  if (!isOpen(reply)) noteLoss(scene, person, session, reply)
  return false
}

/** A request of a session. Where its access token is no longer good, it is refreshed, once. */
export const callAs = async (
  scene: Scene,
  person: Person,
  session: Session,
  kind: Kind,
  method: string,
  path: string,
  outgoing: Outgoing = {},
): Promise<Reply> => {
  const send = () => {
    const headers = { ...headersOf(session, scene.publicUrl), ...outgoing.headers }
    return scene.traffic.call(person.client, kind, method, path, { ...outgoing, headers })
  }
  const reply = await send()
  if (reply.status !== 401 || reply.code === 'insufficient_user_authentication') return reply
  if (session.kind === 'cookie') {
    noteLoss(scene, person, session, reply)
    return reply
  }
  meet(scene.traffic.account, `an access token was no longer good: ${reply.code}`)
  return (await refresh(scene, person, session)) ? send() : reply
}

let serial = 0

export const register = async (scene: Scene, prefix = 'person'): Promise<Person | undefined> => {
  const { traffic, ledger } = scene
  const client = traffic.newClient()
  serial += 1
  const name = `${prefix}${serial}`
  const body = { username: name, password: firstPassword }
  const reply = await untilAnswered(scene, 'a registration', () =>
    traffic.call(client, 'sign-in', 'POST', 'register', { body }),
  )
  // Whoever had no answer may have been registered.
  if (!expect(scene, 'a registration', reply, 201, 409)) return undefined
  const id = reply.status === 201 ? reply.field('id') : ''
  const person: Person = {
    name,
    id,
    client,
    password: firstPassword,
    roles: ['user'],
    state: 'enabled',
    sessions: [],
    keys: [],
    things: [],
  }
  const session = await signIn(scene, person, 'tokens')
  if (session === undefined) return undefined
  const known =
    id === '' ? { ...person, id: String(claimsOf((session as { access: string }).access).sub) } : person
  ledger.people.push(known)
  return known
}

const enter = (scene: Scene, person: Person, kind: Session['kind'], password: string): Promise<Reply> => {
  const body = { username: person.name, password }
  const [path, headers] = kind === 'tokens' ? ['login', {}] : ['sessions', { origin: scene.publicUrl }]
  return untilAnswered(scene, 'a sign-in', () =>
    scene.traffic.call(person.client, 'sign-in', 'POST', path, { body, headers }),
  )
}

/** A change of the password without an answer has happened: with it all ended that was there. */
const settlePassword = (scene: Scene, person: Person, password: string): void => {
  person.password = password
  delete person.maybe
  noteEndOfAll(scene, person, 'a password was changed')
}

export const signIn = async (
  scene: Scene,
  person: Person,
  kind: Session['kind'],
): Promise<Session | undefined> => {
  let reply = await enter(scene, person, kind, person.password)
  if (reply.status === 401 && person.maybe !== undefined) {
    reply = await enter(scene, person, kind, person.maybe)
    if (reply.status < 300) settlePassword(scene, person, person.maybe)
  }
  if (!expect(scene, `a sign-in of ${person.name}`, reply, 200, 201)) return undefined
  const session = kind === 'tokens' ? toTokens(reply) : await toCookie(scene, person, reply)
  if (session !== undefined) person.sessions.push(session)
  return session
}

/** The session that an answer has set a cookie for. */
export const toCookie = async (scene: Scene, person: Person, reply: Reply): Promise<Session | undefined> => {
  const held = { kind: 'cookie', cookie: cookieOfSession(reply), csrf: reply.field('csrf_token') } as const
  const headers = headersOf({ ...held, id: '' }, scene.publicUrl)
  const current = await untilAnswered(scene, 'a look at the session', () =>
    scene.traffic.call(person.client, 'read', 'GET', 'sessions/current', { headers }),
  )
  if (!expect(scene, 'a look at the session', current, 200)) return undefined
  return { ...held, id: String(JSON.parse(current.text).session.id) }
}
