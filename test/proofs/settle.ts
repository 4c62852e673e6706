import assert from 'node:assert/strict'
import { password, type Server } from '../process/spawned-server.ts'
import { until } from '../process/until.ts'
import { runCommand } from './commands.ts'
import type { Installation } from './installation.ts'
import { endAll, type Ledger, type Session, type User } from './ledger.ts'
import { check, type Tally } from './tally.ts'

export type Aftermath = {
  readonly installation: Installation
  readonly server: Server
  readonly ledger: Ledger
  readonly tally: Tally
}

/** What was asked without an answer: clients find out, and ask again, as honest clients do. */
export const settle = async (after: Aftermath): Promise<void> => {
  const { sessions, users, askedNames } = after.ledger
  // First of all what has to be in time.
  for (const session of sessions.filter(({ asked }) => asked === 'refresh'))
    await refreshAgain(after, session)
  for (const session of sessions.filter(({ asked }) => asked === 'end')) await endAgain(after, session)
  for (const user of users.filter(each => each.askedPassword !== undefined)) await findPassword(after, user)
  for (const user of users.filter(each => each.askedCommand !== undefined)) await commandAgain(after, user)
  for (const name of askedNames.splice(0)) await registerAgain(after, name)
}

const refreshAgain = async ({ server, tally }: Aftermath, session: Session): Promise<void> => {
  const { status, text, field } = await server.call('POST', 'refresh', {
    body: { refresh_token: session.refresh },
  })
  delete session.asked
  tally.repeated += 1
  check(tally, status === 200, `a refresh without an answer is repeated with success, not ${text}`)
  if (status !== 200) return
  session.access = field('access_token')
  session.refresh = field('refresh_token')
}

const endAgain = async ({ server, tally }: Aftermath, session: Session): Promise<void> => {
  const { status, text } = await server.call('POST', 'logout', { token: session.access })
  delete session.asked
  tally.repeated += 1
  check(tally, status === 200, `a sign-out without an answer is repeated with success, not ${text}`)
  session.state = 'ended'
}

/** @returns whether this name and password sign in */
export const canSignIn = async ({ call }: Server, username: string, secret: string): Promise<boolean> => {
  const { status, text } = await call('POST', 'login', { body: { username, password: secret } })
  assert.ok(status === 200 || status === 401, text)
  return status === 200
}

/** A change of password is whole or was not: new password and all sessions ended, or neither. */
const findPassword = async ({ server, ledger, tally }: Aftermath, user: User): Promise<void> => {
  const { askedPassword = '', password: old } = user
  const [isNew, isOld] = [
    await canSignIn(server, user.name, askedPassword),
    await canSignIn(server, user.name, old),
  ]
  check(tally, isNew !== isOld, `exactly one of two passwords of ${user.name} is good`)
  if (isNew) {
    user.password = askedPassword
    endAll(ledger, user)
  }
  delete user.askedPassword
}

/** As long as one process may take to hear what another has ended: REVOCATION_MAX_AGE. */
const longestNews = 5_000

const commandAgain = async (after: Aftermath, user: User): Promise<void> => {
  if (user.askedCommand === undefined) return
  const { installation, server, ledger, tally } = after
  tally.repeated += 1
  const fault = await runCommand(installation, ledger, user, user.askedCommand)
  check(tally, fault === undefined, `a command that was killed can be given again: ${fault}`)
  for (const { access: token } of ledger.sessions.filter(
    each => each.user === user && each.state === 'ended',
  )) {
    const hasHeard = async () => (await server.call('GET', 'protected', { token })).status === 401
    // Where it never hears of it, every answer is looked at later.
    await until('the server has heard of the command', hasHeard, longestNews).catch(() => {})
  }
}

/** A user is whole and can sign in, or is not there and the name is free. */
const registerAgain = async ({ server, tally }: Aftermath, name: string): Promise<void> => {
  tally.repeated += 1
  if (await canSignIn(server, name, password)) return
  const { status, text } = await server.call('POST', 'register', { body: { username: name, password } })
  check(tally, status === 201, `half a user keeps the name: ${text}`)
}
