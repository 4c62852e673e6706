import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { createSeeded, type Seeded } from '../sessions/seeded.ts'
import { query } from './database-file.ts'
import {
  act,
  type Client,
  type Ledger,
  newClient,
  newLedger,
  type Session,
  type User,
} from './honest-clients.ts'
import { type Folder, newFolder, password, type Server, startServer } from './spawned-server.ts'
import { until } from './until.ts'

const rounds = Number(process.env.GATEWRIGHT_PROOF_ROUNDS ?? 5)
const clients = 8
const env = { PUBLIC_URL: 'http://localhost:3000', ACCESS_LOG: 'off' }
/** REFRESH_RETRY_WINDOW, less what a retry needs on its way. */
const retryWindow = 10_000 - 1_000

const findLink = (server: Server): string | undefined =>
  /setup_link":"[^#]+#([\w-]+)/.exec(server.stdout())?.[1]

const makeAdministrator = async (server: Server): Promise<void> => {
  await until('the link is printed', () => findLink(server) !== undefined)
  const body = { token: findLink(server), username: 'chief', password }
  assert.equal((await server.call('POST', 'setup', { body })).status, 201)
}

const signInAdministrator = async ({ call }: Server): Promise<string> =>
  (await call('POST', 'login', { body: { username: 'chief', password } })).field('access_token')

const sessionIdOf = (accessToken: string): string => {
  const claims = JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString())
  return String(claims.sid).split('.')[0] ?? ''
}

/** Moves the beginning of a session's live generation to before the window, as an hour would. */
const createAge = (database: DatabaseSync): Client['age'] => {
  const statement = database.prepare(
    'update sessions set generation_since = generation_since - 3600000 where id = ?',
  )
  return accessToken => void statement.run(sessionIdOf(accessToken))
}

type Round = {
  readonly folder: Folder
  readonly server: Server
  readonly ledger: Ledger
  readonly seeded: Seeded
}

/** Clients act at once until the server is killed, after a random count of answers and a random moment. */
const loadAndKill = async ({ folder, server, ledger, seeded }: Round): Promise<void> => {
  const administrator = await signInAdministrator(server)
  const database = new DatabaseSync(join(folder.path, 'data/gatewright.db'), { timeout: 5_000 })
  const age = createAge(database)
  let answersLeft = 15 + seeded.below(120)
  let killed = false
  const onAnswer = (): void => {
    answersLeft -= 1
    if (answersLeft !== 0) return
    const kill = (): void => {
      killed = true
      server.kill('SIGKILL')
    }
    setTimeout(kill, seeded.below(8))
  }
  const live = async (number: number): Promise<void> => {
    const client = newClient({ server, number, ledger, seeded, administrator, age, onAnswer })
    while (!killed)
      await act(client).catch(error => {
        if (!killed || error instanceof assert.AssertionError) throw error
      })
    client.agent.destroy()
  }
  await Promise.all(Array.from({ length: clients }, (_, number) => live(number)))
  database.close()
  assert.equal((await server.ended).signal, 'SIGKILL')
}

const statusOf = async ({ call }: Server, { access }: Session): Promise<number> =>
  (await call('GET', 'protected', { token: access })).status

const canSignIn = async (
  { call }: Server,
  { name }: Pick<User, 'name'>,
  withPassword: string,
): Promise<boolean> => {
  const { status, text } = await call('POST', 'login', { body: { username: name, password: withPassword } })
  assert.ok(status === 200 || status === 401, text)
  return status === 200
}

/** What was asked without an answer: the client finds out and asks again, as honest clients do. */
const settle = async (
  server: Server,
  ledger: Ledger,
): Promise<{ readonly retries: number; readonly late: number }> => {
  const counts = { retries: 0, late: 0 }
  // First of all what has to be in time.
  for (const session of ledger.sessions.filter(({ asked }) => asked?.what === 'refresh')) {
    const late = performance.now() - (session.asked?.at ?? 0) > retryWindow
    const answer = await server.call('POST', 'refresh', { body: { refresh_token: session.refresh } })
    counts[late ? 'late' : 'retries'] += 1
    if (!late) assert.equal(answer.status, 200, `an honest client was signed out: ${answer.text}`)
    if (answer.status === 200)
      Object.assign(session, { access: answer.field('access_token'), refresh: answer.field('refresh_token') })
    else session.state = 'ended'
    delete session.asked
  }
  for (const session of ledger.sessions.filter(({ asked }) => asked?.what === 'logout')) {
    const answer = await server.call('POST', 'logout', { token: session.access })
    assert.equal(answer.status, 200, answer.text)
    session.state = 'ended'
    delete session.asked
  }
  for (const user of ledger.users)
    if (user.askedPassword !== undefined) await settlePassword(server, ledger, user)
  await settleNames(server, ledger)
  return counts
}

