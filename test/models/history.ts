import assert from 'node:assert/strict'
import type { Engine } from 'gatewright/compose'
import type { Seeded } from '../sessions/seeded.ts'
import { addUser } from '../sessions/signed-in.ts'
import { type Answer, type Given, type Person, perform } from './calls.ts'
import { hashCheaply } from './cheap-passwords.ts'
import { type Done, explain } from './explain.ts'
import type { Call, User } from './rules.ts'
import { momentOf } from './stage.ts'
import { choose, findUncovered } from './stored.ts'

/** What a history has shown: how often each thing happened. */
export type Met = Map<string, number>

/** Everything that happens to one user, step by step; the calls of one step are made at once. */
export type History = {
  readonly random: Seeded
  readonly person: Person
  /** As the rules have it. */
  user: User
  /** Every answer that gave something, whether or not it arrived. */
  readonly given: Given[]
  readonly met: Met
  calls: number
}

/** A call to a process. */
export type Sent = { readonly engine: Engine; readonly call: Call; readonly after?: Sent }

/** What a history begins with. */
export type Setting = { readonly random: Seeded; readonly username: string; readonly met: Met }

export const firstPassword = 'the password at first'

export const newHistory = async (engine: Engine, { random, username, met }: Setting): Promise<History> => {
  const roles = ['user']
  const { id } = await addUser(engine, username, { roles, passwordHash: hashCheaply(firstPassword) })
  const user: User = {
    password: firstPassword,
    version: 1,
    state: 'enabled',
    roles,
    keys: [],
    hasFactor: false,
    hasPasskey: false,
    isHalfIn: false,
    sessions: [],
  }
  return { random, person: { userId: id, username }, user, given: [], met, calls: 0 }
}

const nameRefresh = ({ user }: History, session: string, shown: number, got = shown): string => {
  if (got === shown) return 'refresh: the live token again'
  const before = user.sessions.find(({ id }) => id === session)?.generation ?? shown
  return before > shown ? 'refresh: a retry' : 'refresh: a rotation, or its twin'
}

const nameOf = (history: History, { call, told }: Done): string => {
  if ('refused' in told)
    return `${call.name}: ${told.refused}${told.isAway ? ', the database was too slow' : ''}`
  return call.name === 'refresh'
    ? nameRefresh(history, call.session, call.generation, told.generation)
    : call.name
}

const note = (history: History, dones: readonly Done[], answers: readonly Answer[]): void => {
  history.calls += dones.length
  for (const done of dones) {
    const name = nameOf(history, done)
    history.met.set(name, (history.met.get(name) ?? 0) + 1)
  }
  for (const { given } of answers) if (given) history.given.push(given)
}

/** Makes the call on behalf of the history's user. */
export const make = (history: History, { engine, call }: Sent): Promise<Answer> =>
  perform(engine, history.person, call)

/**
 * Holds what calls that came at once were answered, and what is in the database, against the rules: some
 * order of the calls must explain both.
 */
export const tell = async (
  history: History,
  sent: readonly Sent[],
  answers: readonly Answer[],
): Promise<void> => {
  const dones: Done[] = []
  for (const [index, { engine, call, after }] of sent.entries()) {
    const before = after && dones[sent.indexOf(after)]
    const { told } = answers[index] as Answer
    dones.push({ call, moment: momentOf(engine), told, ...(before && { after: before }) })
  }
  note(history, dones, answers)
  await judge(history, dones, sent)
}

/** Makes the calls at once (one that comes after another, once that is answered), and judges them. */
export const happen = async (history: History, sent: readonly Sent[]): Promise<readonly Answer[]> => {
  const answering = new Map<Sent, Promise<Answer>>()
  for (const each of sent) {
    const before = Promise.resolve(each.after && answering.get(each.after))
    answering.set(
      each,
      before.then(() => make(history, each)),
    )
  }
  const answers = await Promise.all(answering.values())
  await tell(history, sent, answers)
  return answers
}

const toText = (dones: readonly Done[]): string =>
  dones.map(({ call, moment, told }) => JSON.stringify({ ...call, now: moment.now, told })).join('\n  ')

const judge = async (history: History, dones: readonly Done[], sent: readonly Sent[]): Promise<void> => {
  const { user, person } = history
  const possible = explain(user, dones)
  assert.ok(
    possible.length > 0,
    `no order of these calls explains their answers:\n  ${toText(dones)}\n  from ${JSON.stringify(user)}`,
  )
  const [{ engine } = { engine: undefined }] = sent
  const isCertain = possible.length === 1 && dones.length === 1
  try {
    history.user =
      isCertain || engine === undefined
        ? (possible[0] as User)
        : await choose(engine, person.userId, possible)
  } catch (error) {
    throw new Error(`after these calls at once:\n  ${toText(dones)}\n  from ${JSON.stringify(user)}`, {
      cause: error,
    })
  }
}

/** Whatever happened: nothing given outlives its end. */
export const assertCovered = async ({ person, user, given }: History, engine: Engine): Promise<void> => {
  assert.deepEqual(await findUncovered(engine, { userId: person.userId, user, given }), [])
}

/** And the database says what the rules say. */
export const settle = async (history: History, engine: Engine): Promise<void> => {
  await choose(engine, history.person.userId, [history.user])
  await assertCovered(history, engine)
}
