import { toTimestamp, toTimestampOrNull } from '../ground/clock.ts'
import type { SigningKeyRow } from '../storage/tables.ts'

/** A signing key as administrators see one: never a part of the key itself. */
export const toSigningKeyView = (row: SigningKeyRow) => ({
  kid: row.kid,
  algorithm: row.algorithm,
  state: row.state,
  published_at: toTimestamp(row.created_at),
  activated_at: toTimestampOrNull(row.activated_at),
  retired_at: toTimestampOrNull(row.retired_at),
  gone_at: toTimestampOrNull(row.gone_at),
  revoked_at: toTimestampOrNull(row.revoked_at),
})
