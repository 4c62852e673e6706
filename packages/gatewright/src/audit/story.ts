import type { DetailValue } from './commitments.ts'
import { type AuditEventName, auditEvents } from './events.ts'
import { because, endings } from './story-reasons.ts'

/** An event, as a sentence is made of it. */
export type ToldEvent = {
  readonly event: string
  /** The user whom it is about, and who did it: a user's id, `command-line`, `system`, or nobody known. */
  readonly userId: string | null
  readonly actor: string | null
  readonly sessionId: string | null
  readonly address: string | null
  readonly reason: string | null
  readonly details: Readonly<Record<string, DetailValue>>
  /** The details that it had, and that were erased. */
  readonly erased: readonly string[]
}

/** What ids stand for. */
export type StoryNames = {
  /** Usernames by id; of who was deleted there is none. */
  readonly users: ReadonlyMap<string, string>
  /** By session, in words such as `Firefox on Linux`. */
  readonly devices: ReadonlyMap<string, string>
}

const counted = ', {times}'

/**
 * Each event as a sentence: `{who}` did it, `{whom}` is the user whom it is about, `{session}` is that user's session,
 * `{ending}` why a session ended, `{because}` the reason in words, and every other name one of its details. From where
 * it came stands behind each.
 */
const stories = {
  'user.registered': '{who} registered',
  'user.invited': '{who} invited somebody by mail to register as {roles}',
  'invitation.revoked': '{who} took back an invitation',
  'link.made': 'a link for {whom} ({reason}) was made',
  'link.refused': 'a link from a mail ({reason}) opened nothing: it was used, has expired or ended',
  'user.created': '{who} created the user {whom} as {roles}',
  'user.disabled': '{who} disabled {whom}, and everything of {whom} ended',
  'user.enabled': '{who} enabled {whom} again',
  'user.exported': '{who} took a copy of everything that is kept of the account',
  'user.deleted': '{who} deleted {whom}, and everything of {whom} ended',
  'user.roles-changed': '{who} changed the roles of {whom} from {before} to {after}',
  'service.created': '{who} made the service {whom} with the roles {roles}',
  'service.roles-changed': '{who} changed the roles of the service {whom} from {before} to {after}',
  'service.disabled': '{who} disabled the service {whom}, and its API keys ended',
  'service.enabled': '{who} enabled the service {whom} again',
  'service.deleted': '{who} deleted the service {whom}, and its API keys ended',
  'role.created': '{who} made the role {role}, which allows {permissions}',
  'role.changed': '{who} changed the role {role}, which allowed {before}, and allows {after}',
  'role.deleted': '{who} deleted the role {role}',
  'user.password-changed': '{who} set a new password for {whom} {because}',
  'user.password-change-forced':
    '{who} asked for a new password of {whom}, and every session of {whom} ended',
  'user.password-change-asked': '{whom} was right at a sign-in, and was asked for a new password first',
  'user.email-change-asked': '{who} asked for another e-mail address for {whom}',
  'user.email-verified': '{who} verified the e-mail address of {whom}',
  'user.email-changed': '{who} verified another e-mail address of {whom}, which counts from then on',
  'user.email-change-undone':
    'the change of the e-mail address of {whom} was taken back by the link at the former one, and everything of {whom} ended',
  'known-device.proved': '{whom} made a browser a known one by the link of a mail',
  'user.denied': '{whom} said “that was not me” by the link of a mail, and every session of {whom} ended',
  'user.password-reset':
    'the password of {whom} was reset by a link from a mail, and everything of {whom} ended',
  'password.taken-with-doubt': 'a password of {whom} was taken although there is doubt {because}',
  'administrator.set-up': '{who} became the first administrator by the set-up link',
  'setup-link.made': '{who} made a set-up link',
  'sign-in.failed': 'a sign-in or confirmation for {whom} failed {because}',
  'second-factor.asked': '{whom} was right in the first half of a sign-in, and was asked for a second factor',
  'second-factor.failed': 'a second factor of {whom} was refused {because}',
  'second-factor.added': '{who} added a second factor ({method})',
  'second-factor.removed': '{who} removed a second factor ({method}) of {whom}',
  'second-factors.reset': '{who} removed all second factors of {whom}',
  'recovery-codes.renewed': '{whom} was given new recovery codes',
  'recovery-code.used': '{whom} used a recovery code; {left} are left',
  'credential.refused': `a credential of {whom} was refused {because}${counted}`,
  'access.refused': `{who} was refused {because}{lacking}${counted}`,
  'limit.exceeded': `{someone} exceeded the limit {reason}${counted}`,
  'request.refused': `a request of {someone} was refused as a sign of an attack {because}${counted}`,
  'passkey.cloned': 'a passkey of {whom} was refused, for there are two of it',
  'session.started': '{who} signed in{device}',
  'session.refreshed': '{session} was refreshed',
  'session.refresh-retried':
    '{session} was refreshed once more with the token before, by a retry or another tab',
  'session.renewed': '{session} goes on under a new id',
  'session.ended': '{session} ended {ending}',
  'session.all-ended': '{who} signed everybody out: {sessions} sessions ended',
  'device.forgotten': '{who} forgot a known device',
  'device.brought-back': '{who} brought a forgotten device back',
  'access.explained': '{who} asked about {whom}: {asked}; the answer was {answer}',
  'api-key.made': '{who} made the API key {key} for {whom}, which may {permissions}',
  'api-key.rotated': '{who} made the API key {key} for {whom} in the place of {replaces}',
  'api-key.ended': 'the API key {key} of {whom} ended {because}, by {who}',
  'refresh-token.reused': 'an old refresh token of {session} was used: it may have been copied',
  'refresh-token.ahead': 'a refresh token of {session} was newer than the database, which went back',
  'cut-offs.written-back': '{who} gave the database back {count} cut-offs that it lacked',
  'backup.made': '{who} copied the whole database into a file: {rows} rows',
  'revocations.replayed': '{who} took again, after a restore, what was taken until {as_of}',
  'database.adopted': '{who} told that this database is the one to go on with: {sessions} sessions ended',
  'signing-key.made': '{who} made and published the signing key {kid}',
  'signing-key.activated': 'the signing key {kid} signs from now on',
  'signing-key.retired': 'the signing key {kid} signs no more',
  'signing-key.gone': 'the signing key {kid} is no longer needed, and its private half was erased',
  'signing-key.revoked': '{who} revoked the signing key {kid}: every token that it signed ended',
  'signing-key.rotation-asked': '{who} asked for the next signing key',
  'audit.pruned': 'the audit log was deleted up to position {to}, because it was older than AUDIT_RETENTION',
  'audit-key.made': '{who} made the key {key}, which signs checkpoints of the audit log',
  'audit.exported': '{who} took an export of the audit log',
  'audit.erased': '{who} erased what was personal of {count} audit events {because}',
  'issuer.blocked': '{who} blocked the issuer {issuer}',
  'issuer.unblocked': '{who} unblocked the issuer {issuer}',
  'issuer.token-used': 'a token of the issuer {issuer} for {subject} was let in',
  'identity.linked': '{who} linked {subject} of {issuer} to {whom}',
  'identity.unlinked': '{who} took the link of {subject} of {issuer} to {whom} away',
  'secret.put-in-force': 'values are made with the secret {secret} from now on',
  'secret.retired': '{who} ended the {sessions} sessions that rested on the secret {secret}',
  'unusual.many-failures': 'somebody gave {count} wrong passwords for {whom} within a day',
  'unusual.one-password-many-users': 'somebody tried one password at {count} names or more',
  'unusual.many-users-one-address': 'somebody failed at {count} names from one address',
  'unusual.new-device': '{whom} signed in{device}, which was never seen',
  'unusual.success-after-failures': '{whom} signed in{device} after {count} wrong passwords',
  'unusual.wrong-factor':
    'somebody gave the right password of {whom}, and several wrong second factors after it',
  'unusual.refresh-reuse': 'somebody showed an old refresh token of {session}, which is worth a look',
  'unusual.administrator-from-new-network': '{whom}, an administrator, signed in from a new network',
  'access-review.signed-off':
    '{who} signed off the access review of {unused_for} days, with {findings} findings',
  'access-review.exported':
    '{who} took the access review of {unused_for} days along, with {findings} findings',
} as const satisfies Readonly<Record<AuditEventName, string>>

