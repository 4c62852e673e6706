import type { Origin } from '../audit/record.ts'
import type { Held, Holdings } from '../backups/holdings.ts'
import type { Clock } from '../ground/clock.ts'
import type { Secrets } from '../ground/secrets.ts'
import type { HookDependencies } from '../hooks/emit.ts'
import type { MailDependencies } from '../mail/queue.ts'
import type { Processes } from '../processes/processes.ts'
import type { UserRow } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'

export type TakeBackDependencies = HookDependencies &
  MailDependencies & {
    readonly clock: Clock
    readonly secrets: Secrets
    readonly processes: Pick<Processes, 'holdSecretInForce'>
  }

/** What stands in the restored database, and what was held at the moment of the export. */
export type Sides = { readonly was: Holdings; readonly now: Holdings }

export type Taking = Sides & {
  readonly dependencies: TakeBackDependencies
  readonly work: Work
  readonly origin: Origin
  readonly secretId: string
  /** Fingerprints as the export has them. */
  readonly hide: (text: string) => string
}

/** @returns how much was taken */
export type Take = (taking: Taking) => Promise<number>

/** The columns of a user, as `holdings` reads them. */
export const userOf = (held: Held, id: string) => {
  const values = held.get(id)
  if (values === undefined) return undefined
  const [version, isDisabled, isDeleted, password, address, isDue] = values
  return { version: Number(version), isDisabled, isDeleted, password, address, isDue }
}

export const lostKeys = (was: Held, now: Held): readonly string[] =>
  [...was.keys()].filter(key => !now.has(key))

export const usersWhere = (
  { was, now }: Sides,
  holds: (was: NonNullable<ReturnType<typeof userOf>>, now: ReturnType<typeof userOf>, id: string) => boolean,
): readonly string[] =>
  [...was.users.keys()].filter(id => {
    const before = userOf(was.users, id)
    return before !== undefined && before.isDeleted === 0 && holds(before, userOf(now.users, id), id)
  })

export const eachUser = async (
  { work }: Taking,
  ids: readonly string[],
  take: (user: UserRow) => Promise<unknown>,
): Promise<number> => {
  let count = 0
  for (const id of ids) {
    const user = await work.db.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst()
    // What was taken before may have been all of it.
    if (user === undefined || user.deleted_at !== null) continue
    await take(user)
    count += 1
  }
  return count
}

export const setUser = async (
  { work: { db, beforeLock } }: Taking,
  id: string,
  columns: Partial<
    Pick<
      UserRow,
      'version' | 'disabled_at' | 'email' | 'email_key' | 'email_verified_at' | 'password_change_due'
    >
  >,
): Promise<void> => {
  beforeLock('user')
  await db.updateTable('users').set(columns).where('id', '=', id).execute()
}

export const isService = ({ kind }: UserRow): boolean => kind === 'service'