/** A password change is whole or was not: new password and old sessions ended, or neither. */
const settlePassword = async (server: Server, { sessions }: Ledger, user: User): Promise<void> => {
  const { askedPassword = '', password: oldPassword } = user
  const changed = await canSignIn(server, user, askedPassword)
  assert.equal(await canSignIn(server, user, oldPassword), !changed, 'exactly one of two passwords is good')
  if (changed) {
    user.password = askedPassword
    for (const session of sessions) if (session.user === user) session.state = 'ended'
  }
  delete user.askedPassword
}

/** A user is whole, with a role, or is not there and the name is free. */
const settleNames = async (server: Server, ledger: Ledger): Promise<void> => {
  for (const name of ledger.askedNames.splice(0)) {
    if (!(await canSignIn(server, { name }, password))) {
      const again = await server.call('POST', 'register', { body: { username: name, password } })
      assert.equal(again.status, 201, `half a user keeps the name: ${again.text}`)
    }
    const login = await server.call('POST', 'login', { body: { username: name, password } })
    const me = await server.call('GET', 'me', { token: login.field('access_token') })
    assert.ok(JSON.parse(me.text).roles.includes('user'), me.text)
  }
}

/** Everything that was ever answered is there. */
const verify = async (
  server: Server,
  folder: Folder,
  ledger: Ledger,
  newUsers: readonly User[],
): Promise<void> => {
  const [integrity] = query(folder, 'pragma integrity_check')
  assert.equal(integrity?.integrity_check, 'ok')
  assert.equal(query(folder, 'pragma foreign_key_check').length, 0)
  for (const session of ledger.sessions) {
    const live = session.state === 'live'
    assert.equal(await statusOf(server, session), live ? 200 : 401, `a session that is ${session.state}`)
    if (live) continue
    const answer = await server.call('POST', 'refresh', { body: { refresh_token: session.refresh } })
    // A password change has just given this session another id: its owner is told to use that one.
    assert.match(`${answer.status} ${answer.field('code')}`, /^(401 session_ended|409 session_renewed)$/)
  }
  for (const user of newUsers) {
    const login = await server.call('POST', 'login', {
      body: { username: user.name, password: user.password },
    })
    assert.equal(login.status, 200, `${user.name} can not sign in`)
    const token = login.field('access_token')
    const me = await server.call('GET', 'me', { token })
    assert.deepEqual(JSON.parse(me.text).roles, user.roles)
    for (const { path, title } of ledger.things.filter(thing => thing.user === user)) {
      const found = await server.call('GET', path, { token })
      assert.equal(found.status, 200, `${path} is lost: ${found.text}`)
      assert.equal(found.field('title'), title)
    }
  }
}

/** Each thing and the record of it were written together. */
const verifyAudit = (folder: Folder, { users, sessions }: Ledger): void => {
  const thefts = query(
    folder,
    `select * from audit_events where event in ('refresh-token.reused', 'refresh-token.ahead')`,
  )
  assert.deepEqual(thefts, [])
  const recorded = new Set(
    query(
      folder,
      `select username from users join audit_events on user_id = users.id
       where event in ('user.registered', 'user.created')`,
    ).map(row => row.username),
  )
  for (const { name } of users) assert.ok(recorded.has(name), name)
  const ended = new Set(
    query(folder, `select session_id from audit_events where event = 'session.ended'`).map(
      row => row.session_id,
    ),
  )
  for (const { access, state } of sessions) if (state === 'ended') assert.ok(ended.has(sessionIdOf(access)))
}

test('a server killed at any moment loses nothing that it answered', async t => {
  const seeded = createSeeded(t)
  const folder = newFolder(t)
  const ledger = newLedger()
  const totals = { retries: 0, late: 0, restart: 0 }
  let server = await startServer(folder, { env })
  await makeAdministrator(server)
  for (let round = 1; round <= rounds; round += 1) {
    const known = ledger.users.length
    await loadAndKill({ folder, server, ledger, seeded })
    const killedAt = performance.now()
    server = await startServer(folder, { env })
    totals.restart = Math.max(totals.restart, performance.now() - killedAt)
    const { retries, late } = await settle(server, ledger)
    totals.retries += retries
    totals.late += late
    await verify(server, folder, ledger, ledger.users.slice(known))
    verifyAudit(folder, ledger)
  }
  for (const { path, title } of ledger.things.filter(({ path }) => path.startsWith('posts/')))
    assert.equal((await server.call('GET', path)).field('title'), title)
  await server.stop()
  const lost = query(folder, `select id from audit_events where event = 'session.refresh-retried'`).length
  const { users, sessions, things } = ledger
  t.diagnostic(
    `${rounds} rounds, ${users.length} users, ${sessions.length} sessions, ${things.length} posts and todos; ${totals.retries} refreshes without an answer were retried, ${lost} of them done before (${totals.late} too late to judge); longest restart ${totals.restart.toFixed(0)} ms`,
  )
})
