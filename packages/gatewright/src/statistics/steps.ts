import { day, hour, minute } from '../ground/clock.ts'

/** Hours are kept for so long. */
export const hoursKeptFor = 90 * day
/** Minutes are kept for so long; then they are part of their hours. */
export const minutesKeptFor = day + hour

type Row = {
  /** How long one is, in milliseconds. */
  readonly length: number
  /** The longest time that may be asked for at once by it. */
  readonly most: number
  /** How long ago it may have begun. */
  readonly keptFor: number
  /** The time up to now, without a word. */
  readonly usual: number
}

/** By what steps of time figures are asked for. No answer has more than 744 of them, or a few more. */
export const steps = {
  minute: { length: minute, most: 12 * hour, keptFor: day, usual: hour },
  hour: { length: hour, most: 31 * day, keptFor: hoursKeptFor, usual: day },
  day: { length: day, most: hoursKeptFor, keptFor: hoursKeptFor, usual: 30 * day },
} as const satisfies Readonly<Record<string, Row>>

export type Step = keyof typeof steps

export const stepNames = Object.keys(steps) as readonly Step[]
