import { day, hour } from '../ground/clock.ts'

/** What a pattern is, as `docs/unusual-sign-ins.md` shows it. Times in milliseconds. */
export type Pattern = {
  readonly looksFor: string
  /** So many of what it counts; 1 where one is enough. */
  readonly threshold: number
  /** In so long; and not raised again for the same subject before that. 0: each time. */
  readonly window: number
  /** Whether `LIMITS_SCALE` multiplies the threshold: of those that count guesses. */
  readonly isScaled: boolean
  /** For whom it is raised once in a window. */
  readonly subject: 'user' | 'password' | 'address'
  readonly severity: 'info' | 'warning' | 'critical'
  readonly tells: { readonly user: boolean; readonly administrators: boolean }
  /** An alarm where it was raised more often than this in an hour, over all subjects. */
  readonly alertAbove: number
  readonly why: string
}

/**
 * Every pattern of sign-ins that is told to somebody. Its event is `unusual.<name>`, its metric
 * `gatewright_unusual_sign_ins_total{pattern="<name>"}`.
 */
export const patterns = {
  'many-failures': {
    looksFor:
      'Wrong passwords for one user, from devices that are not known, also those that were not looked at any more.',
    threshold: 20,
    window: day,
    isScaled: true,
    subject: 'user',
    severity: 'warning',
    tells: { user: true, administrators: true },
    alertAbove: 5,
    why: 'Ten in a row hold such devices, and the owner is told of that. Who has forgotten a password stops there; a program that guesses goes on. A new password by mail begins anew.',
  },
  'one-password-many-users': {
    looksFor:
      'One wrong password at many names, from devices that are not known, whoever has these names and whatever addresses it comes from.',
    threshold: 15,
    window: 6 * hour,
    isScaled: true,
    subject: 'password',
    severity: 'critical',
    tells: { user: false, administrators: true },
    alertAbove: 0,
    why: 'Besides, five times as many as other passwords have at the same time: of what is kept of a password, one in 256 is the same by chance, so in a large installation a number alone says nothing.',
  },
  'many-users-one-address': {
    looksFor:
      'Names at which a sign-in failed from one address group, on devices that are not known, and did not succeed there afterwards.',
    threshold: 12,
    window: hour,
    isScaled: true,
    subject: 'address',
    severity: 'critical',
    tells: { user: false, administrators: true },
    alertAbove: 0,
    why: 'A list of stolen names and passwords. An address has 15 wrong ones at once and 30 in an hour at most. Of an office behind one address nearly all get in after a slip, and those do not count any more.',
  },
  'new-device': {
    looksFor: 'A sign-in in a browser that is not known, or by a program that was never seen there.',
    threshold: 1,
    window: 0,
    isScaled: false,
    subject: 'user',
    severity: 'info',
    tells: { user: true, administrators: false },
    alertAbove: 100,
    why: 'Its owner knows best. Of an account of the same day the first sign-in is no news.',
  },
  'success-after-failures': {
    looksFor:
      'A sign-in by password on a device that is not known, after many wrong passwords from such devices.',
    threshold: 8,
    window: day,
    isScaled: true,
    subject: 'user',
    severity: 'critical',
    tells: { user: true, administrators: true },
    alertAbove: 0,
    why: 'People try the handful of passwords that they have; ten in a row are held. Said in place of the new device, in one mail.',
  },
  'wrong-factor': {
    looksFor: 'The right password, and a wrong second factor so often in a row.',
    threshold: 3,
    window: hour,
    isScaled: false,
    subject: 'user',
    severity: 'warning',
    tells: { user: true, administrators: false },
    alertAbove: 5,
    why: 'Somebody else may know the password. One or two are a slip of the finger, or a code that has just changed.',
  },
  'refresh-reuse': {
    looksFor: 'A refresh token older than the window of retries allows; its session has ended.',
    threshold: 1,
    window: hour,
    isScaled: false,
    subject: 'user',
    severity: 'warning',
    tells: { user: true, administrators: false },
    alertAbove: 5,
    why: 'A copy of the token, or an answer that was lost for longer than the window. The owner is told of each session.',
  },
  'administrator-from-new-network': {
    looksFor:
      'A sign-in of an administrator from a network (IPv4 /24, IPv6 /48) from which that user did not sign in for 90 days.',
    threshold: 1,
    window: 0,
    isScaled: false,
    subject: 'user',
    severity: 'warning',
    tells: { user: true, administrators: true },
    alertAbove: 0,
    why: 'Administrators are few, and have offices. The first sign-in as an administrator is none.',
  },
} as const satisfies Readonly<Record<string, Pattern>>

export type PatternName = keyof typeof patterns

export const patternNames = Object.keys(patterns) as readonly PatternName[]

/** What the table says of a pattern. */
export const patternOf = (name: PatternName): Pattern => patterns[name]

/** The audit event by which it is raised. */
export const eventOf = <Name extends PatternName>(name: Name): `unusual.${Name}` => `unusual.${name}`

/** How long the networks of an administrator are known after the last sign-in from there. */
export const networksKnownFor = 90 * day
