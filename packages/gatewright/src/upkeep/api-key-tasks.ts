import { endApiKeys } from '../api-keys/api-keys.ts'
import { systemOrigin } from '../audit/record.ts'
import { day } from '../ground/clock.ts'
import { tellOwner } from '../mail/notices.ts'
import type { ApiKeyRow } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'
import type { Batch, TaskDependencies } from './task.ts'

const mostAtOnce = 50

/** Of these users those that nobody else has at this moment, locked in the order in which everybody locks them. */
const lockOwners = async ({ db, beforeLock }: Work, ids: readonly string[]): Promise<ReadonlySet<string>> => {
  if (ids.length === 0) return new Set()
  beforeLock('user')
  const rows = await db
    .selectFrom('users')
    .select('id')
    .where('id', 'in', [...new Set(ids)])
    .orderBy('id')
    .forNoKeyUpdate()
    .skipLocked()
    .execute()
  return new Set(rows.map(({ id }) => id))
}

const toBatch = (found: number, done: number): Batch => ({
  rows: done,
  isLast: found < mostAtOnce || done === 0,
})

/** Ends keys whose time is over, so that their rows go one day: nobody is let in by one before either. */
export const endExpiredKeys = async (dependencies: TaskDependencies, work: Work): Promise<Batch> => {
  const expired = await work.db
    .selectFrom('api_keys')
    .select(['id', 'user_id'])
    .where('ended_at', 'is', null)
    .where('expires_at', '<=', dependencies.clock.now())
    .orderBy('expires_at')
    .limit(mostAtOnce)
    .execute()
  const owners = await lockOwners(
    work,
    expired.map(key => key.user_id),
  )
  let ended = 0
  for (const userId of owners) {
    const only = expired.filter(key => key.user_id === userId).map(({ id }) => id)
    const choice = { userId, only }
    ended += (await endApiKeys(dependencies, work, choice, { reason: 'expired', origin: systemOrigin }))
      .length
  }
  return toBatch(expired.length, ended)
}

/** So long before its end its owner is told of it, where the key lived at least twice as long. */
const reminderBefore = 14 * day

type Due = Pick<ApiKeyRow, 'id' | 'name' | 'user_id' | 'expires_at' | 'made_by'> & { readonly kind: string }

const findDue = ({ db }: Work, now: number): Promise<Due[]> =>
  db
    .selectFrom('api_keys')
    .innerJoin('users', 'users.id', 'api_keys.user_id')
    .select(['api_keys.id', 'api_keys.name', 'api_keys.user_id', 'expires_at', 'made_by', 'users.kind'])
    .where('api_keys.ended_at', 'is', null)
    .where('api_keys.replaced_by', 'is', null)
    .where('api_keys.reminded_at', 'is', null)
    .where('api_keys.expires_at', '>', now)
    .where('api_keys.expires_at', '<=', now + reminderBefore)
    .where(eb => eb(eb('api_keys.expires_at', '-', eb.ref('api_keys.created_at')), '>=', 2 * reminderBefore))
    .orderBy('api_keys.expires_at')
    .limit(mostAtOnce)
    .execute()

/** A service reads no mail: whoever made its key is told. */
const readerOf = ({ kind, user_id, made_by }: Due): string | null => (kind === 'service' ? made_by : user_id)

/** Tells owners in time which of their keys end, once each. */
export const remindOfKeys = async (dependencies: TaskDependencies, work: Work): Promise<Batch> => {
  const now = dependencies.clock.now()
  const secretId = await dependencies.processes.secretInForce(work)
  const due = await findDue(work, now)
  const readers = await lockOwners(
    work,
    due.flatMap(key => readerOf(key) ?? []),
  )
  const told = due.filter(key => readers.has(readerOf(key) ?? '') || readerOf(key) === null)
  for (const key of told) {
    await work.db.updateTable('api_keys').set({ reminded_at: now }).where('id', '=', key.id).execute()
    const userId = readerOf(key)
    if (userId === null || key.expires_at === null) continue
    const values = { key: key.name, until: new Date(key.expires_at).toISOString().slice(0, 10) }
    const notice = 'api-key-expiring'
    await tellOwner(dependencies, work, { userId, notice, values, origin: systemOrigin, secretId })
  }
  return toBatch(due.length, told.length)
}
