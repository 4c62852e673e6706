import { Agent } from 'node:http'
import { invariants } from './invariants.ts'
import { type Session, sessionIdOf, type Thing, type User } from './ledger.ts'
import { type Aftermath, canSignIn } from './settle.ts'
import { check } from './tally.ts'

/** Files without damage, and rows that fit each other: nothing was done by half. */
export const verifyWhole = async ({ installation, tally }: Aftermath): Promise<void> => {
  const damage = await installation.findDamage()
  check(tally, damage.length === 0, `the database is damaged: ${damage.join('; ')}`)
  for (const { says, sql } of invariants) {
    const rows = await installation.query(sql)
    check(tally, rows.length === 0, `${says}: not so for ${JSON.stringify(rows)}`)
  }
}

/** Everything that was ever answered stands in the database. */
export const verifyRows = async ({ installation, ledger, tally }: Aftermath): Promise<void> => {
  const read = async (sql: string): Promise<ReadonlyMap<unknown, unknown>> =>
    new Map((await installation.query(sql)).map(({ key, value }) => [key, value]))

  const ended = await read('select id as key, ended_at as value from sessions')
  for (const session of ledger.sessions) {
    const id = sessionIdOf(session)
    const state = ended.has(id) ? (ended.get(id) === null ? 'live' : 'ended') : 'lost'
    check(
      tally,
      state === session.state,
      `session ${id} of ${session.user.name} is ${state}, not ${session.state}`,
    )
  }
  const disabled = await read('select username as key, disabled_at as value from users')
  for (const { name, state } of ledger.users)
    check(tally, (disabled.get(name) === null) === (state === 'enabled'), `${name} is there and ${state}`)
  const titles = await read(
    `select 'posts/' || id as key, title as value from posts union all select 'todos/' || id, title from todos`,
  )
  for (const { path, title } of ledger.things)
    check(tally, titles.get(path) === title, `${path} is there: ${title}`)
  for (const { path } of ledger.gone) check(tally, !titles.has(path), `${path} stays deleted`)
}

const atOnce = 8

const forEach = async <T>(list: Iterable<T>, each: (item: T) => Promise<void>): Promise<void> => {
  const rest = [...list]
  const work = async (): Promise<void> => {
    for (let item = rest.pop(); item !== undefined; item = rest.pop()) await each(item)
  }
  await Promise.all(Array.from({ length: atOnce }, work))
}

/** What a new server says of every session, and of all that was answered since it was asked last. */
export const verifyAnswers = async (after: Aftermath): Promise<void> => {
  const { sessions, fresh } = after.ledger
  const agent = new Agent({ keepAlive: true })
  const asked = { ...after, agent }
  await forEach(sessions, session => verifySession(asked, session))
  await forEach(fresh, item => ('path' in item ? verifyThing(asked, item) : verifyUser(asked, item)))
  fresh.clear()
  agent.destroy()
}

type Asked = Aftermath & { readonly agent: Agent }

const verifySession = async ({ server, tally, agent }: Asked, session: Session): Promise<void> => {
  const { access: token, refresh, state } = session
  const { status, text } = await server.call('GET', 'protected', { token, agent })
  check(tally, status === (state === 'live' ? 200 : 401), `a session that is ${state} answers ${text}`)
  if (state === 'live') return
  const refused = await server.call('POST', 'refresh', { body: { refresh_token: refresh }, agent })
  // A password change has just given this session another id: its owner is told to use that one.
  const isEnded = /"(session_ended|session_renewed)"/.test(refused.text)
  check(tally, isEnded, `the refresh token of an ended session answers ${refused.text}`)
}

const verifyUser = async ({ server, tally, agent }: Asked, user: User): Promise<void> => {
  const { name, password, roles, state } = user
  if (state === 'disabled')
    return check(
      tally,
      !(await canSignIn(server, name, password)),
      `${name}, who is disabled, can not sign in`,
    )
  const login = await server.call('POST', 'login', { body: { username: name, password }, agent })
  check(tally, login.status === 200, `${name} signs in with the password that was answered: ${login.text}`)
  if (login.status !== 200) return
  const me = await server.call('GET', 'me', { token: login.field('access_token'), agent })
  const has = String(JSON.parse(me.text).roles)
  check(tally, has === String([...roles].sort()), `${name} has the roles ${roles}, not ${has}`)
}

const verifyThing = async ({ server, tally, agent }: Asked, { path, title, user }: Thing): Promise<void> => {
  // A todo is seen by its owner alone, and its row was looked at.
  if (path.startsWith('todos/') || user.state === 'disabled') return
  const found = await server.call('GET', path, { agent })
  check(tally, found.status === 200 && found.field('title') === title, `${path} is lost: ${found.text}`)
}
