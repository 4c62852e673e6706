import { toTimestamp, toTimestampOrNull } from '../ground/clock.ts'
import type { SigningKeyRow } from '../storage/tables.ts'

/** A signing key as the command line's JSON shows one. */
export const toKeyView = (row: SigningKeyRow) => ({
  kid: row.kid,
  algorithm: row.algorithm,
  state: row.state,
  published_at: toTimestamp(row.created_at),
  activated_at: toTimestampOrNull(row.activated_at),
  retired_at: toTimestampOrNull(row.retired_at),
  gone_at: toTimestampOrNull(row.gone_at),
  revoked_at: toTimestampOrNull(row.revoked_at),
})
