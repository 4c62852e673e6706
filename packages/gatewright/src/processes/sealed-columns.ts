import type { Purpose } from '../ground/secrets.ts'

/** A column whose values are sealed, each for the id of its own row. One that was erased is empty. */
export type SealedColumn = {
  readonly table: string
  readonly key: string
  readonly column: string
  readonly purpose: Purpose
}

/** Everything sealed in the database. What a later version seals is a row here, and is moved to a new secret. */
export const sealedColumns: readonly SealedColumn[] = [
  { table: 'signing_keys', key: 'kid', column: 'private_key', purpose: 'signing-key' },
  { table: 'audit_keys', key: 'id', column: 'private_key', purpose: 'audit-key' },
  { table: 'mails', key: 'id', column: 'content', purpose: 'mail' },
  { table: 'totp_factors', key: 'id', column: 'secret', purpose: 'totp' },
  { table: 'totp_enrolments', key: 'session_id', column: 'secret', purpose: 'totp' },
]
