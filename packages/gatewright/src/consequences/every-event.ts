import type { LetterName } from '../mail/letters.ts'
import type { Consequence, ConsequenceEvent } from './table.ts'

/** What events end, one column each: kept by the table of this folder, or still to come. */
export const artefacts = {
  'this session': { column: 'thisSession' },
  'other sessions': { column: 'otherSessions' },
  'API keys': { column: 'apiKeys' },
  'third-party grants': { comesWith: 'OAuth' },
  'codes and links': { column: 'codesAndLinks' },
  'known devices': { column: 'knownDevices' },
} as const satisfies Record<string, { readonly column: keyof Consequence } | { readonly comesWith: string }>
export type Artefact = keyof typeof artefacts

type Cells = readonly [
  thisSession: string,
  otherSessions: string,
  apiKeys: string,
  grants: string,
  codesAndLinks: string,
  knownDevices: string,
]

/** A row of what was decided: which events of the table it is, or what brings it. */
export type EveryEvent = {
  readonly event: string
  readonly ends: Cells
  /** The mail by which the owner is told of it. */
  readonly ownerIsTold?: readonly LetterName[]
} & ({ readonly applied: readonly ConsequenceEvent[] } | { readonly comesWith: string })

const oauth = artefacts['third-party grants'].comesWith

const grantsOf = (whose: string): string => `end without \`offline_access\` (of ${whose})`

/**
 * Everything that is to end something, with all that it is to end: also what this version does not have. An
 * event or an artefact that is built moves into the table, and a test holds the two together.
 */
