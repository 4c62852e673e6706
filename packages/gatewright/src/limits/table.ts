import { day, hour, minute } from '../ground/clock.ts'

/**
 * Whom a row counts. `anonymous` is the address of a caller that shows no credential; an address
 * counts as its group (IPv6 by /64), which the limiter sees to.
 */
export type LimitBy = 'address' | 'anonymous' | 'user' | 'session' | 'address+username'

/** At most `count` requests at once, and `count` more in each `window` (milliseconds): see `gcra.ts`. */
export type LimitRow = {
  readonly by: LimitBy
  readonly count: number
  readonly window: number
  /** What the row is for, in one sentence of docs/limits.md. */
  readonly describe: string
}

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
      describe: 'Guessing one password is slow, and guessing elsewhere does not keep its owner out.',
    },
    {
      by: 'address',
      count: 30,
      window: minute,
      describe: 'Trying one password at many names is slow as well, and costs no more than these hashes.',
    },
  ],
  registration: [
    { by: 'address', count: 20, window: hour, describe: 'A class of people may register in one lesson.' },
    { by: 'address', count: 200, window: day, describe: 'A program that registers users does not get far.' },
  ],
  'password-strength': [
    {
      by: 'address',
      count: 60,
      window: minute,
      describe: 'A page asks while somebody types a new password; a program that measures lists does not.',
    },
  ],
  'anonymous-write': [
    { by: 'address', count: 50, window: hour, describe: 'Whoever writes without signing in writes little.' },
    { by: 'address', count: 200, window: day, describe: 'And not around the clock.' },
  ],
  refresh: [
    {
      by: 'session',
      count: 60,
      window: minute,
      describe:
        'Many tabs may do this at once; a loop in a client may not. A token that was replaced counts alone: a thief with the newer one can not keep it from being judged.',
    },
    {
      by: 'address',
      count: 1_200,
      window: minute,
      describe: 'Room for an office behind one address, not for a flood of made-up tokens.',
    },
  ],
  logout: [
    {
      by: 'address',
      count: 1_200,
      window: minute,
      describe:
        'By nothing else: whoever has stolen a cookie or a token can not use up what its owner needs to sign out.',
    },
  ],
  'end-sessions': [
    {
      by: 'session',
      count: 60,
      window: minute,
      describe: 'Ending sessions of the own. What is done in one of them keeps no other from ending it.',
    },
  ],
  read: [
    { by: 'anonymous', count: 300, window: minute, describe: 'Reading without a credential.' },
    { by: 'user', count: 1_200, window: minute, describe: 'Reading as a user, on all devices together.' },
  ],
  search: [
    {
      by: 'anonymous',
      count: 30,
      window: minute,
      describe: 'Looking for a text (`q`), besides reading: it reads far more than it answers.',
    },
    { by: 'user', count: 120, window: minute, describe: 'Looking for a text as a user, besides reading.' },
  ],
  write: [
    { by: 'user', count: 120, window: minute, describe: 'Writing as a user, on all devices together.' },
  ],
  'confirm-password': [
    {
      by: 'session',
      count: 5,
      window: minute,
      describe: 'A stolen access token must not let its holder guess the password.',
    },
    {
      by: 'user',
      count: 20,
      window: minute,
      describe: 'Nor several; the owner, on a session of the own, is not kept from changing it.',
    },
  ],
  cookie: [
    {
      by: 'address',
      count: 1_200,
      window: minute,
      describe:
        'Session cookies that a process neither gave nor found before. Each is a query, and anybody can make one up.',
    },
    {
      by: 'session',
      count: 1_200,
      window: minute,
      describe:
        'One session cookie, whoever it stands for, live or ended: counted before it is looked up, but not to sign out.',
    },
  ],
  revocations: [
    {
      by: 'address',
      count: 6_000,
      window: minute,
      describe:
        'Verifiers elsewhere ask about once in one and a half seconds each, and up to 50 times a second while much is taken back.',
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
export const policyName = (name: LimitName, { by, window }: LimitRow): string =>
  [name, by.replace('+', '-'), ...(window === minute ? [] : [windowNames.get(window)])].join('-')
