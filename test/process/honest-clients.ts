import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import type { Seeded } from '../sessions/seeded.ts'
import type { Answer, Outgoing } from './http-client.ts'
import { password as firstPassword, type Server } from './spawned-server.ts'

/** What clients were told, and what they asked without an answer. Only what was answered must be there. */
export type Ledger = {
  readonly users: User[]
  readonly sessions: Session[]
  readonly things: Thing[]
  /** Names asked for without an answer. */
  readonly askedNames: string[]
}

export type User = {
  readonly name: string
  readonly roles: readonly string[]
  readonly owner: number
  password: string
  /** A new password that was sent and not answered. */
  askedPassword?: string
}

export type Session = {
  readonly user: User
  access: string
  refresh: string
  state: 'live' | 'ended'
  /** What was sent for this session and not answered, and when. */
  asked?: { readonly what: 'logout' | 'refresh'; readonly at: number }
}

export type Thing = { readonly path: string; readonly title: string; readonly user: User }

export type Client = {
  readonly number: number
  readonly agent: Agent
  readonly ledger: Ledger
  readonly seeded: Seeded
  /** The token of an administrator, who never signs out. */
  readonly administrator: string
  /** Makes the session's live refresh generation older than the window, so that the next refresh rotates. */
  readonly age: (accessToken: string) => void
  readonly call: (method: string, path: string, outgoing: Outgoing) => Promise<Answer>
}

export const newLedger = (): Ledger => ({ users: [], sessions: [], things: [], askedNames: [] })

let serial = 0

const ownUsers = ({ ledger, number }: Client): readonly User[] =>
  ledger.users.filter(user => user.owner === number && user.askedPassword === undefined)
const ownSessions = ({ ledger, number }: Client): readonly Session[] =>
  ledger.sessions.filter(({ user, state, asked }) => user.owner === number && state === 'live' && !asked)

/** An answer that was expected; any other is a fault of the server. */
const expectStatus = async (status: number, answering: Promise<Answer>): Promise<Answer> => {
  const answer = await answering
  assert.equal(answer.status, status, answer.text)
  return answer
}

const addUser = async (
  client: Client,
  path: string,
  roles: readonly string[],
  outgoing: Outgoing,
): Promise<void> => {
  serial += 1
  const name = `client${client.number}user${serial}`
  client.ledger.askedNames.push(name)
  const body = { username: name, password: firstPassword, ...(outgoing.token !== undefined && { roles }) }
  await expectStatus(201, client.call('POST', path, { ...outgoing, body }))
  client.ledger.askedNames.splice(client.ledger.askedNames.indexOf(name), 1)
  client.ledger.users.push({ name, roles, owner: client.number, password: firstPassword })
}

const register = (client: Client): Promise<void> => addUser(client, 'register', ['user'], {})

const createModerator = (client: Client): Promise<void> =>
  addUser(client, 'users', ['moderator', 'user'], { token: client.administrator })

const toPair = (answer: Answer) => ({
  access: answer.field('access_token'),
  refresh: answer.field('refresh_token'),
})

const login = async (client: Client): Promise<void> => {
  const user = client.seeded.pick(ownUsers(client))
  if (user === undefined) return register(client)
  const body = { username: user.name, password: user.password }
  const answer = await expectStatus(200, client.call('POST', 'login', { body }))
  client.ledger.sessions.push({ user, state: 'live', ...toPair(answer) })
}

/** Does something with a live session of the client's own, or signs in where there is none. */
const withSession =
  (act: (client: Client, session: Session) => Promise<void>) =>
  (client: Client): Promise<void> => {
    const session = client.seeded.pick(ownSessions(client))
    return session === undefined ? login(client) : act(client, session)
  }

const logout = async (client: Client, session: Session): Promise<void> => {
  session.asked = { what: 'logout', at: performance.now() }
  await expectStatus(200, client.call('POST', 'logout', { token: session.access }))
  delete session.asked
  session.state = 'ended'
}

const refresh = async (client: Client, session: Session): Promise<void> => {
  client.age(session.access)
  session.asked = { what: 'refresh', at: performance.now() }
  const body = { refresh_token: session.refresh }
  const answer = await expectStatus(200, client.call('POST', 'refresh', { body }))
  delete session.asked
  Object.assign(session, toPair(answer))
}

const add = (path: string, fields: Readonly<Record<string, unknown>>) =>
  withSession(async (client, { access, user }) => {
    serial += 1
    const title = `${path} ${serial} of ${user.name}`
    const answer = await expectStatus(
      201,
      client.call('POST', path, { token: access, body: { ...fields, title } }),
    )
    client.ledger.things.push({ path: `${path}/${answer.field('id')}`, title, user })
  })

const changePassword = async (client: Client, session: Session): Promise<void> => {
  serial += 1
  const { user } = session
  user.askedPassword = `${firstPassword} ${serial}`
  const body = { current_password: user.password, new_password: user.askedPassword }
  const answer = await expectStatus(200, client.call('PUT', 'me/password', { token: session.access, body }))
  user.password = user.askedPassword
  delete user.askedPassword
  for (const other of client.ledger.sessions) if (other.user === user) other.state = 'ended'
  client.ledger.sessions.push({ user, state: 'live', ...toPair(answer) })
}

/** What clients do, and how often of all times. */
const actions = [
  { act: register, weight: 2 },
  { act: createModerator, weight: 1 },
  { act: login, weight: 2 },
  { act: withSession(logout), weight: 2 },
  { act: withSession(refresh), weight: 10 },
  { act: add('posts', { content: 'text', published: true }), weight: 6 },
  { act: add('todos', {}), weight: 6 },
  { act: withSession(changePassword), weight: 1 },
] as const

const drawn = actions.flatMap(({ act, weight }) => Array.from({ length: weight }, () => act))

/** One random thing. Rejects when the server does not answer, or not as it should. */
export const act = (client: Client): Promise<void> => client.seeded.pick(drawn)(client)

type NewClient = Pick<Client, 'number' | 'ledger' | 'seeded' | 'administrator' | 'age'> & {
  readonly server: Server
  readonly onAnswer: () => void
}

export const newClient = ({ server, onAnswer, ...rest }: NewClient): Client => {
  const agent = new Agent({ keepAlive: true })
  return {
    ...rest,
    agent,
    call: async (method, path, outgoing) => {
      const answer = await server.call(method, path, { ...outgoing, agent })
      onAnswer()
      return answer
    },
  }
}
