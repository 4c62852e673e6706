import { randomUUID } from 'node:crypto'
import { Agent as HttpAgent } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { breach, meet } from './account.ts'
import {
  callAs,
  expect,
  headersOf,
  isOpen,
  noteDoubt,
  noteDoubtful,
  noteEnd,
  noteEndOfAll,
  type Person,
  refresh,
  type Scene,
  type Session,
  signIn,
  toCookie,
  toTokens,
  untilAnswered,
} from './people.ts'
import type { Act } from './reads.ts'

let serial = 0

type Written = { readonly path: string; readonly body: { readonly title: string }; readonly key: string }

const newThing = (kind: 'posts' | 'todos', person: Person): Written => {
  serial += 1
  const title = `${kind} ${serial} of ${person.name}`
  const body = kind === 'posts' ? { title, content: 'text', published: true } : { title }
  return { path: `/api/v2/${kind}`, body, key: randomUUID() }
}

/** Asked again under its key until there is an answer. @returns the id of what was written */
const post = async (
  scene: Scene,
  person: Person,
  session: Session,
  { path, body, key }: Written,
): Promise<string | undefined> => {
  const headers = { 'idempotency-key': key }
  const reply = await untilAnswered(scene, 'a write', () =>
    callAs(scene, person, session, 'write', 'POST', path, { body, headers }),
  )
  if (reply.headers['idempotency-replayed'] === 'true')
    meet(scene.traffic.account, 'a write was repeated, and had happened')
  return expect(scene, `a write at ${path}`, reply, 201) ? reply.field('id') : undefined
}

const keep = (person: Person, { path, body }: Written, id: string): void =>
  void person.things.push({ path: `${path}/${id}`, title: body.title })

/** Written under a key of its own. */
const write =
  (kind: 'posts' | 'todos'): Act =>
  async (scene, person, session) => {
    const thing = newThing(kind, person)
    const id = await post(scene, person, session, thing)
    if (id !== undefined) keep(person, thing, id)
  }

/** As though the answer was lost on its way: whichever process is asked again knows it. */
export const writeAgain: Act = async (scene, person, session) => {
  const thing = newThing('todos', person)
  const id = await post(scene, person, session, thing)
  if (id === undefined) return
  keep(person, thing, id)
  const again = await post(scene, person, session, thing)
  if (again !== undefined && again !== id)
    breach(scene.traffic.account, 'twice', `a write under one key: ${id}, and ${again}`)
}

const remove: Act = async (scene, person, session) => {
  const thing = person.things.shift()
  if (thing === undefined) return
  let asked = 0
  const reply = await untilAnswered(scene, 'a deletion', () => {
    asked += 1
    return callAs(scene, person, session, 'write', 'DELETE', thing.path)
  })
  // Whoever asked again, or nginx for it, may find that it is done.
  if (expect(scene, `a deletion, asked ${asked} times`, reply, 204, 404)) scene.ledger.gone.push(thing)
}

/** Two tabs that do so at the same moment. */
const refreshTwice: Act = async (scene, person, session) => {
  if (session.kind !== 'tokens') return
  const body = { refresh_token: session.refresh }
  const from = performance.now()
  const ask = async (): Promise<void> => {
    const reply = await scene.traffic.call(person.client, 'refresh', 'POST', 'refresh', { body })
    noteDoubtful(scene, session, reply, from)
    if (isOpen(reply)) return
    // The one that comes last is kept: of two that are far apart it is the newer token.
    if (reply.status === 200) Object.assign(session, toTokens(reply), { id: session.id })
    else if (!session.hasDoubt)
      breach(scene.traffic.account, 'lost', `a refresh of two at once: ${reply.status} ${reply.text}`)
  }
  await Promise.all([ask(), ask()])
  meet(scene.traffic.account, 'refreshed twice at once')
  if (session.hasDoubt) await refresh(scene, person, session, from)
}

/** The client goes away before the answer comes, and asks again with what it has. */
const refreshLost: Act = async (scene, person, session) => {
  if (session.kind !== 'tokens') return
  const lost = { ...scene.traffic.newClient(), address: person.client.address }
  const body = { refresh_token: session.refresh }
  const from = performance.now()
  const first = scene.traffic.askInVain(lost, 'POST', 'refresh', { body })
  await delay(scene.seeded.below(40))
  lost.close()
  await first
  meet(scene.traffic.account, 'a refresh whose answer was lost')
  await refresh(scene, person, session, from)
  // What stands still may find the first one when it goes on.
  if (scene.traffic.weather.since(from).length > 0) noteDoubt(scene, session)
}

