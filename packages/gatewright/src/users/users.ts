import { type SqlBool, sql } from 'kysely'
import type { Clock } from '../ground/clock.ts'
import { toTimestamp } from '../ground/clock.ts'
import { sha256 } from '../ground/encoding.ts'
import { newId, type Random } from '../ground/random.ts'
import { Refusal } from '../ground/refusal.ts'
import { isSqlite } from '../storage/columns.ts'
import { prepare } from '../storage/prepared.ts'
import type { Database, UserRow } from '../storage/tables.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import { type Locale, toLocale } from './locale.ts'
import type { PasswordHash } from './password-hasher.ts'
import { parseUserFields, type UserFieldValues } from './user-fields.ts'
import { type UsernameKey, usernameKey } from './username.ts'

export type User = {
  readonly id: string
  readonly username: string
  readonly email: string | null
  readonly emailVerified: boolean
  readonly roles: readonly string[]
  readonly version: number
  readonly disabledAt: number | null
  readonly createdAt: number
  readonly locale: Locale
  /** The password was reset, and nobody has said since that what outlived the reset is the owner's. */
  readonly reviewDue: boolean
  /** An administrator asked for a new password, and none was set since. */
  readonly passwordChangeDue: boolean
  /** A service has no password, and signs in nowhere. */
  readonly kind: 'user' | 'service'
  /** The application's own fields as they are stored: show them through `showUserFields`. */
  readonly fields: UserFieldValues
}

/** What everybody who may read users may see of one. */
export const toPublicUser = (user: Pick<User, 'id' | 'username' | 'createdAt'>) => ({
  id: user.id,
  username: user.username,
  created_at: toTimestamp(user.createdAt),
})

/** A user as the row and the roles say. */
export const toUser = (row: UserRow, roles: readonly string[]): User => ({
  id: row.id,
  username: row.username,
  email: row.email,
  emailVerified: row.email_verified_at !== null,
  roles,
  version: row.version,
  disabledAt: row.disabled_at,
  createdAt: row.created_at,
  locale: toLocale(row.locale),
  reviewDue: row.review_due === 1,
  passwordChangeDue: row.password_change_due === 1,
  kind: row.kind === 'service' ? 'service' : 'user',
  fields: parseUserFields(row.fields),
})

/** E-mail addresses are compared by NFKC and lower case. */
export const emailKey = (email: string): string => email.normalize('NFKC').toLowerCase()

const selectRoles = prepare<{ userId: string }, { role: string }>((db, value) =>
  db.selectFrom('user_roles').select('role').where('user_id', '=', value('userId')).orderBy('role'),
)

/** The names of a user's roles, in alphabetical order. */
export const listRoles = async (db: Database, userId: string): Promise<readonly string[]> => {
  const { rows } = await selectRoles(db, { userId })
  return rows.map(row => row.role)
}

/** Looks up the roles of these users, with one query. */
export const findRoles = async (
  db: Database,
  ids: readonly string[],
): Promise<(userId: string) => readonly string[]> => {
  if (ids.length === 0) return () => []
  const rows = await db
    .selectFrom('user_roles')
    .select(['user_id', 'role'])
    .where('user_id', 'in', ids)
    .orderBy('role')
    .execute()
  const byUser = Map.groupBy(rows, row => row.user_id)
  return userId => (byUser.get(userId) ?? []).map(({ role }) => role)
}

/** What a submitted name is compared by: a username has no `@`, an address has one. */
export const nameKey = (name: string): string => (name.includes('@') ? emailKey(name) : usernameKey(name))

/**
 * The row that a submitted name means: a username, or a verified e-mail address. One query, always. A service
 * signs in nowhere: its name means nobody.
 */
export const findUserByName = (db: Database, name: string): Promise<UserRow | undefined> => {
  const query = db.selectFrom('users').selectAll().where('kind', '=', 'user')
  const key = nameKey(name)
  return name.includes('@')
    ? query.where('email_key', '=', key).where('email_verified_at', 'is not', null).executeTakeFirst()
    : query.where('username_key', '=', key).executeTakeFirst()
}

