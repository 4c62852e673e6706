import { day, hour, minute } from '../ground/clock.ts'

/**
 * Whom a row counts. `anonymous` is the address of a caller that shows no credential; an address
 * counts as its group (IPv6 by /64, and by /48 at ten times), which the limiter sees to.
 */
export type LimitBy =
  | 'address'
  | 'anonymous'
  | 'user'
  | 'session'
  | 'device'
  | 'address+username'
  | 'recipient'
  | 'api-key'
  | 'key-owner'

type Counted = {
  readonly by: LimitBy
  /** So many in each `window` (milliseconds) in the long run: see `gcra.ts`. */
  readonly count: number
  readonly window: number
  /** So many at once; without a word `count`. */
  readonly burst?: number
  /** What the row is for, in one sentence of docs/limits.md. */
  readonly describe: string
}

/**
 * `exact`: one count for all processes, charged before the work. While the store of that count is away, each
 * process lets `away` through at once and as many in each window, by its own memory. `fast`: each process
 * counts by itself and never waits; what several have counted is added up in the background.
 */
export type LimitRow = Counted &
  ({ readonly kind: 'fast' } | { readonly kind: 'exact'; readonly away: number })

/**
 * Every limit of the API. A route names one of them; a request must pass every row of it whose key
 * the caller of the limiter has. Two limits never share a counter, not even with the same numbers.
 *
 *     limits['sign-in'] // one row: 5 a minute for each address and username
 */
