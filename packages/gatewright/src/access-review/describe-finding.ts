import { toTimestamp } from '../ground/clock.ts'
import type { Finding, FindingKind } from './finding.ts'

/** What is written of a finding for people, in English; the console has words of its own. */
type Row = {
  readonly say: (finding: Finding, unusedFor: number) => string
  /** What the command line does about it; undefined where a person has to. */
  readonly command?: (finding: Finding) => string | null
}

const date = (at: number): string => toTimestamp(at).slice(0, 10)
const words = (names: readonly string[]): string => names.join(', ')
const since = ({ since: at }: Finding): string => (at === null ? '' : ` since ${date(at)}`)
const lastUse = ({ lastUsedAt }: Finding): string =>
  lastUsedAt === null || lastUsedAt === undefined ? 'no use is known' : `last used on ${date(lastUsedAt)}`
const ends = ({ endsAt }: Finding): string =>
  endsAt === null || endsAt === undefined ? 'never ends by itself' : `ends on ${date(endsAt)} only`

const nameOf = ({ subject }: Finding): string => subject.name || subject.id
const keyOf = (finding: Finding): string =>
  `The API key ${JSON.stringify(nameOf(finding))} of ${finding.owner?.name}`

const plain = /^[\w.:-]+$/
/** A word of a command, as every POSIX shell reads it back: no name of ours begins with a dash but ids, which are taken. */
const quote = (word: string): string => (plain.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)
const toCommand = (...parts: readonly string[]): string => `gatewright ${parts.map(quote).join(' ')}`

/** The roles that are left; whoever would have none keeps the one of everybody. */
const takeRoles = (finding: Finding): string => {
  const { subject, others = [] } = finding
  const left = others.length === 0 ? ['user'] : others
  return toCommand(subject.kind === 'service' ? 'service' : 'user', 'role', nameOf(finding), ...left)
}
/** A role that stands in code is changed there. */
const narrowRole = ({ subject, others }: Finding): string | null => {
  if (others === undefined) return null
  const left = others.length === 0 ? ['--no-permissions'] : others.flatMap(one => ['--permission', one])
  return toCommand('role', 'change', subject.name, ...left)
}
const revokeKey = ({ subject }: Finding): string => toCommand('api-key', 'revoke', subject.id)

const rows: Readonly<Record<FindingKind, Row>> = {
  'administrator-without-factor': {
    say: finding =>
      `${nameOf(finding)} is an administrator (${words(finding.granted)}) and has no second factor: whoever has the password can do everything that these roles allow.`,
  },
  'disabled-with-roles': {
    say: finding =>
      `${nameOf(finding)} is disabled and still has ${words(finding.granted)}: whoever enables the account gives all of it back.`,
    command: takeRoles,
  },
  'unused-role': {
    say: (finding, days) =>
      `${nameOf(finding)} has the role ${finding.role}${since(finding)} and used nothing of it for ${days} days; ${lastUse(finding)}.`,
    command: takeRoles,
  },
  'partly-used-role': {
    say: (finding, days) =>
      `${nameOf(finding)} has the role ${finding.role}${since(finding)} and did not use ${words(finding.unused ?? [])} for ${days} days: a smaller role may do.`,
  },
  'unused-permission': {
    say: (finding, days) =>
      `The role ${nameOf(finding)} allows ${words(finding.unused ?? [])}, which nobody used by it for ${days} days.`,
    command: narrowRole,
  },
  'unheld-role': {
    say: finding =>
      `Nobody has the role ${nameOf(finding)}, which allows ${words(finding.granted) || 'nothing'}.`,
    command: ({ subject }) => toCommand('role', 'delete', subject.name),
  },
  'unbounded-key': {
    say: finding =>
      `${keyOf(finding)} may ${words(finding.granted)} from every address: whoever finds it can use it from anywhere.`,
    command: revokeKey,
  },
  'unused-key': {
    say: (finding, days) => `${keyOf(finding)} was not used for ${days} days; ${lastUse(finding)}.`,
    command: revokeKey,
  },
  'lasting-key': {
    say: finding => `${keyOf(finding)}, made on ${date(finding.since ?? 0)}, ${ends(finding)}.`,
    command: revokeKey,
  },
  'partly-used-key': {
    say: (finding, days) =>
      `${keyOf(finding)} did not use ${words(finding.unused ?? [])} for ${days} days: a key for less may do.`,
  },
  'silent-service': {
    say: (finding, days) =>
      `No key of the service ${nameOf(finding)} was used for ${days} days; ${lastUse(finding)}.`,
    command: finding => toCommand('service', 'disable', nameOf(finding)),
  },
  'ownerless-service': {
    say: (finding, days) =>
      `Of whoever made the keys of the service ${nameOf(finding)} nobody is there any more, or showed a sign of life for ${days} days.`,
  },
  'lasting-session': {
    say: finding =>
      `A session of ${finding.owner?.name} goes on since ${date(finding.since ?? 0)}; it ${ends(finding)}.`,
    command: ({ subject }) => toCommand('session', 'end', subject.id),
  },
  'open-invitation': {
    say: finding =>
      `An invitation${finding.owner === undefined ? '' : ` by ${finding.owner.name}`} to ${words(finding.granted) || 'no role'} is open since ${date(finding.since ?? 0)}, and nobody followed it.`,
    command: ({ subject }) => toCommand('invitation', 'revoke', subject.id),
  },
}

/** The page of the console on which something can be done about it, below `/console`. */
const pageOf = ({ subject, owner }: Finding): string => {
  const of = owner ?? subject
  switch (subject.kind) {
    case 'role':
      return '/admin/roles'
    case 'invitation':
      return '/admin/invitations'
    case 'session':
      return '/admin/sessions'
    default:
      return of.kind === 'service' ? `/admin/services/${of.id}` : `/admin/users/${of.id}`
  }
}

/**
 * A finding in a sentence, and what to do about it.
 *
 *     describeFinding(finding, 90).text // 'bob has the role moderator and used nothing of it for 90 days; no use is known.'
 */
export const describeFinding = (finding: Finding, unusedFor: number) => ({
  text: rows[finding.kind].say(finding, unusedFor),
  command: rows[finding.kind].command?.(finding) ?? null,
  page: pageOf(finding),
})