type Facts = { readonly told: ToldEvent; readonly names: StoryNames }

const nameOf = (id: string, { names }: Facts): string => names.users.get(id) ?? `the user ${id}`

/** In the place of a name, where the owner is told; and of an administrator, whose name the owner is not told. */
export const you = 'you'
export const someAdministrator = 'administrator'

const others: Readonly<Record<string, string>> = {
  'command-line': 'the command line',
  system: 'the server',
  [someAdministrator]: 'an administrator',
}

const tellWho = (facts: Facts): string => {
  const { actor, userId } = facts.told
  if (actor === null) return 'somebody'
  const other = others[actor]
  if (other !== undefined) return other
  return actor === userId ? nameOf(actor, facts) : `an administrator (${nameOf(actor, facts)})`
}

const tellWhom = (facts: Facts): string =>
  facts.told.userId === null ? 'nobody known' : nameOf(facts.told.userId, facts)

const tellDevice = ({ told, names }: Facts): string => {
  const device = told.sessionId === null ? undefined : names.devices.get(told.sessionId)
  return device === undefined ? '' : ` on ${device}`
}

const ownerOf = (name: string): string => (name === you ? 'your' : `${name}’s`)

const tellSession = (facts: Facts): string =>
  facts.told.userId === null
    ? `a session${tellDevice(facts)}`
    : `${ownerOf(nameOf(facts.told.userId, facts))} session${tellDevice(facts)}`

