import { acts } from './acts.ts'
import type { Day } from './plan.ts'
import { makeAdministrator, openStage, type Theatre } from './stage.ts'

const minute = 60_000

/** What a server does by its own clock, and here whenever the clock has come past so many milliseconds. */
const inBetween: readonly (readonly [length: number, work: (theatre: Theatre) => Promise<unknown>])[] = [
  // What was counted belongs to the time before.
  [10 * minute, ({ engine }) => engine.minutes.write()],
  [10 * minute, ({ engine }) => engine.sealer.look()],
  [60 * minute, ({ engine }) => engine.sealer.sign()],
  [60 * minute, ({ deliverMail }) => deliverMail()],
]

type Options = {
  /** Of the administrator who is made. */
  readonly password: string
  /** Told after every act how much of the day has gone, from 0 to 1. */
  readonly onProgress?: (share: number) => void
}

/**
 * Plays a day: nobody but its clock knows that it takes seconds. The clock stands where the day begins, and where it
 * ends afterwards.
 * @throws Error that says what was answered, where the day can't go on
 */
export const playDay = async (
  theatre: Theatre,
  { people, acts: planned, length }: Day,
  { password, onProgress = () => {} }: Options,
): Promise<void> => {
  const { clock } = theatre
  const start = clock.now()
  const moveTo = async (at: number): Promise<void> => {
    const before = clock.now()
    clock.advance(Math.max(0, start + at - before))
    for (const [length, work] of inBetween)
      if (Math.floor(clock.now() / length) !== Math.floor(before / length)) await work(theatre)
  }
  const stage = openStage(theatre)
  const administrator = await makeAdministrator(stage, password)
  for (const act of planned) {
    await moveTo(act.at)
    await acts[act.kind](stage, { ...act, who: act.who ?? administrator }, { administrator, people })
    onProgress(act.at / length)
  }
  await moveTo(length)
  for (const [, work] of inBetween) await work(theatre)
}
