/**
 * Every audit event: its name and when it is written. Each is a row of `audit_events`, written in the
 * transaction of what it records; only refusals that change nothing are counted (`http/refusal-table.ts`).
 */
export const auditEvents = {
  'user.registered': 'A user registered.',
  'user.invited': 'Somebody was invited by mail to register with the roles that the details name.',
  'invitation.revoked': 'An invitation that was open was taken back.',
  'link.refused':
    'A link of a mail was followed that was used, has expired, ended or is for something else; the reason tells for what.',
  'user.created': 'An administrator or the command line created a user.',
  'user.disabled': 'A user was disabled; everything of the user ended.',
  'user.enabled': 'A user was enabled again.',
  'user.exported': 'A user took a copy of everything that is kept of the own account.',
  'user.deleted':
    'A user was deleted; everything of the user ended, and what was personal in the account was erased.',
  'user.roles-changed': 'The roles of a user were replaced.',
  'service.created': 'A service was created, with the roles that the details name.',
  'service.roles-changed': 'The roles of a service were replaced.',
  'service.disabled': 'A service was disabled; its API keys ended.',
  'service.enabled': 'A service was enabled again; keys that had ended stay ended.',
  'service.deleted': 'A service was deleted; its API keys ended, and its name and description were erased.',
  'role.created': 'An administrator or the command line made a role; the details say what it allows.',
  'role.changed':
    'What a role allows was changed, or what is said of it: at once for all who have it. The details have what it allowed before and after.',
  'role.deleted': 'A role was deleted that nobody had.',
  'user.password-changed': 'A user changed the own password.',
  'user.password-change-forced':
    'An administrator or the command line asked for a new password of a user; every session ended.',
  'user.password-change-asked':
    'What was shown at a sign-in was right, and a new password was asked for before anything else.',
  'user.email-change-asked': 'A user asked for another e-mail address, which counts once it is verified.',
  'user.email-verified': 'The first address of a user was verified, by the link that was sent there.',
  'user.email-changed': 'Another address of a user was verified, and counts from then on.',
  'user.email-change-undone':
    'A change of address was taken back by the link at the former one; everything of the user ended.',
  'known-device.proved':
    'A browser became a known one of a user by a link that was sent to the verified address, after many wrong passwords.',
  'user.denied': 'An owner said of something that was told by mail: that was not me. Every session ended.',
  'user.password-reset': 'A password was reset by a link from a mail; everything of the user ended.',
  'password.taken-with-doubt':
    'With BREACH_CHECK=warn a password was taken that is known from a breach, or while the service gave no answer; the reason tells which.',
  'administrator.set-up': 'The first administrator was made by the set-up link.',
  'setup-link.made': 'A set-up link was made.',
  'sign-in.failed': 'A sign-in or a confirmation of who somebody is failed; the reason tells why.',
  'second-factor.asked': 'The first half of a sign-in was right, and a second factor was asked for.',
  'second-factor.failed':
    'What was shown as a second factor was refused, at a sign-in or in a session; the reason tells why.',
  'second-factor.added': 'A user added a second factor.',
  'second-factor.removed': 'A user removed a second factor.',
  'second-factors.reset':
    'An administrator or the command line removed all second factors of a user; the reason tells why.',
  'recovery-codes.renewed':
    'A user was given a new set of recovery codes; those before it are good for nothing.',
  'recovery-code.used': 'A recovery code was taken as a second factor; the details say how many are left.',
  'credential.refused':
    'A token, cookie or API key was refused with 401: a row for the first of a kind, then one a minute with their count.',
  'access.refused':
    'Somebody may not do what was asked (403), or asked for what is somebody else’s and hidden; the details say what permission or rule was lacking. A row for the first of a kind, then one a minute with their count.',
  'limit.exceeded':
    'A limit was exceeded (429); the reason is its name. A row for the first of a kind, then one a minute with their count.',
  'request.refused':
    'A request was refused whose form is a sign of an attack: two credentials, a link that opens nothing, a body made for parsers that disagree, a key of another request. A row for the first of a kind, then one a minute with their count.',
  'passkey.cloned':
    'The counter of a passkey went back: there are two of it. It was refused, and neither is taken any more.',
  'session.started': 'A user signed in.',
  'session.refreshed': 'A refresh token was used and rotated, or was shown again inside its window.',
  'session.refresh-retried':
    'The refresh token before the live one was shown inside the window: a retry or another tab.',
  'session.renewed': 'A session went on under a new id.',
  'session.ended': 'A session ended; the reason tells why.',
  'session.all-ended':
    'The command line signed everybody out: every session ended, and every signing key was replaced.',
  'device.forgotten': 'A user forgot one of the own known devices.',
  'device.brought-back': 'A user brought one back that was forgotten a moment ago.',
  'access.explained':
    'An administrator or the command line asked whether somebody may do something, and why; the details say what was asked and answered.',
  'api-key.made': 'A key was made for a user or service; the details say what it may do, and until when.',
  'api-key.rotated': 'A key was made in the place of another, which ends at the time that the details say.',
  'api-key.ended': 'An API key ended; the reason tells why.',
  'refresh-token.reused': 'A refresh token older than the window allows was shown: its session ended.',
  'refresh-token.ahead': 'A refresh token newer than the database knows was shown: the database went back.',
  'cut-offs.written-back':
    'The database lacked cut-offs that a process knew, and was given them again: it went back, or is another one.',
  'database.adopted':
    'Somebody told that this database is the one to go on with: every session ended, and every signing key was replaced.',
  'signing-key.made': 'A signing key was made and published.',
  'signing-key.activated': 'A signing key signs from now on.',
  'signing-key.retired': 'A signing key signs no more; tokens that it signed are good until they expire.',
  'signing-key.gone': 'A signing key is no longer needed; its private half was erased.',
  'signing-key.revoked': 'A signing key was revoked; every token that it signed ended.',
  'signing-key.rotation-asked': 'Somebody asked for the next signing key to sign.',
  'audit-key.made':
    'A key was made that signs checkpoints of the audit log; the details have its public half.',
  'issuer.blocked': 'Another issuer was blocked; none of its tokens is taken, whatever the settings say.',
  'issuer.unblocked': 'Another issuer is no longer blocked.',
  'issuer.token-used':
    'A token of another issuer was let in: a row for the first of each subject in a day (UTC), not one for each request or token. The details name issuer, subject and client.',
  'identity.linked':
    'A subject of another issuer was linked to a user: its tokens act for the user, where the issuer’s entry asks for one.',
  'identity.unlinked': 'Such a link was taken away; tokens of that subject are refused.',
  'secret.put-in-force':
    'Values are made with another secret of GATEWRIGHT_SECRET from then on, for every process holds it.',
  'secret.retired': 'The sessions that rested on a secret were ended, so that it can be taken out.',
} as const satisfies Record<string, string>

export type AuditEventName = keyof typeof auditEvents