export const findUser = async (db: Database, userId: string): Promise<User | undefined> => {
  const row = await db
    .selectFrom('users')
    .selectAll()
    .where('id', '=', userId)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return row && toUser(row, await listRoles(db, userId))
}

/** @throws Refusal `not_found` */
export const getUser = async (db: Database, userId: string): Promise<User> => {
  const user = await findUser(db, userId)
  if (user === undefined) throw new Refusal('not_found')
  return user
}

/**
 * A user who can sign in: a service is none.
 * @throws Refusal `not_found`
 */
export const getPerson = async (db: Database, userId: string): Promise<User> => {
  const user = await getUser(db, userId)
  if (user.kind !== 'user') throw new Refusal('not_found')
  return user
}

/** The users of these ids that there still are, by id. */
export const listUsersById = async (
  db: Database,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Pick<User, 'id' | 'username' | 'createdAt' | 'fields'>>> => {
  if (ids.length === 0) return new Map()
  const rows = await db
    .selectFrom('users')
    .selectAll()
    .where('id', 'in', [...new Set(ids)])
    .where('deleted_at', 'is', null)
    .execute()
  return new Map(rows.map(row => [row.id, toUser(row, [])]))
}

export type Page = { readonly page: number; readonly perPage: number }

/** In the words of the index `users_listed_by_age`, so that it is taken: to count, and past the pages before. */
const isListed = sql<SqlBool>`users.kind = 'user' and users.deleted_at is null`

/** One page of those who can sign in, oldest first, and how many there are in all. */
export const listUsers = async (
  db: Database,
  { page, perPage }: Page,
): Promise<{ readonly users: readonly User[]; readonly total: number }> => {
  const rows = await db
    .selectFrom('users')
    .selectAll()
    .where(isListed)
    .orderBy('created_at')
    .orderBy('id')
    .limit(perPage)
    .offset((page - 1) * perPage)
    .execute()
  const { total } = await db
    .selectFrom('users')
    .select(eb => eb.fn.countAll<number>().as('total'))
    .where(isListed)
    .executeTakeFirstOrThrow()
  const rolesOf = await findRoles(
    db,
    rows.map(({ id }) => id),
  )
  return { users: rows.map(row => toUser(row, rolesOf(row.id))), total: Number(total) }
}

export type NewUser = {
  readonly username: string
  readonly key: UsernameKey
  readonly email: string | null
  /** Whether its owner has shown already that it is the own one. */
  readonly emailVerified?: boolean
  /** Null for whoever chooses the first one by a link. */
  readonly passwordHash: PasswordHash | null
  readonly roles: readonly string[]
  readonly fields?: UserFieldValues
  /** English without a word. */
  readonly locale?: Locale | undefined
}

/** Whether somebody has verified this address. */
export const isVerified = async (db: Database, email: string): Promise<boolean> => {
  const owner = await db
    .selectFrom('users')
    .select('id')
    .where('email_key', '=', emailKey(email))
    .where('email_verified_at', 'is not', null)
    .executeTakeFirst()
  return owner !== undefined
}

/**
 * Inserts a user with its roles. The unique key decides between two who ask for one name at once.
 * An e-mail address that another user has is taken as it is, unverified: nobody learns of the other.
 * @throws Refusal `username_taken`
 */
export const insertUser = async (
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  work: Work,
  { username, key, email, emailVerified = false, passwordHash, roles, fields = {}, locale = 'en' }: NewUser,
): Promise<User> => {
  const row: UserRow = {
    ...newUserRow({ clock, random }, { username, key }),
    email,
    email_key: email && emailKey(email),
    email_verified_at: emailVerified ? clock.now() : null,
    password_hash: passwordHash,
    fields: JSON.stringify(fields),
    locale,
  }
  await insertUserRow(work, row, roles)
  return toUser(row, [...roles].sort())
}

/** A row without address, password and anything else that somebody could sign in with. */
export const newUserRow = (
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  { username, key }: Pick<NewUser, 'username' | 'key'>,
): UserRow => ({
  id: newId(random),
  username,
  username_key: key,
  email: null,
  email_key: null,
  email_verified_at: null,
  password_hash: null,
  version: 1,
  disabled_at: null,
  created_at: clock.now(),
  fields: '{}',
  deleted_at: null,
  locale: 'en',
  password_needs_factor: 0,
  review_due: 0,
  kind: 'user',
  password_change_due: 0,
  former_password_hash: null,
  description: null,
})

/** The unique key decides between two who ask for one name at once. @throws Refusal `username_taken` */
export const insertUserRow = async (
  { db, beforeLock }: Work,
  row: UserRow,
  roles: readonly string[],
): Promise<void> => {
  beforeLock('user')
  const result = await db
    .insertInto('users')
    .values(row)
    .onConflict(conflict => conflict.column('username_key').doNothing())
    .executeTakeFirst()
  if (result.numInsertedOrUpdatedRows !== 1n) throw new Refusal('username_taken')
  await refuseReserved(db, row.username_key as UsernameKey, row.created_at)
  await insertRoles(db, row.id, roles, row.created_at)
}

/** Looked at after the insertion: whoever deletes the name's last user at this moment has committed by then. */
const refuseReserved = async (db: Work['db'], key: UsernameKey, now: number): Promise<void> => {
  const reserved = await db
    .selectFrom('reserved_usernames')
    .select('until')
    .where('username_hash', '=', sha256(key))
    .where('until', '>', now)
    .executeTakeFirst()
  if (reserved !== undefined) throw new Refusal('username_taken')
}

/** The language of mail to a user. */
export const changeLocale = (database: Database, userId: string, locale: Locale): Promise<void> =>
  inTransaction(database, async ({ db, beforeLock }) => {
    beforeLock('user')
    await db.updateTable('users').set({ locale }).where('id', '=', userId).execute()
  })

/** The owner has looked at what outlived a reset of the password. */
export const noteReview = (database: Database, userId: string): Promise<void> =>
  inTransaction(database, async ({ db, beforeLock }) => {
    beforeLock('user')
    await db.updateTable('users').set({ review_due: 0 }).where('id', '=', userId).execute()
  })

const insertRoles = async (
  db: Work['db'],
  userId: string,
  roles: readonly string[],
  now: number,
): Promise<void> => {
  if (roles.length === 0) return
  await db
    .insertInto('user_roles')
    .values(roles.map(role => ({ user_id: userId, role, granted_at: now })))
    .onConflict(conflict => conflict.columns(['user_id', 'role']).doNothing())
    .execute()
}

/** The roles named replace those held. One that stays was granted when it was. */
export const replaceRoles = async (
  { clock }: { readonly clock: Pick<Clock, 'now'> },
  { db }: Work,
  userId: string,
  roles: readonly string[],
): Promise<void> => {
  await db
    .deleteFrom('user_roles')
    .where('user_id', '=', userId)
    .$if(roles.length > 0, query => query.where('role', 'not in', roles))
    .execute()
  await insertRoles(db, userId, roles, clock.now())
}

/**
 * Locks the user's row until the transaction ends: whoever changes something of that user waits, so what is
 * read from here on stays true. Everything that judges and then changes sessions locks the user first.
 */
export const lockUser = async (work: Work, userId: string): Promise<void> => {
  work.beforeLock('user')
  // SQLite's transactions hold the one lock for writing from their beginning.
  if (!isSqlite(work.db)) await selectLocked(work.db, { userId })
}

/** The same, and gives the row. */
export const lockAndGetUser = async (
  { db, beforeLock }: Work,
  userId: string,
): Promise<UserRow | undefined> => {
  beforeLock('user')
  return (await selectLocked(db, { userId })).rows[0]
}

const selectLocked = prepare<{ userId: string }, UserRow>((db, value) =>
  db.selectFrom('users').selectAll().where('id', '=', value('userId')).forNoKeyUpdate(),
)

/** Locks the user's row and raises its version: what was begun before can no longer be finished. */
export const raiseVersion = async ({ db, beforeLock }: Work, userId: string): Promise<number> => {
  beforeLock('user')
  const row = await db
    .updateTable('users')
    .set(eb => ({ version: eb('version', '+', 1) }))
    .where('id', '=', userId)
    .where('deleted_at', 'is', null)
    .returning('version')
    .executeTakeFirst()
  if (row === undefined) throw new Refusal('not_found')
  return row.version
}
