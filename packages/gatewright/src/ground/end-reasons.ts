/** Why a session may have ended: the ids that its row, its event and its owner's answer have. */
export const endReasons = [
  'logout',
  'ended_by_owner',
  'ended_by_administrator',
  'idle',
  'expired',
  'renewed',
  'password_changed',
  'second_factor_removed',
  'second_factors_reset',
  'password_reset',
  'password_change_forced',
  'email_change_undone',
  'denied_by_owner',
  'refresh_token_reused',
  'refresh_token_ahead',
  'user_disabled',
  'user_deleted',
  'too_many_sessions',
  'secret_retired',
  'cut_off_written_back',
  'restored',
] as const

/** Why a session ended. */
export type EndReason = (typeof endReasons)[number]
