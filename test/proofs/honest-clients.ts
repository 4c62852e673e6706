import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import type { Answer, Outgoing } from '../process/http-client.ts'
import { password as firstPassword, type Server } from '../process/spawned-server.ts'
import type { Seeded } from '../sessions/seeded.ts'
import { endAll, type Ledger, type Session, sessionIdOf, type User } from './ledger.ts'

export type Client = {
  readonly number: number
  readonly agent: Agent
  readonly ledger: Ledger
  readonly seeded: Seeded
  /** The token of an administrator, who never signs out. */
  readonly administrator: string
  /** Makes the session's live refresh generation older than the window, so that the next refresh rotates. */
  readonly age: (sessionId: string) => Promise<void>
  readonly call: (method: string, path: string, outgoing: Outgoing) => Promise<Answer>
}

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
): Promise<User> => {
  serial += 1
  const name = `client${client.number}user${serial}`
  const { users, askedNames, fresh } = client.ledger
  askedNames.push(name)
  const body = { username: name, password: firstPassword, ...(outgoing.token !== undefined && { roles }) }
  await expectStatus(201, client.call('POST', path, { ...outgoing, body }))
  askedNames.splice(askedNames.indexOf(name), 1)
  const user: User = { name, roles, owner: client.number, state: 'enabled', password: firstPassword }
  users.push(user)
  fresh.add(user)
  return user
}

export const register = (client: Client): Promise<User> => addUser(client, 'register', ['user'], {})

const createModerator = (client: Client): Promise<User> =>
  addUser(client, 'users', ['moderator', 'user'], { token: client.administrator })

const toPair = (answer: Answer) => ({
  access: answer.field('access_token'),
  refresh: answer.field('refresh_token'),
})

export const signIn = async (client: Client, user: User): Promise<void> => {
  const body = { username: user.name, password: user.password }
  const answer = await expectStatus(200, client.call('POST', 'login', { body }))
  client.ledger.sessions.push({ user, state: 'live', ...toPair(answer) })
}

const login = async (client: Client): Promise<unknown> => {
  const user = client.seeded.pick(ownUsers(client))
  return user === undefined ? register(client) : signIn(client, user)
}

/** Does something with a live session of the client's own, or signs in where there is none. */
const withSession =
  (act: (client: Client, session: Session) => Promise<void>) =>
  (client: Client): Promise<unknown> => {
    const session = client.seeded.pick(ownSessions(client))
    return session === undefined ? login(client) : act(client, session)
  }

const logout = async (client: Client, session: Session): Promise<void> => {
  session.asked = 'end'
  await expectStatus(200, client.call('POST', 'logout', { token: session.access }))
  delete session.asked
  session.state = 'ended'
}

/** Ends another session of the same user, where there is one. */
const endOther = async (client: Client, { access, user }: Session): Promise<void> => {
  const other = ownSessions(client).find(session => session.user === user && session.access !== access)
  if (other === undefined) return signIn(client, user)
  other.asked = 'end'
  await expectStatus(204, client.call('DELETE', `sessions/${sessionIdOf(other)}`, { token: access }))
  delete other.asked
  other.state = 'ended'
}

const refresh = async (client: Client, session: Session): Promise<void> => {
  await client.age(sessionIdOf(session))
  session.asked = 'refresh'
  const body = { refresh_token: session.refresh }
  const answer = await expectStatus(200, client.call('POST', 'refresh', { body }))
  delete session.asked
  Object.assign(session, toPair(answer))
}

const add = (path: string, fields: Readonly<Record<string, unknown>>) =>
  withSession(async (client, { access, user }) => {
    serial += 1
    const title = `${path} ${serial} of ${user.name}`
    const sent = client.call('POST', path, { token: access, body: { ...fields, title } })
    const answer = await expectStatus(201, sent)
    const thing = { path: `${path}/${answer.field('id')}`, title, user }
    client.ledger.things.push(thing)
    client.ledger.fresh.add(thing)
  })

/** Until it is answered nobody knows whether the thing is there. */
const remove = withSession(async ({ ledger, seeded, call }, { access, user }) => {
  const thing = seeded.pick(ledger.things.filter(each => each.user === user))
  if (thing === undefined) return
  ledger.things.splice(ledger.things.indexOf(thing), 1)
  ledger.fresh.delete(thing)
  await expectStatus(204, call('DELETE', thing.path, { token: access }))
  ledger.gone.push(thing)
})

const changePassword = async (client: Client, session: Session): Promise<void> => {
  serial += 1
  const { user } = session
  const { ledger } = client
  user.askedPassword = `${firstPassword} ${serial}`
  const body = { current_password: user.password, new_password: user.askedPassword }
  const answer = await expectStatus(200, client.call('PUT', 'me/password', { token: session.access, body }))
  user.password = user.askedPassword
  delete user.askedPassword
  endAll(ledger, user)
  ledger.sessions.push({ user, state: 'live', ...toPair(answer) })
  ledger.fresh.add(user)
}

type Action = { readonly act: (client: Client) => Promise<unknown>; readonly weight: number }

/** Nothing but a short transaction each. */
const commits: readonly Action[] = [
  { act: withSession(logout), weight: 2 },
  { act: withSession(endOther), weight: 1 },
  { act: withSession(refresh), weight: 10 },
  { act: add('posts', { content: 'text', published: true }), weight: 5 },
  { act: add('todos', {}), weight: 5 },
  { act: remove, weight: 2 },
]

/** What clients do, and how often of all times. */
const actions: readonly Action[] = [
  ...commits,
  { act: register, weight: 2 },
  { act: createModerator, weight: 1 },
  { act: login, weight: 3 },
  { act: withSession(changePassword), weight: 1 },
]

const repeatByWeight = (rows: readonly Action[]) =>
  rows.flatMap(({ act, weight }) => Array.from({ length: weight }, () => act))
const [drawnCommits, drawn] = [repeatByWeight(commits), repeatByWeight(actions)]

/** One random thing. Rejects when the server does not answer, or not as it should. */
export const act = (client: Client): Promise<unknown> => client.seeded.pick(drawn)(client)

/** One random thing that waits for a commit and for hardly anything else. */
export const commit = (client: Client): Promise<unknown> => client.seeded.pick(drawnCommits)(client)

type NewClient = Omit<Client, 'agent' | 'call'> & {
  readonly server: Server
  /** Throws where the answer counts for none. */
  readonly onAnswer: (answer: Answer) => void
}

export const newClient = ({ server, onAnswer, ...rest }: NewClient): Client => {
  const agent = new Agent({ keepAlive: true })
  return {
    ...rest,
    agent,
    call: async (method, path, outgoing) => {
      const answer = await server.call(method, path, { ...outgoing, agent })
      onAnswer(answer)
      return answer
    },
  }
}
