import { skeleton } from './confusables.ts'

/** Names that readers trust, programs take for something else, or mail (RFC 2142) is sent to. */
export const reservedUsernames = [
  ...['admin', 'admins', 'administrator', 'sysadmin', 'superadmin', 'superuser', 'root', 'sudo', 'system'],
  ...['gatewright', 'security', 'support', 'help', 'helpdesk', 'staff', 'team', 'official', 'service'],
  ...['owner', 'operator', 'moderator', 'console', 'api', 'me', 'self', 'everyone', 'anonymous', 'nobody'],
  ...['unknown', 'deleted', 'null', 'undefined', 'none', 'true', 'false', 'postmaster', 'hostmaster'],
  ...['webmaster', 'abuse', 'noreply', 'donotreply', 'mailer-daemon'],
] as const

const skeletons: ReadonlySet<string> = new Set(reservedUsernames.map(skeleton))

/**
 * Whether a username is a reserved name or looks like one, as a whole: `Adm1n`, `a.d.m.i.n` and Cyrillic
 * `аԁміп` are, `admiral` and `badminton` are not.
 */
export const isReservedUsername = (username: string): boolean => skeletons.has(skeleton(username))