const tellEnding = (facts: Facts): string => {
  const { reason } = facts.told
  const ending = (endings as Readonly<Record<string, string>>)[reason ?? ''] ?? because(reason)
  return ending.replace('{who}', tellWho(facts))
}

const tellValue = (value: DetailValue | undefined): string => {
  if (value === undefined) return 'unknown'
  if (typeof value === 'object' && value !== null) return value.join(', ') || 'nothing'
  return value === null ? 'none' : String(value)
}

const tellDetail = ({ details, erased }: ToldEvent, name: string): string =>
  erased.includes(name) ? '(erased)' : tellValue(details[name])

const times = ({ told }: Facts): string => {
  const { count } = told.details
  return count === 1 || count === undefined ? 'once' : `${tellValue(count)} times`
}

/** What stands between braces and is no detail. */
const parts: Readonly<Record<string, (facts: Facts) => string>> = {
  who: tellWho,
  whom: tellWhom,
  someone: facts => (facts.told.userId === null ? 'somebody' : nameOf(facts.told.userId, facts)),
  session: tellSession,
  device: tellDevice,
  ending: tellEnding,
  because: ({ told }) => because(told.reason),
  reason: ({ told }) => told.reason ?? 'unknown',
  times,
  lacking: ({ told }) => (told.details.lacks === undefined ? '' : ` (${tellValue(told.details.lacks)})`),
  answer: ({ told }) => (told.details.allowed ? 'yes' : `no, ${tellValue(told.details.code)}`),
}

const generic = /^(?:somebody|the|an?|values|your?)\b/

const toSentence = (text: string): string => {
  const tidy = text.replaceAll(/ +/g, ' ').replaceAll(' ,', ',').trim()
  return `${generic.test(tidy) ? tidy.charAt(0).toUpperCase() + tidy.slice(1) : tidy}.`
}

const isOurs = (event: string): event is AuditEventName => event in auditEvents

/** What a name between braces in the story of an event may be. */
export const isPartOf = (event: AuditEventName, name: string): boolean =>
  name in parts || name in auditEvents[event].fields

export const storyOf = (event: AuditEventName): string => stories[event]

/**
 * An event in one sentence, for administrators: who did what to whom, why, and from where. An event of an application
 * is told by its name.
 *
 *     // ann’s session on Firefox ended because an administrator (bob) disabled the user, from 192.0.2.7.
 */
export const tellStory = (told: ToldEvent, names: StoryNames): string => {
  const story: string = isOurs(told.event) ? stories[told.event] : `{someone}: ${told.event} {because}`
  const facts = { told, names }
  const filled = story.replaceAll(
    /\{(\w+)\}/g,
    (_, name: string) => parts[name]?.(facts) ?? tellDetail(told, name),
  )
  return toSentence(told.address === null ? filled : `${filled}, from ${told.address}`)
}
