/**
 * What happened to an account, for its owner, in English: by the name of the event; of an ended session by the reason;
 * of what was refused why. A sentence never says who it was: the page says it beside.
 */
export const en = {
  events: {
    'user.registered': 'The account was made.',
    'user.created': 'The account was made.',
    'user.disabled': 'The account was disabled, and everything of it ended.',
    'user.enabled': 'The account was enabled again.',
    'user.exported': 'A copy of everything that is kept of the account was taken.',
    'user.roles-changed': 'The roles were changed.',
    'user.password-changed': 'The password was changed.',
    'user.password-change-forced': 'A new password was asked for, and every session ended.',
    'user.password-change-asked': 'A sign-in was right, and asked for a new password first.',
    'user.email-change-asked': 'Another e-mail address was asked for.',
    'user.email-verified': 'The e-mail address was verified.',
    'user.email-changed': 'Another e-mail address was verified, and counts since then.',
    'user.email-change-undone':
      'A change of the e-mail address was taken back by a link in a mail, and everything ended.',
    'user.denied': 'Somebody said “that was not me” by a link in a mail, and every session ended.',
    'user.password-reset': 'The password was reset by a link in a mail, and everything ended.',
    'known-device.proved': 'A browser became a known one by a link in a mail.',
    'password.taken-with-doubt': 'The new password may be known from a breach.',
    'administrator.set-up': 'The account was made, as the first administrator.',
    'link.refused': 'A link from a mail was followed that opened nothing any more.',
    'sign-in.failed': 'A sign-in failed: {why}.',
    'second-factor.asked': 'The first half of a sign-in was right, and asked for a second factor.',
    'second-factor.failed': 'A second factor was refused: {why}.',
    'second-factor.added': 'A second factor was added.',
    'second-factor.removed': 'A second factor was removed.',
    'second-factors.reset': 'All second factors were removed.',
    'recovery-codes.renewed': 'New recovery codes were made.',
    'recovery-code.used': 'A recovery code was used; {left} are left.',
    'credential.refused': 'Something that was signed in before was refused: {why}.',
    'access.refused': 'Something was refused: {why}.',
    'limit.exceeded': 'Too many requests were made at once.',
    'request.refused': 'A request was refused whose form was odd.',
    'passkey.cloned': 'A passkey was refused, for there are two of it. Remove it.',
    'session.started': 'Signed in.',
    'session.refreshed': 'A session went on.',
    'session.refresh-retried': 'A session went on, after a try that was lost.',
    'session.renewed': 'It was confirmed once more who it is, and the session goes on.',
    'device.forgotten': 'A known device was forgotten.',
    'device.brought-back': 'A known device was brought back.',
    'access.explained': 'It was asked what this account may do, and why.',
    'api-key.made': 'The API key “{name}” was made.',
    'api-key.rotated': 'The API key “{name}” was replaced by a new one.',
    'api-key.ended': 'The API key “{name}” ended.',
    'refresh-token.reused':
      'An old key of a session was used. It may have been copied, so the session ended.',
    'refresh-token.ahead': 'The key of a session was newer than the server knew, so the session ended.',
    'identity.linked': 'A sign-in of another service was linked to the account.',
    'identity.unlinked': 'The link to a sign-in of another service was taken away.',
    'issuer.token-used': 'A sign-in of another service acted for the account.',
    'unusual.many-failures': 'There were {count} wrong passwords within a day.',
    'unusual.new-device': 'Signed in on a device that was never seen before.',
    'unusual.success-after-failures':
      'Signed in on a device that is not known, after {count} wrong passwords.',
    'unusual.wrong-factor': 'The password was right, and the second factor was wrong {count} times.',
    'unusual.refresh-reuse': 'An old key of a session was used, which is unusual.',
    'unusual.administrator-from-new-network': 'Signed in from a network that is new for this account.',
  },
  ended: {
    logout: 'You signed out on {time}.',
    ended_by_owner: 'You were signed out from another device of yours on {time}.',
    ended_by_administrator: 'You were signed out by an administrator on {time}.',
    idle: 'You were signed out because you were away for too long, on {time}.',
    expired: 'You were signed out because the session had lasted as long as one may, on {time}.',
    renewed: 'The session went on under a new name on {time}.',
    password_changed: 'You were signed out because your password was changed on {time}.',
    second_factor_removed: 'You were signed out because a second factor was removed on {time}.',
    second_factors_reset: 'You were signed out because your second factors were reset on {time}.',
    password_reset: 'You were signed out because your password was reset by a link in a mail on {time}.',
    password_change_forced:
      'You were signed out because an administrator asked for a new password on {time}.',
    email_change_undone:
      'You were signed out because a change of your e-mail address was taken back on {time}.',
    denied_by_owner:
      'You were signed out because somebody said “that was not me” by a link in a mail on {time}.',
    refresh_token_reused:
      'You were signed out to be safe, on {time}: an old key of the session was used. Perhaps only an answer was lost.',
    refresh_token_ahead: 'You were signed out to be safe, on {time}: the server’s data went back.',
    user_disabled: 'You were signed out because the account was disabled on {time}.',
    user_deleted: 'You were signed out because the account was deleted on {time}.',
    too_many_sessions:
      'You were signed out on {time} to make room for a new sign-in: there were 100 of them.',
    secret_retired: 'You were signed out because the server’s secret was changed on {time}.',
    cut_off_written_back:
      'You were signed out on {time}: the session had ended before the server’s data went back.',
    restored: 'You were signed out because the server was restored from a backup on {time}.',
    other: 'Your session ended on {time}.',
  },
  why: {
    wrong_password: 'the password was wrong',
    throttled: 'there were too many wrong tries before',
    user_disabled: 'the account is disabled',
    wrong_code: 'the code was wrong',
    replayed_code: 'the code was used before',
    factor_not_shown: 'none was shown',
    no_such_factor: 'there is none of that kind',
    challenge_over: 'it took too long, or was tried too often',
    token_expired: 'its time was over',
    insufficient_permission: 'a permission is lacking',
    second_factor_required: 'it asks for a second factor',
    insufficient_user_authentication: 'it asks for a recent sign-in',
    hidden: 'it belongs to somebody else',
    key_ended: 'the API key has ended',
    key_expired: 'the API key has expired',
    key_address: 'the API key is not taken from there',
    ended: 'the session had ended',
    other: 'it could not be taken',
  },
} as const

type Sentences<Of> = { readonly [Name in keyof Of]: string }

/** Every language has all of them. */
export type OwnStories = { readonly [Part in keyof typeof en]: Sentences<(typeof en)[Part]> }