/** Some sign out at a node itself, over one connection: that process refuses with its very next answer. */
const logOutAtOnce = async (scene: Scene, person: Person, session: Session): Promise<boolean> => {
  const agent = new HttpAgent({ keepAlive: true, maxSockets: 1 })
  const headers = headersOf(session, scene.publicUrl)
  const node = scene.seeded.pick(scene.traffic.cluster.nodes)
  const ask = (method: string, path: string) =>
    scene.traffic.callNode(node, person.client.address, method, path, { agent, headers })
  const reply = await ask('POST', 'logout')
  const next = reply.status === 200 ? await ask('GET', 'protected') : undefined
  agent.destroy()
  if (next?.status === 200)
    breach(scene.traffic.account, 'ended', `a logout at ${node.name}: its next request was let in`)
  return reply.status === 200
}

const logOut: Act = async (scene, person, session) => {
  const isDone = scene.seeded.oneIn(4) && (await logOutAtOnce(scene, person, session))
  if (!isDone) {
    const headers = headersOf(session, scene.publicUrl)
    const reply = await untilAnswered(scene, 'a logout', () =>
      scene.traffic.call(person.client, 'write', 'POST', 'logout', { headers }),
    )
    // Its signing key was revoked a moment ago: the refresh token still says whose it is.
    if (reply.status === 401 && (await refresh(scene, person, session))) return
    if (!expect(scene, 'a logout', reply, 200)) return
  }
  noteEnd(scene, person, session, 'a logout')
}

const endOther: Act = async (scene, person, session) => {
  const other = person.sessions.find(each => each !== session)
  if (other === undefined) return void (await signIn(scene, person, 'tokens'))
  const reply = await untilAnswered(scene, 'the end of another session', () =>
    callAs(scene, person, session, 'write', 'DELETE', `sessions/${other.id}`),
  )
  if (expect(scene, 'the end of another session', reply, 204, 404))
    noteEnd(scene, person, other, 'another session was ended')
}

const changePassword: Act = async (scene, person, session) => {
  if (person.maybe !== undefined) return
  serial += 1
  const asked = `another good passphrase ${serial}`
  const headers = headersOf(session, scene.publicUrl)
  const body = { current_password: person.password, new_password: asked }
  const reply = await scene.traffic.call(person.client, 'write', 'PUT', 'me/password', { body, headers })
  if (reply.status !== 200) {
    // It may have happened, or happen yet, and be nginx that asked a second time.
    person.maybe = asked
    return void (await signIn(scene, person, 'tokens'))
  }
  person.password = asked
  noteEndOfAll(scene, person, 'a password was changed')
  const next = session.kind === 'tokens' ? toTokens(reply) : await toCookie(scene, person, reply)
  if (next !== undefined) person.sessions.push(next)
}

/** Asks for what needs a sign-in of a short while ago. */
const callFresh = async (scene: Scene, person: Person, method: string, path: string, body?: unknown) => {
  const ask = (session: Session) =>
    untilAnswered(scene, `${method} ${path.split('/')[0]}`, () =>
      callAs(scene, person, session, 'write', method, path, body === undefined ? {} : { body }),
    )
  const session = person.sessions.at(-1)
  const reply = session === undefined ? undefined : await ask(session)
  if (reply !== undefined && reply.code !== 'insufficient_user_authentication') return reply
  const entered = await signIn(scene, person, 'tokens')
  return entered === undefined ? undefined : ask(entered)
}

const makeKey: Act = async (scene, person) => {
  const body = { name: `key ${serial++}`, permissions: ['todos:read', 'todos:write'] }
  const reply = await callFresh(scene, person, 'POST', 'api-keys', body)
  if (reply === undefined || !expect(scene, 'a new API key', reply, 201)) return
  person.keys.push({ id: reply.field('id'), key: reply.field('key') })
}

const revokeKey: Act = async (scene, person) => {
  const key = person.keys.shift()
  if (key === undefined) return
  const reply = await callFresh(scene, person, 'DELETE', `api-keys/${key.id}`)
  if (reply === undefined || !expect(scene, 'the end of an API key', reply, 204, 404)) return
  scene.ledger.endedKeys.add(key.id)
  noteEndOfKey(scene, person, key.key)
}

export const noteEndOfKey = ({ watch }: Scene, { client }: Person, key: string): void =>
  watch.add({
    what: 'an API key was revoked',
    at: performance.now(),
    attempts: [
      place => place.ask(client.address, 'GET', '/api/v2/todos?limit=1', { headers: { 'x-api-key': key } }),
    ],
  })

/** What people change, and how often of all times. */
export const writes: readonly (readonly [Act, number])[] = [
  [write('posts'), 8],
  [write('todos'), 16],
  [remove, 5],
  [refresh, 4],
  [refreshTwice, 3],
  [refreshLost, 2],
  [logOut, 4],
  [endOther, 2],
  [changePassword, 1],
  [makeKey, 1],
  [revokeKey, 1],
  [(scene, person) => signIn(scene, person, 'tokens'), 2],
  [(scene, person) => signIn(scene, person, 'cookie'), 2],
]
