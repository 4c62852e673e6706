import type { EndReason } from '../ground/end-reasons.ts'

type Ending = {
  readonly when: string
  readonly ends: string
  readonly reasons: readonly EndReason[]
}

/** What ends sessions and is no row of the table: it chooses them by something else than an event of their user, in the transaction of what made it necessary. */
export const besideTheTable = [
  {
    // `endAnySession`
    when: 'an administrator ends one session of somebody else',
    ends: 'that one, as where its owner does (`other session ended`)',
    reasons: ['ended_by_administrator'],
  },
  {
    // `endAllSessions`
    when: 'the command line signs everybody out (`session end-all`)',
    ends: 'every session, every sign-in that waits for its second half and every known device of every user; all signing keys are replaced, and API keys go on',
    reasons: ['ended_by_administrator'],
  },
  {
    // `makeRoom`
    when: 'a sign-in where the user has 100 live sessions',
    ends: 'the one unused for longest, and never the new one',
    reasons: ['too_many_sessions'],
  },
  {
    // `endOverlong`
    when: 'the user becomes an administrator',
    ends: 'those that are over by the times of administrators, and those with an access token that would outlive its session; the others are re-read',
    reasons: ['idle', 'expired'],
  },
  {
    // `changeRole`
    when: "a role's definition is changed",
    ends: 'nothing: what roles allow is read again for every session and API key, whatever was given out before. Where the role is that of an administrator from then on, its holders lose the sessions that are too old for one',
    reasons: ['idle', 'expired'],
  },
  {
    // `writeBackCutOffs`
    when: 'a process finds that the database went back, and lacks cut-offs that it remembers',
    ends: 'the sessions that these name and that are live there',
    reasons: ['cut_off_written_back'],
  },
  {
    // `adoptDatabase`
    when: 'a database is restored or adopted (`restore`)',
    ends: 'every session and every known device of every user; every API key, or those that an export lacks; all signing keys are replaced',
    reasons: ['restored'],
  },
] as const satisfies readonly Ending[]

/** What a user or service has, whose roles are others from now on, or whose role allows something else. */
export const heldByRoles = [
  { held: 'an access token of the session in which it was done', fate: 're-read' },
  { held: 'an access token of another session', fate: 're-read' },
  { held: 'a session in a cookie', fate: 're-read' },
  { held: 'an API key of the user', fate: 're-read' },
  { held: 'an API key of a service', fate: 're-read' },
  { held: 'a token of another issuer that speaks for the user', fate: 're-read' },
  { held: 'open codes and links', fate: 'keep' },
  { held: 'known devices', fate: 'keep' },
] as const satisfies readonly { readonly held: string; readonly fate: 're-read' | 'keep' }[]
