import { day } from '../ground/clock.ts'

/**
 * Whether a field of an event is about a person: a name, an address, words that somebody wrote. Such a field lies in
 * `audit_personal`, and can be erased; the row of the event has a commitment to it.
 */
export type FieldKind = 'plain' | 'personal'

/** One kind of event, of the engine or of an application. */
export type EventDeclaration = {
  /** When it is written, in a sentence. */
  readonly when: string
  /** The facts that its details have; each may be missing. The address of the caller is always personal. */
  readonly fields: Readonly<Record<string, FieldKind>>
  /** `each`: a row in the transaction of what it records. `counted`: changes nothing, at most a row a minute. */
  readonly often: 'each' | 'counted'
  /** For so many milliseconds its personal fields are kept; without a word, as long as the event. */
  readonly personalKeptFor?: number
}

/** Events by their names: lower case, a noun, a point and what happened to it. */
export type EventTable = Readonly<Record<string, EventDeclaration>>

/** Of a secret only its id is ever a field, and that is about nobody. */
const idOfSecret = 'plain'

/**
 * Every audit event: when it is written, and what its row says. Each is a row of `audit_events`, written in the
 * transaction of what it records; only refusals that change nothing are counted (`http/refusal-table.ts`).
 */
export const auditEvents = {
  'user.registered': {
    when: 'A user registered.',
    fields: { roles: 'plain', invitation: 'plain', invited_by: 'plain' },
    often: 'each',
  },
  'user.invited': {
    when: 'Somebody was invited by mail to register with the roles that the details name.',
    fields: { invitation: 'plain', roles: 'plain' },
    often: 'each',
  },
  'invitation.revoked': {
    when: 'An invitation that was open was taken back.',
    fields: { invitation: 'plain' },
    often: 'each',
  },
  'link.made': {
    when: 'A link for a user was made, most often for a mail; the reason tells for what.',
    fields: { link: 'plain' },
    often: 'each',
  },
  'link.refused': {
    when: 'A link of a mail was followed that was used, has expired, ended or is for something else; the reason tells for what.',
    fields: {},
    often: 'each',
  },
  'user.created': {
    when: 'An administrator or the command line created a user.',
    fields: { roles: 'plain', by_mail: 'plain' },
    often: 'each',
  },
  'user.disabled': {
    when: 'A user was disabled; everything of the user ended.',
    fields: { said: 'personal' },
    often: 'each',
  },
  'user.enabled': { when: 'A user was enabled again.', fields: {}, often: 'each' },
  'user.exported': {
    when: 'A user took a copy of everything that is kept of the own account.',
    fields: {},
    often: 'each',
  },
  'user.deleted': {
    when: 'A user was deleted; everything of the user ended, and what was personal in the account was erased.',
    fields: {},
    often: 'each',
  },
  'user.roles-changed': {
    when: 'The roles of a user were replaced.',
    fields: { before: 'plain', after: 'plain' },
    often: 'each',
  },
  'service.created': {
    when: 'A service was created, with the roles that the details name.',
    fields: { roles: 'plain' },
    often: 'each',
  },
  'service.roles-changed': {
    when: 'The roles of a service were replaced.',
    fields: { before: 'plain', after: 'plain' },
    often: 'each',
  },
  'service.disabled': { when: 'A service was disabled; its API keys ended.', fields: {}, often: 'each' },
  'service.enabled': {
    when: 'A service was enabled again; keys that had ended stay ended.',
    fields: {},
    often: 'each',
  },
  'service.deleted': {
    when: 'A service was deleted; its API keys ended, and its name and description were erased.',
    fields: {},
    often: 'each',
  },
  'role.created': {
    when: 'An administrator or the command line made a role; the details say what it allows.',
    fields: { role: 'plain', description: 'plain', permissions: 'plain' },
    often: 'each',
  },
  'role.changed': {
    when: 'What a role allows was changed, or what is said of it: at once for all who have it. The details have what it allowed before and after.',
    fields: {
      role: 'plain',
      before: 'plain',
      after: 'plain',
      description_before: 'plain',
      description: 'plain',
    },
    often: 'each',
  },
  'role.deleted': {
    when: 'A role was deleted that nobody had.',
    fields: { role: 'plain', before: 'plain' },
    often: 'each',
  },
  'user.password-changed': { when: 'A user changed the own password.', fields: {}, often: 'each' },
  'user.password-change-forced': {
    when: 'An administrator or the command line asked for a new password of a user; every session ended.',
    fields: { way: 'plain', said: 'personal' },
    often: 'each',
  },
  'user.password-change-asked': {
    when: 'What was shown at a sign-in was right, and a new password was asked for before anything else.',
    fields: { amr: 'plain' },
    often: 'each',
  },
  'user.email-change-asked': {
    when: 'A user asked for another e-mail address, which counts once it is verified.',
    fields: {},
    often: 'each',
  },
  'user.email-verified': {
    when: 'The first address of a user was verified, by the link that was sent there.',
    fields: {},
    often: 'each',
  },
  'user.email-changed': {
    when: 'Another address of a user was verified, and counts from then on.',
    fields: {},
    often: 'each',
  },
  'user.email-change-undone': {
    when: 'A change of address was taken back by the link at the former one; everything of the user ended.',
    fields: {},
    often: 'each',
  },
  'known-device.proved': {
    when: 'A browser became a known one of a user by a link that was sent to the verified address, after many wrong passwords.',
    fields: {},
    often: 'each',
  },
  'user.denied': {
    when: 'An owner said of something that was told by mail: that was not me. Every session ended.',
    fields: {},
    often: 'each',
  },
  'user.password-reset': {
    when: 'A password was reset by a link from a mail; everything of the user ended.',
    fields: {},
    often: 'each',
  },
  'password.taken-with-doubt': {
    when: 'With BREACH_CHECK=warn a password was taken that is known from a breach, or while the service gave no answer; the reason tells which.',
    fields: {},
    often: 'each',
  },
  'administrator.set-up': {
    when: 'The first administrator was made by the set-up link.',
    fields: { roles: 'plain' },
    often: 'each',
  },
  'setup-link.made': { when: 'A set-up link was made.', fields: {}, often: 'each' },
  'sign-in.failed': {
    when: 'A sign-in or a confirmation of who somebody is failed; the reason tells why.',
    fields: {},
    often: 'each',
  },
  'second-factor.asked': {
    when: 'The first half of a sign-in was right, and a second factor was asked for.',
    fields: { amr: 'plain', methods: 'plain' },
    often: 'each',
  },
  'second-factor.failed': {
    when: 'What was shown as a second factor was refused, at a sign-in or in a session; the reason tells why.',
    fields: { method: 'plain' },
    often: 'each',
  },
  'second-factor.added': {
    when: 'A user added a second factor.',
    fields: { method: 'plain' },
    often: 'each',
  },
  'second-factor.removed': {
    when: 'A user removed a second factor.',
    fields: { method: 'plain' },
    often: 'each',
  },
  'second-factors.reset': {
    when: 'An administrator or the command line removed all second factors of a user; the details have what was said of it.',
    fields: { methods: 'plain', said: 'personal' },
    often: 'each',
  },
  'recovery-codes.renewed': {
    when: 'A user was given a new set of recovery codes; those before it are good for nothing.',
    fields: {},
    often: 'each',
  },
  'recovery-code.used': {
    when: 'A recovery code was taken as a second factor; the details say how many are left.',
    fields: { left: 'plain' },
    often: 'each',
  },
  'credential.refused': {
    when: 'A token, cookie or API key was refused with 401: a row for the first of a kind, then one a minute with their count.',
    fields: { count: 'plain', last_at: 'plain', last_request_id: 'plain', key: 'plain' },
    often: 'counted',
    personalKeptFor: 90 * day,
  },
  'access.refused': {
    when: 'Somebody may not do what was asked (403), or asked for what is somebody else’s and hidden; the details say what permission or rule was lacking. A row for the first of a kind, then one a minute with their count.',
    fields: { count: 'plain', last_at: 'plain', last_request_id: 'plain', lacks: 'plain', key: 'plain' },
    often: 'counted',
    personalKeptFor: 90 * day,
  },
  'limit.exceeded': {
    when: 'A limit was exceeded (429); the reason is its name. A row for the first of a kind, then one a minute with their count.',
    fields: { count: 'plain', last_at: 'plain', last_request_id: 'plain', lacks: 'plain', key: 'plain' },
    often: 'counted',
    personalKeptFor: 90 * day,
  },
  'request.refused': {
    when: 'A request was refused whose form is a sign of an attack: two credentials, a link that opens nothing, a body made for parsers that disagree, a key of another request. A row for the first of a kind, then one a minute with their count.',
    fields: { count: 'plain', last_at: 'plain', last_request_id: 'plain', lacks: 'plain', key: 'plain' },
    often: 'counted',
    personalKeptFor: 90 * day,
  },
  'passkey.cloned': {
    when: 'The counter of a passkey went back: there are two of it. It was refused, and neither is taken any more.',
    fields: { passkey: 'plain' },
    often: 'each',
  },
  'session.started': { when: 'A user signed in.', fields: { amr: 'plain' }, often: 'each' },
  'session.refreshed': {
    when: 'A refresh token was used and rotated, or was shown again inside its window.',
    fields: { shown: 'plain', live: 'plain' },
    often: 'each',
  },
  'session.refresh-retried': {
    when: 'The refresh token before the live one was shown inside the window: a retry or another tab.',
    fields: { shown: 'plain', live: 'plain' },
    often: 'each',
  },
  'session.renewed': {
    when: 'A session went on under a new id.',
    fields: { replaces: 'plain', amr: 'plain' },
    often: 'each',
  },
  'session.ended': { when: 'A session ended; the reason tells why.', fields: {}, often: 'each' },
  'session.all-ended': {
    when: 'The command line signed everybody out: every session ended, and every signing key was replaced.',
    fields: { sessions: 'plain', signing_keys: 'plain' },
    often: 'each',
  },
  'device.forgotten': {
    when: 'A user forgot one of the own known devices.',
    fields: { device: 'plain' },
    often: 'each',
  },
  'device.brought-back': {
    when: 'A user brought one back that was forgotten a moment ago.',
    fields: { device: 'plain' },
    often: 'each',
  },
  'access.explained': {
    when: 'An administrator or the command line asked whether somebody may do something, and why; the details say what was asked and answered.',
    fields: { asked: 'plain', allowed: 'plain', code: 'plain', credential: 'plain' },
    often: 'each',
  },
  'api-key.made': {
    when: 'A key was made for a user or service; the details say what it may do, and until when.',
    fields: {
      key: 'plain',
      name: 'personal',
      permissions: 'plain',
      allowed_addresses: 'personal',
      expires_at: 'plain',
    },
    often: 'each',
  },
  'api-key.rotated': {
    when: 'A key was made in the place of another, which ends at the time that the details say.',
    fields: {
      key: 'plain',
      name: 'personal',
      permissions: 'plain',
      allowed_addresses: 'personal',
      expires_at: 'plain',
      replaces: 'plain',
      replaced_ends_at: 'plain',
    },
    often: 'each',
  },
  'api-key.ended': {
    when: 'An API key ended; the reason tells why.',
    fields: { key: 'plain', name: 'personal' },
    often: 'each',
  },
  'refresh-token.reused': {
    when: 'A refresh token older than the window allows was shown: its session ended.',
    fields: { shown: 'plain', live: 'plain' },
    often: 'each',
  },
  'refresh-token.ahead': {
    when: 'A refresh token newer than the database knows was shown: the database went back.',
    fields: { shown: 'plain', live: 'plain' },
    often: 'each',
  },
  'cut-offs.written-back': {
    when: 'The database lacked cut-offs that a process knew, and was given them again: it went back, or is another one.',
    fields: { count: 'plain' },
    often: 'each',
  },
  'backup.made': {
    when: 'Somebody copied the whole database into a file; the details say how far the chain is in it, and how many rows it has.',
    fields: { sealed_to: 'plain', rows: 'plain' },
    often: 'each',
  },
  'revocations.replayed': {
    when: 'What was taken from somebody between a backup and the export that was given was taken again after the restore; the details say how much of what.',
    fields: {
      as_of: 'plain',
      set_up_closed: 'plain',
      versions_raised: 'plain',
      users_deleted: 'plain',
      users_disabled: 'plain',
      roles_taken: 'plain',
      permissions_taken: 'plain',
      factors_taken: 'plain',
      recovery_codes_taken: 'plain',
      counters_raised: 'plain',
      identities_unlinked: 'plain',
      addresses_in_doubt: 'plain',
      passwords_taken: 'plain',
      passwords_due: 'plain',
      api_keys_ended: 'plain',
      issuers_blocked: 'plain',
      names_reserved: 'plain',
    },
    often: 'each',
  },
  'database.adopted': {
    when: 'Somebody told that this database is the one to go on with: every session ended, and every signing key was replaced.',
    fields: { sessions: 'plain', api_keys: 'plain', signing_keys: 'plain', sealed_to: 'plain' },
    often: 'each',
  },
  'signing-key.made': {
    when: 'A signing key was made and published.',
    fields: { kid: 'plain', algorithm: 'plain' },
    often: 'each',
  },
  'signing-key.activated': {
    when: 'A signing key signs from now on.',
    fields: { kid: 'plain' },
    often: 'each',
  },
  'signing-key.retired': {
    when: 'A signing key signs no more; tokens that it signed are good until they expire.',
    fields: { kid: 'plain' },
    often: 'each',
  },
  'signing-key.gone': {
    when: 'A signing key is no longer needed; its private half was erased.',
    fields: { kid: 'plain' },
    often: 'each',
  },
  'signing-key.revoked': {
    when: 'A signing key was revoked; every token that it signed ended.',
    fields: { kid: 'plain' },
    often: 'each',
  },
  'signing-key.rotation-asked': {
    when: 'Somebody asked for the next signing key to sign.',
    fields: { kid: 'plain' },
    often: 'each',
  },
  'audit.pruned': {
    when: 'The beginning of the audit log was deleted, because it was older than AUDIT_RETENTION; the details say up to which position of the chain.',
    fields: { from: 'plain', to: 'plain', hash: 'plain' },
    often: 'each',
  },
  'audit-key.made': {
    when: 'A key was made that signs checkpoints of the audit log; the details have its public half.',
    fields: { key: 'plain', public_key: 'plain' },
    often: 'each',
  },
  'audit.exported': {
    when: 'Somebody took an export of the audit log; the details have what was asked for, and whether it holds what is personal.',
    fields: {
      personal: 'plain',
      user: 'personal',
      event: 'plain',
      from: 'plain',
      until: 'plain',
      of_address: 'personal',
      session: 'plain',
      request: 'plain',
      of_reason: 'plain',
    },
    often: 'each',
  },
  'audit.erased': {
    when: 'What is personal was erased of the events that the details name; the reason tells why.',
    fields: { events: 'plain', count: 'plain' },
    often: 'each',
  },
  'issuer.blocked': {
    when: 'Another issuer was blocked; none of its tokens is taken, whatever the settings say.',
    fields: { issuer: 'plain' },
    often: 'each',
  },
  'issuer.unblocked': {
    when: 'Another issuer is no longer blocked.',
    fields: { issuer: 'plain' },
    often: 'each',
  },
  'issuer.token-used': {
    when: 'A token of another issuer was let in: a row for the first of each subject in a day (UTC), not one for each request or token. The details name issuer, subject and client.',
    fields: { issuer: 'plain', subject: 'personal', client: 'plain' },
    often: 'each',
  },
  'identity.linked': {
    when: 'A subject of another issuer was linked to a user: its tokens act for the user, where the issuer’s entry asks for one.',
    fields: { issuer: 'plain', subject: 'personal' },
    often: 'each',
  },
  'identity.unlinked': {
    when: 'Such a link was taken away; tokens of that subject are refused.',
    fields: { issuer: 'plain', subject: 'personal' },
    often: 'each',
  },
  'secret.put-in-force': {
    when: 'Values are made with another secret of GATEWRIGHT_SECRET from then on, for every process holds it.',
    fields: { secret: idOfSecret, former: 'plain' },
    often: 'each',
  },
  'secret.retired': {
    when: 'The sessions that rested on a secret were ended, so that it can be taken out.',
    fields: { secret: idOfSecret, sessions: 'plain' },
    often: 'each',
  },
  'unusual.many-failures': {
    when: 'Many wrong passwords were given for a user within a day, from devices that are not known.',
    fields: { count: 'plain' },
    often: 'each',
  },
  'unusual.one-password-many-users': {
    when: 'One password was tried at many names within hours, and at far more than others: password spraying.',
    fields: { count: 'plain' },
    often: 'each',
  },
  'unusual.many-users-one-address': {
    when: 'Sign-ins at many names failed from one address within an hour, and none of them succeeded there afterwards.',
    fields: { count: 'plain' },
    often: 'each',
  },
  'unusual.new-device': {
    when: 'A user signed in on a device that was never seen.',
    fields: { count: 'plain' },
    often: 'each',
  },
  'unusual.success-after-failures': {
    when: 'A user signed in on a device that is not known, after many wrong passwords from such devices.',
    fields: { count: 'plain' },
    often: 'each',
  },
  'unusual.wrong-factor': {
    when: 'The password of a user was right, and the second factor after it was wrong several times in a row.',
    fields: { count: 'plain' },
    often: 'each',
  },
  'unusual.refresh-reuse': {
    when: 'An old refresh token of a user was shown: the session was ended, and the owner told.',
    fields: { count: 'plain' },
    often: 'each',
  },
  'unusual.administrator-from-new-network': {
    when: 'An administrator signed in from a network that is new for that administrator.',
    fields: { count: 'plain' },
    often: 'each',
  },
  'access-review.signed-off': {
    when: 'Somebody signed off an access review; the details say by its digest what was seen, how many findings that had, and whether everything was looked at.',
    fields: {
      digest: 'plain',
      unused_for: 'plain',
      findings: 'plain',
      complete: 'plain',
      comment: 'personal',
    },
    often: 'each',
  },
  'access-review.exported': {
    when: 'Somebody took the whole of an access review along.',
    fields: { digest: 'plain', unused_for: 'plain', findings: 'plain', complete: 'plain' },
    often: 'each',
  },
} as const satisfies EventTable

export type AuditEventName = keyof typeof auditEvents

const isEventName = (name: string): boolean => /^[a-z][a-z0-9-]*(?:\.[a-z0-9][a-z0-9-]*)+$/.test(name)

/**
 * The events of the engine, and an application's own beside them.
 * @throws TypeError for a name that is the engine's, or none
 */
export const withOwnEvents = (own: EventTable = {}): EventTable => {
  for (const [name, { fields }] of Object.entries(own)) {
    if (Object.hasOwn(auditEvents, name)) throw new TypeError(`the audit event ${name} is the engine's`)
    if (!isEventName(name))
      throw new TypeError(`${name} is no name of an audit event, such as order.refunded`)
    if (Object.hasOwn(fields, 'address'))
      throw new TypeError(`the audit event ${name} has its address by itself`)
  }
  return { ...auditEvents, ...own }
}