export const everyEvent: readonly EveryEvent[] = [
  {
    event: 'logout; session ended by time',
    ends: ['end', 'keep', 'keep', grantsOf('this session'), 'end (of this session)', 'keep'],
    applied: ['logout', 'session idle', 'session expired'],
  },
  {
    event: 'one other session ended (by its owner or an administrator)',
    ends: ['keep', 'end (that one)', 'keep', grantsOf('that session'), 'end (of that session)', 'keep'],
    applied: ['other session ended'],
  },
  {
    event: 'all others ended',
    ends: ['keep', 'end', 'keep', grantsOf('those sessions'), 'end', 'end'],
    applied: ['all others ended'],
  },
  {
    // Beyond the list that was decided: what its owner may do, done by somebody else, who has none of these sessions.
    event: 'all sessions ended by an administrator',
    ends: ['–', 'end', 'keep', grantsOf('those sessions'), 'end', 'end'],
    applied: ['all ended by administrator'],
  },
  {
    event: 'step-up',
    ends: ['new id', 'keep', 'keep', 'keep', 'end (the one used)', 'keep'],
    applied: ['step-up'],
  },
  {
    event: 'password changed by its owner',
    ends: ['new id', 'end', 'keep, owner is shown them', 'end', 'end', 'end'],
    ownerIsTold: ['password-changed'],
    applied: ['password changed'],
  },
  {
    event: 'password reset by link; e-mail change undone',
    ends: ['–', 'end', 'end, owner is told', 'end', 'end', 'end'],
    ownerIsTold: ['password-reset', 'email-change-undone'],
    applied: ['password reset', 'e-mail change undone'],
  },
  {
    // Beyond the list that was decided: the link in every notice.
    event: '“that wasn’t me”, by the link of a notice',
    ends: ['–', 'end', 'end, owner is told', 'end', 'end', 'end'],
    ownerIsTold: ['denied'],
    applied: ['denied by owner'],
  },
  {
    event: 'password set or change forced by an administrator',
    ends: ['–', 'end', 'keep, owner is told', 'end', 'end', 'end'],
    ownerIsTold: ['password-change-forced'],
    applied: ['password change forced'],
  },
  {
    event: 'e-mail changed (new address verified by a link, perhaps in another browser)',
    ends: ['keep', 'keep, owner told at the old address', 'keep', 'keep', 'end (but the undo link)', 'keep'],
    ownerIsTold: ['email-changed'],
    applied: ['e-mail changed'],
  },
  {
    event: 'second factor or passkey added',
    ends: ['new id', 'keep, offered to end', 'keep', 'keep', 'end', 'keep'],
    applied: ['second factor added'],
  },
  {
    event: 'second factor or passkey removed by its owner',
    ends: ['new id', 'end', 'keep', 'keep', 'end', 'end'],
    applied: ['second factor removed'],
  },
  {
    event: 'second factor removed by an administrator',
    ends: ['–', 'end', 'keep, owner is told', 'end', 'end', 'end'],
    applied: ['second factors reset'],
  },
  {
    event: 'recovery codes renewed',
    ends: ['new id', 'keep', 'keep', 'keep', 'end (second factor)', 'keep'],
    applied: ['recovery codes renewed'],
  },
  {
    event: 'refresh token reused (theft)',
    ends: ['end', 'keep', 'keep', grantsOf('that session'), 'end (of that session)', 'end (that device)'],
    ownerIsTold: ['refresh-token-reused'],
    applied: ['refresh token reused'],
  },
  {
    // Beyond the list that was decided: the same answer to a database that went back.
    event: 'refresh token newer than the live one (the database went back)',
    ends: ['end', 'keep', 'keep', grantsOf('that session'), 'end (of that session)', 'end (that device)'],
    applied: ['refresh token ahead'],
  },
  {
    // Beyond the list that was decided: of each session whose refresh token rests on a secret that leaked.
    event: 'secret retired',
    ends: ['end', 'keep', 'keep', grantsOf('that session'), 'end (of that session)', 'keep'],
    applied: ['secret retired'],
  },
  {
    event: 'role or permission taken or given; role’s definition changed',
    ends: ['re-read', 're-read', 're-read', 're-read', 'keep', 'keep'],
    applied: ['roles changed'],
  },
  { event: 'user disabled', ends: ['end', 'end', 'end', 'end', 'end', 'end'], applied: ['user disabled'] },
  { event: 'user deleted', ends: ['end', 'end', 'end', 'end', 'end', 'end'], applied: ['user deleted'] },
  {
    event: 'user enabled again',
    ends: ['–', 'stay ended', 'stay ended', 'stay ended', 'stay ended', 'stay ended'],
    applied: ['user enabled'],
  },
  {
    event: 'federated identity unlinked',
    ends: ['new id', 'end (begun with it)', 'keep', 'keep', 'end', 'keep'],
    comesWith: 'Sign-in with others',
  },
  {
    event: 'API key revoked or expired',
    ends: ['–', '–', 'end (that one)', '–', '–', '–'],
    // No event of all that a user has: `administration/api-keys.ts` and `upkeep/api-key-tasks.ts` apply it.
    applied: [],
  },
  {
    event: 'API key rotated',
    ends: ['–', '–', 'old one: end at its stored time', '–', '–', '–'],
    // `administration/rotate-api-key.ts` applies it.
    applied: [],
  },
  {
    event: 'service disabled or deleted',
    ends: ['–', '–', 'end (its own)', '–', '–', '–'],
    // As for a user who has nothing but keys: `administration/services.ts` applies `user disabled`, `user deleted`.
    applied: [],
  },
  {
    event: 'consent withdrawn',
    ends: ['keep', 'keep', 'keep', 'end (that user and client)', 'end (that user and client)', 'keep'],
    comesWith: oauth,
  },
  {
    event: 'third-party refresh token or code reused',
    ends: ['keep', 'keep', 'keep', 'end (that grant)', 'end (that grant’s)', 'keep'],
    comesWith: oauth,
  },
  {
    event: 'OAuth client disabled or deleted',
    ends: ['keep', 'keep', 'keep', 'end (that client’s, and its own tokens)', 'end (that client’s)', 'keep'],
    comesWith: oauth,
  },
  {
    event: 'OAuth client enabled again',
    ends: ['keep', 'keep', 'keep', 'stay ended', 'stay ended', 'keep'],
    comesWith: oauth,
  },
  {
    event: 'OAuth client’s secret or keys changed',
    ends: ['keep', 'keep', 'keep', 'keep', 'end (that client’s)', 'keep'],
    comesWith: oauth,
  },
  {
    event: 'signing key revoked',
    ends: [
      'keep; access tokens signed by it end',
      'keep; access tokens signed by it end',
      'keep',
      'keep; access and ID tokens signed by it end',
      'keep (they are not signed)',
      'keep',
    ],
    // No event of one user: `administration/signing-keys.ts` applies it.
    applied: [],
  },
  {
    event: 'restored from a backup (also: another database found)',
    ends: ['end', 'end', 'end, unless the feed’s export is replayed', 'end', 'end', 'end'],
    // No event of one user: `administration/adopt-database.ts` applies it.
    applied: [],
  },
  {
    event: 'moved to PostgreSQL',
    ends: ['keep', 'keep', 'keep', 'keep', 'keep', 'keep'],
    comesWith: 'Run it for real: backup and restore',
  },
]
