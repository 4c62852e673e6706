import type { FastifyInstance } from 'fastify'
import { createUser } from 'gatewright/administration'
import { commandLineOrigin } from 'gatewright/audit'
import type { Engine } from 'gatewright/compose'
import { mount } from '../../apps/blog/src/blog.ts'
import type { FakeClock } from '../../packages/gatewright/src/testing/fake-clock.ts'
import type { SentMail } from '../../packages/gatewright/src/testing/record-mail.ts'
import { addTestTotp, type TestTotp } from '../../packages/gatewright/src/testing/test-totp.ts'
import { administrator, administratorDevice, type Person } from './people.ts'

/** An application that nobody else uses yet, with a clock that only the day moves. */
export type Theatre = {
  readonly app: FastifyInstance
  readonly engine: Engine
  readonly clock: FakeClock
  /** Sends the mail that is due, and gives all that was sent so far. */
  readonly deliverMail: () => Promise<readonly SentMail[]>
}

type Answer = {
  readonly status: number
  readonly body: Body | undefined
  readonly headers: Record<string, unknown>
}
/** What acts read of an answer; each is there where it was asked for. */
type Body = Readonly<
  Record<'id' | 'key' | 'code' | 'mfa_token' | 'access_token' | 'refresh_token', string>
> & { readonly review: { readonly digest: string } }

type Sent = {
  readonly body?: unknown
  readonly address?: string
  readonly device?: string
  readonly headers?: Readonly<Record<string, string>>
}

type Live = {
  readonly access: string
  readonly refresh: string
  readonly since: number
  readonly fresh: number
}

/** What is known of the day so far: whoever is signed in, and what there is by now. */
export type Stage = Theatre & {
  readonly live: Map<string, Live>
  readonly passwords: Map<string, string>
  readonly ids: Map<string, string>
  readonly apps: Map<string, TestTotp>
  /** Keys by what they are for, posts and todos by their ids. */
  readonly keys: Map<string, { readonly id: string; readonly key: string }>
  readonly posts: string[]
  readonly todos: Map<string, string>
}

const minute = 60_000
/** As long as an access token is good, but for a moment. */
const tokenLife = 9 * minute
/** As long as a sign-in counts as recent, but for a moment. */
const recently = 8 * minute

export const openStage = (theatre: Theatre): Stage => ({
  ...theatre,
  live: new Map(),
  passwords: new Map(),
  ids: new Map(),
  apps: new Map(),
  keys: new Map(),
  posts: [],
  todos: new Map(),
})

/** Sends a request as a client somewhere does. */
export const send = async (
  { app }: Theatre,
  method: string,
  path: string,
  { body, address = '203.0.113.1', device = 'curl/8.14.1', headers = {} }: Sent = {},
): Promise<Answer> => {
  const answer = await app.inject({
    method: method as 'GET',
    url: path.startsWith('/') ? path : `${mount}/${path}`,
    remoteAddress: address,
    headers: { 'user-agent': device, ...headers },
    ...(body !== undefined && { payload: body as object }),
  })
  const isJson = /json/.test(String(answer.headers['content-type'] ?? '')) && answer.payload !== ''
  return { status: answer.statusCode, body: isJson ? answer.json() : undefined, headers: answer.headers }
}

/** What the day could not be played without. @throws Error that says what was answered instead */
export const must = (what: string, { status, body }: Answer): Body => {
  if (status >= 400)
    throw new Error(`the day can not be played: ${what} was answered with ${status} ${body?.code}`)
  return body as Body
}

const keep = ({ live, clock }: Stage, username: string, pair: Body, fresh = clock.now()): void => {
  live.set(username, { access: pair.access_token, refresh: pair.refresh_token, since: clock.now(), fresh })
}

const passwordOf = ({ passwords }: Stage, { username, password }: Person): string =>
  passwords.get(username) ?? password

/** Signs in, with the second half where there is one. @returns whether that went well */
export const signIn = async (stage: Stage, person: Person, where: Sent = person): Promise<boolean> => {
  const { address, device } = { ...person, ...where }
  const { username } = person
  const body = { username, password: passwordOf(stage, person) }
  const first = await send(stage, 'POST', 'login', { body, address, device })
  const second = await showApp(stage, person, first, { address, device })
  if (second.status !== 200 || second.body === undefined) return false
  keep(stage, username, second.body)
  return true
}

const showApp = async (stage: Stage, { username }: Person, first: Answer, where: Sent): Promise<Answer> => {
  const app = stage.apps.get(username)
  if (first.body?.code !== 'mfa_required' || app === undefined) return first
  const body = { mfa_token: first.body.mfa_token, method: 'totp', code: await app.code() }
  return send(stage, 'POST', 'login/mfa', { body, ...where })
}

/** Asks with a token that is still good: programs fetch a new one in time. */
export const ask = async (
  stage: Stage,
  person: Person,
  method: string,
  path: string,
  body?: unknown,
): Promise<Answer | undefined> => {
  const live = await renew(stage, person)
  if (live === undefined) return undefined
  const headers = { authorization: `Bearer ${live.access}` }
  return send(stage, method, path, { ...person, headers, body })
}

/** @returns what the session goes on with; undefined where it has ended */
export const renew = async (
  stage: Stage,
  { username, address, device }: Person,
): Promise<Live | undefined> => {
  const live = stage.live.get(username)
  if (live === undefined || stage.clock.now() - live.since < tokenLife) return live
  const { status, body } = await send(stage, 'POST', 'refresh', {
    body: { refresh_token: live.refresh },
    address,
    device,
  })
  if (status === 200 && body !== undefined) keep(stage, username, body, live.fresh)
  else stage.live.delete(username)
  return stage.live.get(username)
}

/** As {@link ask}, by somebody who has signed in a moment ago: what is asked for must go well. */
export const askFreshly = async (
  stage: Stage,
  person: Person,
  method: string,
  path: string,
  body?: unknown,
): Promise<Body> => {
  const live = stage.live.get(person.username)
  if (live === undefined || stage.clock.now() - live.fresh > recently) await signIn(stage, person)
  const answer = await ask(stage, person, method, path, body)
  if (answer === undefined) throw new Error(`the day can not be played: ${person.username} can not sign in`)
  return must(`${method} ${path}`, answer)
}

/** The administrator, who is there before the day begins and looks at it after its end. */
export const makeAdministrator = async (stage: Stage, password: string): Promise<Person> => {
  const person: Person = {
    username: administrator,
    email: `${administrator}@example.org`,
    password,
    roles: ['admin', 'user'],
    address: '198.51.100.250',
    device: administratorDevice,
    hasApp: false,
  }
  const { id } = await createUser(stage.engine, person, commandLineOrigin)
  stage.ids.set(person.username, id)
  return person
}

export const addApp = async (stage: Stage, { username }: Person): Promise<void> => {
  const id = stage.ids.get(username)
  if (id !== undefined) stage.apps.set(username, await addTestTotp(stage.engine, id))
}

/** The link of the newest mail to somebody, as the mail that was just sent has it. */
export const findLink = async (
  stage: Stage,
  { email }: Person,
  path: string,
): Promise<string | undefined> => {
  const mails = await stage.deliverMail()
  return mails.findLast(mail => mail.to.includes(email) && mail.link?.path === `/console/${path}`)?.link
    ?.token
}
