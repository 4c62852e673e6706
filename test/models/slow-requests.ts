import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { setImmediate as immediate } from 'node:timers/promises'
import { type App, createApp } from 'gatewright/app'
import { second } from 'gatewright/clock'
import type { Engine } from 'gatewright/compose'
import { pino } from 'pino'
import { blog, mount } from '../../apps/blog/src/blog.ts'
import { until } from '../process/until.ts'
import { addUser, type SignedIn, signInAs } from '../sessions/signed-in.ts'
import { hashCheaply } from './cheap-passwords.ts'
import { firstPassword as password, type Setting } from './history.ts'
import type { Session, User } from './rules.ts'

/** Requests that write, with bodies that take their time. */
const requests = [
  { method: 'POST', path: 'posts', body: { title: 'Slow', content: 'Text', published: true } },
  { method: 'POST', path: 'todos', body: { title: 'Slow' } },
  { method: 'POST', path: 'step-up', body: { password } },
  {
    method: 'PUT',
    path: 'me/password',
    body: { current_password: password, new_password: 'a new password then' },
  },
] as const
export const slowRequests = requests.length

/** In which every process knows what any of them ended. */
const bound = 5 * second

type Inject = App['app']['inject']

const apps = new WeakMap<Engine, Promise<App>>()

/** One app for each process, made by its first request. */
const openApp = (engine: Engine): Promise<App> => {
  const { hooks: _, ...application } = blog
  const known = apps.get(engine) ?? createApp({ engine, log: pino({ enabled: false }), mount, application })
  apps.set(engine, known)
  return known
}

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await immediate()
}

/** A body whose two halves come when they come. */
const createSlowBody = (text: string) => {
  const body = new Readable({ read: () => {} })
  const half = text.length / 2
  return {
    body,
    sendHalf: () => void body.push(text.slice(0, half)),
    sendRest: () => {
      body.push(text.slice(half))
      body.push(null)
    },
  }
}

const bearer = ({ access }: Pick<SignedIn, 'access'>) => ({ authorization: `Bearer ${access}` })

const readWritten = async ({ db }: Engine, userId: string) => {
  const titles = await Promise.all(
    (['posts', 'todos'] as const).map(table =>
      db
        // The blog's tables are not the engine's.
        .selectFrom(table as never)
        .select('id' as never)
        .where((table === 'posts' ? 'author_id' : 'owner_id') as never, '=', userId as never)
        .execute(),
    ),
  )
  const user = await db.selectFrom('users').selectAll().where('id', '=', userId).executeTakeFirstOrThrow()
  const sessions = await db.selectFrom('sessions').selectAll().where('user_id', '=', userId).execute()
  return { things: titles.flat().length, hash: user.password_hash, sessions }
}

/** One request whose body arrives while its session is logged out, by either process. */
export const playSlowRequest = async (
  engines: readonly [Engine, ...Engine[]],
  { random, username, met }: Setting,
): Promise<{ readonly calls: number; readonly user: Pick<User, 'sessions'> }> => {
  const { method, path, body } = random.pick(requests)
  const place = random.pick(engines)
  const [{ app: here }, { app: there }] = [await openApp(engines[0]), await openApp(place)]
  const { id: userId } = await addUser(engines[0], username, { passwordHash: hashCheaply(password) })
  const held = await signInAs(engines[0], userId)
  const slow = createSlowBody(JSON.stringify(body))
  const [first, second, third, fourth] = [
    random.below(8),
    random.below(30),
    random.below(30),
    random.below(60),
  ]
  let hasLeft = false

  const request = async () => {
    await turns(first)
    const headers = { ...bearer(held), 'content-type': 'application/json' }
    const answering = here.inject({ method, url: `${mount}/${path}`, headers, payload: slow.body })
    await turns(second)
    slow.sendHalf()
    await turns(third)
    const wasLoggedOut = hasLeft
    slow.sendRest()
    return { answer: await answering, wasLoggedOut }
  }
  const logout = async () => {
    await turns(fourth)
    const answer = await there.inject({ method: 'POST', url: `${mount}/logout`, headers: bearer(held) })
    hasLeft = true
    return answer
  }
  const [{ answer, wasLoggedOut }, left] = await Promise.all([request(), logout()])
  const name = `${method} ${path}: ${answer.statusCode}`
  met.set(name, (met.get(name) ?? 0) + 1)
  await judge(engines, {
    userId,
    held,
    wasLoggedOut,
    left: left.statusCode,
    answer,
    isHere: place === engines[0],
    inject: here.inject.bind(here),
  })
  return { calls: 2, user: { sessions: [] as readonly Session[] } }
}

type Seen = {
  readonly userId: string
  readonly held: SignedIn
  readonly wasLoggedOut: boolean
  readonly left: number
  readonly answer: Awaited<ReturnType<Inject>>
  /** Whether the logout was answered by the process that the body came to. */
  readonly isHere: boolean
  readonly inject: Inject
}

const judge = async (
  engines: readonly [Engine, ...Engine[]],
  { userId, held, wasLoggedOut, left, answer, isHere, inject }: Seen,
): Promise<void> => {
  const { statusCode: status, payload } = answer as { statusCode: number; payload: string }
  assert.equal(left, 200, 'the logout')
  assert.ok(status === 401 || status < 300, payload)
  // Another process learns of it within milliseconds; what is written is checked in its transaction.
  if (wasLoggedOut && isHere) assert.equal(status, 401, 'the body came after the logout was answered')
  const { things, hash, sessions } = await readWritten(engines[0], userId)
  const isChanged = things > 0 || hash !== hashCheaply(password) || sessions.length > 1
  assert.equal(isChanged, status < 300, `answered ${status}, and ${isChanged ? '' : 'not '}changed`)
  assert.ok(
    sessions.every(({ ended_at }) => ended_at !== null),
    'a session outlived its logout',
  )
  const { access_token: renewed } = JSON.parse(payload)
  for (const access of [held.access, renewed].flatMap(each => each ?? [])) {
    const isRefused = async (): Promise<boolean> => {
      const headers = bearer({ access })
      return (await inject({ method: 'GET', url: `${mount}/protected`, headers })).statusCode === 401
    }
    if (isHere) assert.ok(await isRefused(), 'a token outlived the logout')
    else await until('a token is refused in another process', isRefused, bound)
  }
}