export const limits = {
  'sign-in': [
    {
      by: 'address+username',
      count: 5,
      window: minute,
      kind: 'exact',
      away: 2,
      describe: 'Guessing one password is slow, and guessing elsewhere does not keep its owner out.',
    },
    {
      by: 'address',
      count: 30,
      window: minute,
      kind: 'exact',
      away: 10,
      describe: 'Trying one password at many names is slow as well, and costs no more than these hashes.',
    },
    {
      by: 'device',
      count: 5,
      window: minute,
      kind: 'exact',
      away: 2,
      describe:
        'A known device of the user named, in place of both: what strangers behind the same address do keeps nobody out.',
    },
  ],
  'passkey-sign-in': [
    {
      by: 'address',
      count: 60,
      window: minute,
      kind: 'exact',
      away: 10,
      describe:
        'Challenges for a sign-in by passkey, and answers to them, two for each sign-in. A passkey can not be guessed, so this counts nobody’s failures and is counted apart from passwords: what strangers try there delays no passkey.',
    },
  ],
  'passkey-challenge': [
    {
      by: 'session',
      count: 20,
      window: minute,
      kind: 'exact',
      away: 5,
      describe:
        'Challenges for whoever is signed in, to add a passkey or to confirm who one is, and answers that add one: a signature each.',
    },
    {
      by: 'user',
      count: 60,
      window: minute,
      kind: 'exact',
      away: 15,
      describe: 'The same, in all sessions of the user.',
    },
  ],
  'failed-sign-in': [
    {
      by: 'address',
      count: 15,
      burst: 15,
      window: hour,
      kind: 'exact',
      away: 5,
      describe:
        'Wrong passwords from one address, over all names: never more than 30 in any hour. What turns out right is given back.',
    },
  ],
  registration: [
    {
      by: 'address',
      count: 20,
      window: hour,
      kind: 'exact',
      away: 5,
      describe: 'A class of people may register in one lesson.',
    },
    {
      by: 'address',
      count: 200,
      window: day,
      kind: 'exact',
      away: 10,
      describe: 'A program that registers users does not get far.',
    },
  ],
  'anonymous-write': [
    {
      by: 'address',
      count: 50,
      window: hour,
      kind: 'exact',
      away: 10,
      describe: 'Whoever writes without signing in writes little.',
    },
    {
      by: 'address',
      count: 200,
      window: day,
      kind: 'exact',
      away: 20,
      describe: 'And not around the clock.',
    },
  ],
  export: [
    {
      by: 'user',
      count: 5,
      window: hour,
      kind: 'exact',
      away: 1,
      describe: 'A copy of everything that is kept of somebody reads a lot, and nobody needs it often.',
    },
  ],
  invitation: [
    {
      by: 'user',
      count: 60,
      window: hour,
      kind: 'exact',
      away: 5,
      describe: 'A class is invited in one go; a stolen session sends no flood of mail.',
    },
    {
      by: 'recipient',
      count: 5,
      window: day,
      kind: 'exact',
      away: 1,
      describe: 'Nobody is sent a heap of invitations, whoever sends them.',
    },
  ],
  refresh: [
    {
      by: 'session',
      count: 60,
      window: minute,
      kind: 'fast',
      describe:
        'Many tabs may do this at once; a loop in a client may not. A token that was replaced counts alone: a thief with the newer one can not keep it from being judged.',
    },
    {
      by: 'address',
      count: 1_200,
      window: minute,
      kind: 'fast',
      describe: 'Room for an office behind one address, not for a flood of made-up tokens.',
    },
  ],
  logout: [
    {
      by: 'address',
      count: 1_200,
      window: minute,
      kind: 'fast',
      describe:
        'By nothing else: whoever has stolen a cookie or a token can not use up what its owner needs to sign out.',
    },
  ],
  'end-sessions': [
    {
      by: 'session',
      count: 60,
      window: minute,
      kind: 'fast',
      describe: 'Ending sessions of the own. What is done in one of them keeps no other from ending it.',
    },
  ],
  read: [
    { by: 'anonymous', count: 300, window: minute, kind: 'fast', describe: 'Reading without a credential.' },
    {
      by: 'user',
      count: 1_200,
      window: minute,
      kind: 'fast',
      describe: 'Reading as a user, on all devices together.',
    },
    {
      by: 'api-key',
      count: 600,
      window: minute,
      kind: 'fast',
      describe: 'Reading with one API key.',
    },
    {
      by: 'key-owner',
      count: 3_000,
      window: minute,
      kind: 'fast',
      describe: 'Reading with all API keys of one user or service together: another key is no way to more.',
    },
  ],
  search: [
    {
      by: 'anonymous',
      count: 30,
      window: minute,
      kind: 'fast',
      describe: 'Looking for a text (`q`), besides reading: it reads far more than it answers.',
    },
    {
      by: 'user',
      count: 120,
      window: minute,
      kind: 'fast',
      describe: 'Looking for a text as a user, besides reading.',
    },
    {
      by: 'api-key',
      count: 120,
      window: minute,
      kind: 'fast',
      describe: 'Looking for a text with one API key, besides reading.',
    },
    {
      by: 'key-owner',
      count: 240,
      window: minute,
      kind: 'fast',
      describe: 'The same, with all API keys of one user or service together.',
    },
  ],
  write: [
    {
      by: 'user',
      count: 120,
      window: minute,
      kind: 'fast',
      describe: 'Writing as a user, on all devices together.',
    },
    {
      by: 'api-key',
      count: 600,
      window: minute,
      kind: 'fast',
      describe: 'Writing with one API key.',
    },
    {
      by: 'key-owner',
      count: 3_000,
      window: minute,
      kind: 'fast',
      describe:
        'Writing with all API keys of one user or service together: whoever makes fifty writes no fifty times as much.',
    },
  ],
  'confirm-password': [
    {
      by: 'session',
      count: 5,
      window: minute,
      kind: 'exact',
      away: 2,
      describe: 'A stolen access token must not let its holder guess the password.',
    },
    {
      by: 'user',
      count: 20,
      window: minute,
      kind: 'exact',
      away: 5,
      describe: 'Nor several; the owner, on a session of the own, is not kept from changing it.',
    },
  ],
  cookie: [
    {
      by: 'address',
      count: 1_200,
      window: minute,
      kind: 'fast',
      describe:
        'Session cookies that a process neither gave nor found before. Each is a query, and anybody can make one up.',
    },
    {
      by: 'session',
      count: 1_200,
      window: minute,
      kind: 'fast',
      describe:
        'One session cookie, whoever it stands for, live or ended: counted before it is looked up, but not to sign out.',
    },
  ],
  revocations: [
    {
      by: 'address',
      count: 6_000,
      window: minute,
      kind: 'fast',
      describe:
        'Verifiers elsewhere ask about once in one and a half seconds each, and up to 50 times a second while much is taken back.',
    },
  ],
  'refused-credential': [
    {
      by: 'address',
      count: 120,
      window: minute,
      kind: 'fast',
      describe:
        'Made-up tokens, keys and cookies. Past it, further ones that this process has not seen before are refused before a signature is checked or a query is made; those that it knows are not.',
    },
    {
      by: 'session',
      count: 120,
      window: minute,
      kind: 'fast',
      describe:
        'One token, key or cookie that was ours and is over, shown again and again; and one subject of another issuer who acts for nobody here.',
    },
  ],
  'unknown-key': [
    {
      by: 'address',
      count: 120,
      window: minute,
      kind: 'exact',
      away: 30,
      describe:
        'API keys that a process has not seen to be ours, counted before the database is asked for one. What turns out to be ours is given back.',
    },
  ],
  'new-key': [
    {
      by: 'user',
      count: 60,
      window: hour,
      kind: 'exact',
      away: 5,
      describe:
        'API keys made and rotated. Each is told to its owner by mail, and kept for a while after its end: a stolen session buries no notice under others.',
    },
  ],
  'password-strength': [
    {
      by: 'address',
      count: 60,
      window: minute,
      kind: 'fast',
      describe: 'Asking how good a password is, while it is typed.',
    },
  ],
  codes: [
    {
      by: 'address',
      count: 30,
      window: minute,
      kind: 'exact',
      away: 10,
      describe:
        'Codes shown as a second factor. How often one may be guessed at is counted by the sign-in itself, and by its user.',
    },
  ],
  mail: [
    {
      by: 'address',
      count: 3,
      window: hour,
      kind: 'exact',
      away: 1,
      describe: 'Whoever asks for mail to others asks seldom.',
    },
    {
      by: 'recipient',
      count: 5,
      window: day,
      kind: 'exact',
      away: 1,
      describe:
        'Nobody is sent a heap of mail. A forgotten password and an address that somebody gives are counted apart: strangers who give an address away do not keep its owner from a new password.',
    },
  ],
  unlimited: [],
} as const satisfies Record<string, readonly LimitRow[]>

/** What a route writes in its declaration. */
export type LimitName = keyof typeof limits

/** Names of the windows in use; a test finds a row whose window has none. */
export const windowNames: ReadonlyMap<number, string> = new Map([
  [minute, 'minute'],
  [hour, 'hour'],
  [day, 'day'],
])

/**
 * The public name of a row, unique in the table: letters and dashes, as the `RateLimit` header needs.
 *
 *     policyName('sign-in', limits['sign-in'][0]) // 'sign-in-address-username'
 *     policyName('registration', limits.registration[1]) // 'registration-address-day'
 */
export const policyName = (name: string, { by, window }: LimitRow): string =>
  [name, by.replace('+', '-'), ...(window === minute ? [] : [windowNames.get(window)])].join('-')
