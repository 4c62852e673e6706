import { countRecoveryCodes } from '../factors/recovery-codes.ts'
import { findTotp } from '../factors/totp-factors.ts'
import type { Clock } from '../ground/clock.ts'
import { listPasskeys } from '../passkeys/passkeys.ts'
import { listSessions } from '../sessions/list-sessions.ts'
import type { SessionDependencies } from '../sessions/sessions.ts'
import { listMethods, type Method } from '../sign-in/factors.ts'
import type { Database } from '../storage/tables.ts'
import { getPerson, type User } from '../users/users.ts'

type Dependencies = Pick<SessionDependencies, 'settings' | 'roleTable' | 'uses'> & {
  readonly db: Database
  readonly clock: Clock
}

/** What an administrator sees of a user: that there are factors, sessions and keys, and nothing that opens anything. */
export type AdministeredUser = User & {
  readonly factors: {
    readonly methods: readonly Method[]
    readonly passkeys: number
    readonly totp: boolean
    readonly recoveryCodes: number
  }
  readonly hasPassword: boolean
  readonly sessions: number
  readonly apiKeys: number
  /** As far as sessions are kept; null where none is. */
  readonly lastSignInAt: number | null
}

const countKeys = async ({ db, clock }: Dependencies, userId: string): Promise<number> => {
  const { keys } = await db
    .selectFrom('api_keys')
    .select(eb => eb.fn.countAll<number>().as('keys'))
    .where('user_id', '=', userId)
    .where('ended_at', 'is', null)
    .where(eb => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', clock.now())]))
    .executeTakeFirstOrThrow()
  return Number(keys)
}

const findLastSignIn = async (db: Database, userId: string): Promise<number | null> => {
  const { at } = await db
    .selectFrom('sessions')
    .select(eb => eb.fn.max('created_at').as('at'))
    .where('user_id', '=', userId)
    .executeTakeFirstOrThrow()
  return at === null ? null : Number(at)
}

const hasPassword = async (db: Database, userId: string): Promise<boolean> => {
  const { password_hash } = await db
    .selectFrom('users')
    .select('password_hash')
    .where('id', '=', userId)
    .executeTakeFirstOrThrow()
  return password_hash !== null
}

/**
 * One user who can sign in, as administrators see one.
 * @throws Refusal `not_found`, also for a service
 */
export const getAdministeredUser = async (
  dependencies: Dependencies,
  userId: string,
): Promise<AdministeredUser> => {
  const { db } = dependencies
  const user = await getPerson(db, userId)
  return {
    ...user,
    factors: {
      methods: await listMethods(db, userId),
      passkeys: (await listPasskeys(db, userId)).length,
      totp: (await findTotp(db, userId)) !== undefined,
      recoveryCodes: (await countRecoveryCodes(db, userId)).left,
    },
    hasPassword: await hasPassword(db, userId),
    sessions: (await listSessions(dependencies, userId)).length,
    apiKeys: await countKeys(dependencies, userId),
    lastSignInAt: await findLastSignIn(db, userId),
  }
}
