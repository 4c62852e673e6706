import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Clock } from '../ground/clock.ts'
import type { Random } from '../ground/random.ts'
import { Refusal } from '../ground/refusal.ts'
import { isBehind, type KeyedOrder, type KeyedPage, type KeyedRange, toKeyedPage } from '../storage/keyset.ts'
import type { Database, UserRow } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'
import { type UsernameKey, usernameKey } from './username.ts'
import { findRoles, insertUserRow, listRoles, newUserRow } from './users.ts'

/**
 * A user of kind `service`: a program. It has no password, no address and no sign-in, only API keys, and belongs to
 * the administrators together.
 */
export type Service = {
  readonly id: string
  /** One of the usernames: a service and a user never share one. */
  readonly name: string
  readonly description: string | null
  readonly roles: readonly string[]
  readonly disabledAt: number | null
  readonly createdAt: number
}

const toService = (row: UserRow, roles: readonly string[]): Service => ({
  id: row.id,
  name: row.username,
  description: row.description,
  roles,
  disabledAt: row.disabled_at,
  createdAt: row.created_at,
})

/** In the words of the index `services_by_age`, so that it is taken. */
const isService: RawBuilder<SqlBool> = sql`users.kind = 'service' and users.deleted_at is null`

const selectServices = (db: Database) => db.selectFrom('users').selectAll().where(isService)

/** @throws Refusal `not_found`, also for a user who is a person */
export const getService = async (db: Database, id: string): Promise<Service> => {
  const row = await selectServices(db).where('id', '=', id).executeTakeFirst()
  if (row === undefined) throw new Refusal('not_found')
  return toService(row, await listRoles(db, id))
}

export const findServiceByName = async (db: Database, name: string): Promise<Service | undefined> => {
  const row = await selectServices(db).where('username_key', '=', usernameKey(name)).executeTakeFirst()
  return row && toService(row, await listRoles(db, row.id))
}

const byAge: KeyedOrder = { key: 'users.created_at', id: 'users.id' }

/** A page of services, oldest first, behind a place. */
export const listServicesBehind = async (
  db: Database,
  { limit, after }: KeyedRange,
): Promise<KeyedPage<Service>> => {
  const rows = await selectServices(db)
    .where(isBehind(byAge, after))
    .orderBy('created_at')
    .orderBy('id')
    .limit(limit + 1)
    .execute()
  const page = toKeyedPage(rows, limit, row => ({ key: row.created_at, id: row.id }))
  const rolesOf = await findRoles(
    db,
    page.rows.map(({ id }) => id),
  )
  return { ...page, rows: page.rows.map(row => toService(row, rolesOf(row.id))) }
}

export type NewServiceRow = {
  readonly username: string
  readonly key: UsernameKey
  readonly description: string | null
  readonly roles: readonly string[]
}

/** @throws Refusal `username_taken`, by a user as well */
export const insertService = async (
  dependencies: { readonly clock: Clock; readonly random: Random },
  work: Work,
  { description, roles, ...name }: NewServiceRow,
): Promise<Service> => {
  const row: UserRow = { ...newUserRow(dependencies, name), kind: 'service', description }
  await insertUserRow(work, row, roles)
  return toService(row, roles)
}
