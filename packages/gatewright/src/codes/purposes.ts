import { day, hour, minute } from '../ground/clock.ts'

export type CodePurpose = {
  /** Milliseconds. */
  readonly lifetime: number
  /** How often something may be tried against it, right or wrong; without a word once, when it is consumed. */
  readonly attempts?: number
  /**
   * What most events end does not end it, but a user who is disabled or deleted: a link by which an owner takes
   * back what a thief did must outlive what the thief does next. A reset by mail ends `not-me` all the same.
   */
  readonly outlives?: true
  /** It leaves an audit event of its own: no other one tells that it was made. A challenge alone opens nothing. */
  readonly isRecorded?: boolean
}

/** What a code or link is good for, and for how long. A new kind is a row here. */
export const codePurposes = {
  'verify-email': { lifetime: day, isRecorded: true },
  'undo-email': { lifetime: 7 * day, outlives: true, isRecorded: true },
  'not-me': { lifetime: 7 * day, outlives: true, isRecorded: true },
  'reset-password': { lifetime: hour, attempts: 5, isRecorded: true },
  'change-password': { lifetime: 10 * minute, attempts: 5 },
  'first-password': { lifetime: 7 * day },
  'prove-email': { lifetime: day, isRecorded: true },
  'forgotten-device': { lifetime: 10 * minute },
  invitation: { lifetime: 7 * day },
  'second-factor': { lifetime: 10 * minute, attempts: 5 },
  'passkey-registration': { lifetime: 5 * minute },
  'passkey-sign-in': { lifetime: 5 * minute },
  'passkey-step-up': { lifetime: 5 * minute },
} as const satisfies Readonly<Record<string, CodePurpose>>

export type Purpose = keyof typeof codePurposes

const all = Object.keys(codePurposes) as Purpose[]

/** Those that end with most of what happens to their user; the others outlive it. */
export const endingPurposes: readonly Purpose[] = all.filter(
  purpose => !('outlives' in codePurposes[purpose]),
)

/** Those of a user who can do nothing any more. */
export const everyPurpose: readonly Purpose[] = all
