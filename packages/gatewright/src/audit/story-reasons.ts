import type { EndReason } from '../ground/end-reasons.ts'

/** Why a session ended, behind "the session ended". `{who}` is whoever did it. */
export const endings: Readonly<Record<EndReason, string>> = {
  logout: 'because {who} signed out',
  ended_by_owner: 'because {who} signed it out from another device',
  ended_by_administrator: 'because {who} ended it',
  idle: 'because it was not used for too long',
  expired: 'because it had lasted as long as a session may',
  renewed: 'and goes on under a new id, because {who} showed once more who they are',
  password_changed: 'because {who} changed the password on another device',
  second_factor_removed: 'because {who} removed a second factor',
  second_factors_reset: 'because {who} reset the second factors',
  password_reset: 'because the password was reset by a link from a mail',
  password_change_forced: 'because {who} asked for a new password',
  email_change_undone: 'because a change of the e-mail address was taken back by the link at the former one',
  denied_by_owner: 'because the owner said “that was not me” by the link of a mail',
  refresh_token_reused: 'because an old refresh token was used: it may have been copied',
  refresh_token_ahead: 'because a refresh token was newer than the database, which went back',
  user_disabled: 'because {who} disabled the user',
  user_deleted: 'because {who} deleted the user',
  too_many_sessions: 'to make room: a user has at most 100 sessions, and it was the longest unused',
  secret_retired: 'because {who} took the secret that it rested on out of use',
  cut_off_written_back: 'because it had ended before the database went back, and was ended once more',
  restored: 'because the database was restored from a backup',
}

/** Why something was refused or ended, by its reason id, behind "because". */
export const becauses: Readonly<Record<string, string>> = {
  unknown_user: 'nobody has that name',
  wrong_password: 'the password was wrong',
  throttled: 'too many wrong ones were tried before',
  user_disabled: 'the user is disabled',
  factor_not_shown: 'none was shown',
  no_such_factor: 'the user has none of that kind',
  wrong_code: 'the code was wrong',
  replayed_code: 'the code was used before',
  challenge_over: 'the sign-in had taken too long, or was tried too often',
  passkey_challenge: 'its challenge was used or too old',
  passkey_unknown: 'nobody has that passkey',
  passkey_of_another: 'the passkey is another user’s',
  passkey_cloned: 'there are two of that passkey',
  breached_password: 'it is known from a breach',
  breach_service_away: 'the list of breaches could not be asked',
  first_password: 'it was the first one',
  change_was_due: 'a new one was asked for',
  revoked: 'it was revoked',
  rotated: 'another took its place',
  password_reset: 'the password was reset',
  email_change_undone: 'a change of the e-mail address was taken back',
  denied_by_owner: 'the owner said “that was not me”',
  user_deleted: 'the user was deleted',
  cut_off_written_back: 'it had ended before the database went back',
  restored: 'the database was restored from a backup',
  token_expired: 'it had expired',
  cut_off: 'it had ended',
  ended: 'it had ended',
  key_ended: 'the key has ended',
  key_expired: 'the key has expired',
  key_address: 'the key is not taken from there',
  key_unknown: 'there is no such key',
  key_secret: 'its secret is wrong',
  key_owner_disabled: 'its owner is disabled',
  key_revoked: 'the key that signed it was revoked',
  token_signature: 'its signature is wrong',
  cookie_unknown: 'nobody was given that cookie',
  insufficient_permission: 'a permission is lacking',
  second_factor_required: 'the session has shown no second factor',
  insufficient_user_authentication: 'the sign-in was not recent enough',
  kind_of_principal: 'this kind of caller is not let in there',
  hidden: 'it is somebody else’s',
  origin: 'another site sent it',
  csrf_token: 'the CSRF token was missing or wrong',
  several_credentials: 'it had more than one credential',
  idempotency_key_reused: 'its idempotency key stands for another request',
  asked_for: 'it was asked for',
  kept_long_enough: 'it was kept for long enough',
  others: 'of several reasons',
}

/** `because the password was wrong`; a reason that has no words is named by its id. Of a session, why it ended. */
export const because = (reason: string | null): string => {
  if (reason === null) return ''
  const words = becauses[reason]
  if (words !== undefined) return `because ${words}`
  const ending = (endings as Readonly<Record<string, string>>)[reason]
  return ending === undefined || ending.includes('{who}') ? `(${reason})` : ending
}
