import { isDeepStrictEqual } from 'node:util'
import { minute } from 'gatewright/clock'
import type { Engine } from 'gatewright/compose'
import { listRoles } from '../../packages/gatewright/src/users/users.ts'
import type { Given } from './calls.ts'
import type { Key, Session, User } from './rules.ts'

const readRows = async ({ db }: Engine, userId: string) => {
  const sessions = await db.selectFrom('sessions').selectAll().where('user_id', '=', userId).execute()
  const user = await db.selectFrom('users').selectAll().where('id', '=', userId).executeTakeFirstOrThrow()
  const roles = await listRoles(db, userId)
  const keys = await db.selectFrom('api_keys').selectAll().where('user_id', '=', userId).execute()
  return { user, sessions, roles, keys }
}

/** What of a session the rules and the database must agree on; when one that ended was last used is no matter. */
const toFacts = ({ id, generation, since, lastUsed, ended, replacedBy }: Session) => [
  id,
  ended === undefined ? { generation, since, lastUsed } : { ...ended, replacedBy: replacedBy ?? null },
]

const toKeyFacts = ({ id, ended, replacedBy, expiresAt }: Key) => [
  id,
  ended ?? { replacedBy: replacedBy ?? null, expiresAt: expiresAt ?? null },
]

const toModel = ({ version, state, roles, sessions, keys }: User) => ({
  version,
  state,
  roles: [...roles].sort(),
  sessions: Object.fromEntries(sessions.map(toFacts)),
  keys: Object.fromEntries(keys.map(toKeyFacts)),
})

/** A user as the database has it, in the words of the rules. */
const readModel = async (engine: Engine, userId: string) => {
  const { user, sessions, roles, keys } = await readRows(engine, userId)
  const enabledOrNot = user.disabled_at === null ? 'enabled' : 'disabled'
  return {
    version: user.version,
    roles: [...roles],
    state: user.deleted_at === null ? enabledOrNot : 'deleted',
    sessions: Object.fromEntries(
      sessions.map(row => [
        row.id,
        row.ended_at === null
          ? { generation: row.generation, since: row.generation_since, lastUsed: row.last_used_at }
          : { at: row.ended_at, reason: row.end_reason, replacedBy: row.replaced_by },
      ]),
    ),
    keys: Object.fromEntries(
      keys.map(row => [row.id, row.end_reason ?? { replacedBy: row.replaced_by, expiresAt: row.expires_at }]),
    ),
  }
}

/** Which of the states that the answers allow is the one in the database. @throws where it is none */
export const choose = async (engine: Engine, userId: string, possible: readonly User[]): Promise<User> => {
  const stored = await readModel(engine, userId)
  const found = possible.find(user => isDeepStrictEqual(toModel(user), stored))
  if (found !== undefined) return found
  const allowed = possible.map(user => JSON.stringify(toModel(user))).join('\n  or ')
  throw new Error(
    `the answers allow\n     ${allowed}\n  but the database has\n     ${JSON.stringify(stored)}`,
  )
}

/** A cut-off matters for so much longer than the latest `exp` promised. */
const margin = minute

/**
 * What must hold whatever happened: a token made outlives neither the end of its session nor a change of
 * its roles by more than its cut-off does. Gives what is wrong.
 */
export const findUncovered = async (
  { db }: Engine,
  { userId, user, given }: { readonly userId: string; readonly user: User; readonly given: readonly Given[] },
): Promise<readonly string[]> => {
  const subjects = [userId, ...user.sessions.map(({ id }) => id)]
  const cutOffs = await db.selectFrom('cut_offs').selectAll().where('subject', 'in', subjects).execute()
  const isCovered = (kind: string, subject: string, promised: number): boolean =>
    cutOffs.some(
      row => row.kind === kind && row.subject === subject && row.matters_until >= promised + margin,
    )
  const roles = String(user.roles)
  const live = new Set(user.sessions.flatMap(({ id, ended }) => (ended ? [] : [id])))
  return [
    ...cutOffs.flatMap(({ subject }) => (live.has(subject) ? [`${subject} is cut off and lives`] : [])),
    ...given.flatMap(({ session, promised, roles: claimed }) => {
      if (!live.has(session))
        return isCovered('session', session, promised) ? [] : [`a token of ${session} outlives its end`]
      const isTrue = String(claimed) === roles || isCovered('reread-user', userId, promised)
      return isTrue ? [] : [`a token of ${session} keeps the roles ${claimed}`]
    }),
  ]
}
