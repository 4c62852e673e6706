import { createDice, type Dice } from './dice.ts'
import { makePeople, type Person } from './people.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** What happens, in the order in which the table of acts plays it. */
export type Act = {
  /** Milliseconds after the beginning of the day. */
  readonly at: number
  readonly kind: ActKind
  /** Who does it; without a word the administrator, or nobody that is known. */
  readonly who?: Person
  /** What it is done to, or how often. */
  readonly with?: string | number
}

export type ActKind =
  | 'arrive'
  | 'sign-in'
  | 'mistype'
  | 'read'
  | 'write'
  | 'note'
  | 'finish-note'
  | 'look-at-self'
  | 'sign-out'
  | 'open-the-house'
  | 'make-key'
  | 'run-report'
  | 'revoke-key'
  | 'guess-one'
  | 'guess-right'
  | 'wrong-codes'
  | 'spray'
  | 'try-list'
  | 'steal-refresh'
  | 'try-doors'
  | 'throw-tokens'
  | 'hurry'
  | 'forget-password'
  | 'change-password'
  | 'moderate'
  | 'disable'
  | 'end-sessions'
  | 'rotate-signing-key'
  | 'ask-why'
  | 'travel'
  | 'sign-off'
  | 'take-data'
  | 'leave-for-good'

export type Day = {
  readonly people: readonly Person[]
  readonly acts: readonly Act[]
  readonly length: number
}

/** How busy people are, hour by hour of the clock on the wall. */
const busy = [1, 0, 0, 0, 0, 1, 2, 5, 9, 12, 12, 10, 7, 9, 12, 11, 9, 7, 5, 5, 6, 6, 4, 2] as const

/** A moment of the day, busy hours first. */
const pickMoment = (dice: Dice, start: number): number => {
  for (;;) {
    const at = dice.below(day - hour) + hour / 2
    if (dice.below(13) <= (busy[new Date(start + at).getHours()] ?? 0)) return at
  }
}

const doings = ['read', 'read', 'read', 'read', 'write', 'note', 'finish-note', 'look-at-self'] as const

/** Somebody comes, does this and that for a while, and goes, or leaves the session open. */
const planVisit = (dice: Dice, who: Person, at: number): readonly Act[] => {
  const acts: Act[] = []
  let now = at
  for (let tries = dice.happens(0.18) ? 1 + dice.below(2) : 0; tries > 0; tries -= 1) {
    acts.push({ at: now, kind: 'mistype', who })
    now += 20_000
  }
  acts.push({ at: now, kind: 'sign-in', who })
  for (let count = 3 + dice.below(9); count > 0; count -= 1) {
    now += dice.below(6 * minute) + 5_000
    acts.push({ at: now, kind: dice.pick(doings), who })
  }
  if (dice.happens(0.4)) acts.push({ at: now + minute, kind: 'sign-out', who })
  return acts
}

const planPerson = (dice: Dice, who: Person, place: number, start: number): readonly Act[] => [
  { at: 5 * minute + place * 20_000, kind: 'arrive', who },
  ...Array.from({ length: 1 + dice.below(4) }, () => planVisit(dice, who, pickMoment(dice, start))).flat(),
]

/** What happens once, by its share of the day that has gone. */
const incidents = (people: readonly Person[]): readonly (readonly [number, Omit<Act, 'at'>])[] => {
  const at = (place: number): { readonly who: Person } | object => {
    const who = people[place % people.length]
    return who === undefined ? {} : { who }
  }
  return [
    [0.045, { kind: 'open-the-house' }],
    [0.1, { kind: 'make-key', ...at(0) }],
    [0.16, { kind: 'try-doors', ...at(3) }],
    [0.22, { kind: 'change-password', ...at(5) }],
    [0.26, { kind: 'guess-right', ...at(8), with: 8 }],
    [0.3, { kind: 'guess-one', ...at(2), with: 24 }],
    [0.38, { kind: 'ask-why', ...at(3) }],
    [0.42, { kind: 'forget-password', ...at(4) }],
    [0.47, { kind: 'moderate', ...at(1) }],
    [0.52, { kind: 'throw-tokens', with: 7 * people.length }],
    [0.55, { kind: 'wrong-codes', ...at(7), with: 3 }],
    [0.58, { kind: 'spray', with: 20 }],
    [0.68, { kind: 'try-list', with: 14 }],
    [0.62, { kind: 'disable', ...at(6) }],
    [0.66, { kind: 'make-key', ...at(7) }],
    [0.71, { kind: 'steal-refresh', ...at(0) }],
    [0.76, { kind: 'take-data', ...at(5) }],
    [0.8, { kind: 'hurry', with: 11 * people.length }],
    [0.84, { kind: 'rotate-signing-key' }],
    [0.88, { kind: 'end-sessions', ...at(2) }],
    [0.9, { kind: 'revoke-key', ...at(7) }],
    [0.93, { kind: 'leave-for-good', ...at(8) }],
    [0.95, { kind: 'sign-off' }],
    [0.97, { kind: 'travel' }],
  ]
}

const planReports = (): readonly Act[] =>
  Array.from({ length: 44 }, (_, turn) => ({
    at: 0.06 * day + turn * 30 * minute,
    kind: 'run-report' as const,
  }))

/** Nobody acts before having arrived, nor after having left. */
const keepPresent = (acts: readonly Act[], gone: ReadonlyMap<string | undefined, number>): readonly Act[] =>
  acts.filter(
    ({ at, who, kind }) =>
      at <= (gone.get(who?.username) ?? day) || ['disable', 'leave-for-good'].includes(kind),
  )

/**
 * A small day: who is there, and what happens when. The same for the same seed, beginning and number of people.
 *
 *     const { people, acts } = planDay({ seed: 7, people: 36, start: Date.now() - 24 * 60 * 60 * 1_000 })
 */
export const planDay = ({
  seed,
  people: count,
  start,
}: {
  readonly seed: number
  readonly people: number
  readonly start: number
}): Day => {
  const dice = createDice(seed)
  const people = makePeople(dice, count)
  const once = incidents(people).map(([share, act]): Act => ({ ...act, at: share * day }))
  const gone = new Map(
    once
      .filter(({ kind }) => kind === 'disable' || kind === 'leave-for-good')
      .map(({ who, at }) => [who?.username, at]),
  )
  const acts = [
    ...once,
    ...planReports().filter(({ at }) => at < day - hour),
    ...people.flatMap((who, place) => planPerson(dice, who, place, start)),
  ]
  return { people, acts: keepPresent(acts, gone).toSorted((a, b) => a.at - b.at), length: day }
}
