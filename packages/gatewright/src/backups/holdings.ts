import { sql } from 'kysely'
import { isIndexedEvent } from '../audit/indexed-events.ts'
import { hideText, type Secrets } from '../ground/secrets.ts'
import type { Database, DatabaseTransaction } from '../storage/tables.ts'

/** Numbers and texts of one thing that is held; times in milliseconds. */
type Value = string | number | null
/** By the key of the thing: an id, or ids with a space between. */
export type Held = ReadonlyMap<string, readonly Value[]>

type Source = Database | DatabaseTransaction
/** A text as a fingerprint: nobody without the secret can guess what stands behind it. */
type Hide = (text: string) => string
type Read = (db: Source, hide: Hide) => Promise<readonly (readonly [string, ...Value[]])[]>

const hidden = (hide: Hide, text: string | null): string | null => (text === null ? null : hide(text))

/**
 * Everything by which somebody gets in or may do something, and what keeps others out: to each kind how it is read.
 * Whatever is taken from somebody is missing in a later reading, or says so: nothing of it is a password, a hash
 * of one, an address or a name of a person.
 */
export const holdings = {
  users: async (db, hide) => {
    const columns = ['id', 'version', 'disabled_at', 'deleted_at', 'password_change_due'] as const
    const rows = await db
      .selectFrom('users')
      .select([...columns, 'password_hash', 'email_key', 'email_verified_at'])
      .execute()
    return rows.map(row => [
      row.id,
      row.version,
      row.disabled_at === null ? 0 : 1,
      row.deleted_at === null ? 0 : 1,
      hidden(hide, row.password_hash),
      row.email_verified_at === null ? null : hidden(hide, row.email_key),
      row.password_change_due,
    ])
  },
  user_roles: async db => {
    const rows = await db.selectFrom('user_roles').select(['user_id', 'role']).execute()
    return rows.map(({ user_id, role }) => [`${user_id} ${role}`])
  },
  roles: async db => {
    const rows = await db.selectFrom('roles').select('name').execute()
    return rows.map(({ name }) => [name])
  },
  role_permissions: async db => {
    const rows = await db.selectFrom('role_permissions').select(['role', 'permission']).execute()
    return rows.map(({ role, permission }) => [`${role} ${permission}`])
  },
  api_keys: async db => {
    const rows = await db
      .selectFrom('api_keys')
      .select(['id', 'expires_at'])
      .where('ended_at', 'is', null)
      .execute()
    return rows.map(({ id, expires_at }) => [id, expires_at])
  },
  totp_factors: async db => {
    const rows = await db.selectFrom('totp_factors').select(['id', 'user_id', 'last_step']).execute()
    return rows.map(({ id, user_id, last_step }) => [id, user_id, last_step])
  },
  passkeys: async db => {
    const rows = await db.selectFrom('passkeys').select(['id', 'user_id', 'counter', 'cloned_at']).execute()
    return rows.map(({ id, user_id, counter, cloned_at }) => [id, user_id, counter, cloned_at])
  },
  recovery_codes: async (db, hide) => {
    const rows = await db.selectFrom('recovery_codes').select('code_hash').execute()
    return rows.map(({ code_hash }) => [hide(code_hash)])
  },
  identities: async (db, hide) => {
    const rows = await db.selectFrom('identities').select(['issuer', 'subject', 'user_id']).execute()
    return rows.map(({ issuer, subject, user_id }) => [hide(`${issuer} ${subject} ${user_id}`)])
  },
  blocked_issuers: async db => {
    const rows = await db.selectFrom('blocked_issuers').select('issuer').execute()
    return rows.map(({ issuer }) => [issuer])
  },
  reserved_usernames: async db => {
    const rows = await db.selectFrom('reserved_usernames').select(['username_hash', 'until']).execute()
    return rows.map(({ username_hash, until }) => [username_hash, until])
  },
  // Whose fields in the audit log somebody asked to be erased.
  erased: async db => {
    const rows = await db
      .selectFrom('audit_events')
      .select('user_id')
      .distinct()
      .where('event', '=', 'audit.erased')
      .where(isIndexedEvent)
      .where('reason', '=', 'asked_for')
      .where('user_id', 'is not', null)
      .execute()
    return rows.map(({ user_id }) => [String(user_id)])
  },
  installation: async db => {
    const { rows } = await sql<{ id: number }>`
      select 1 as id from installation where first_administrator_at is not null`.execute(db)
    return rows.length > 0 ? [['had-administrator']] : []
  },
} as const satisfies Record<string, Read>

export type HoldingKind = keyof typeof holdings
export type Holdings = Readonly<Record<HoldingKind, Held>>

export const holdingKinds = Object.keys(holdings) as readonly HoldingKind[]

export const hideWith =
  (secrets: Pick<Secrets, 'mac'>, secretId: string): Hide =>
  text =>
    hideText(secrets, 'backup', secretId, text)

/** What is held now, by kind. */
export const readHoldings = async (db: Source, hide: Hide): Promise<Holdings> => {
  const all: Partial<Record<HoldingKind, Held>> = {}
  for (const kind of holdingKinds)
    all[kind] = new Map((await holdings[kind](db, hide)).map(([key, ...values]) => [key, values]))
  return all as Holdings
}
