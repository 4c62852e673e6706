import { acts } from './acts.ts'
import type { Day } from './plan.ts'
import { makeAdministrator, openStage, type Theatre } from './stage.ts'

const fewMinutes = 10 * 60_000

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
  const { clock, engine } = theatre
  const start = clock.now()
  /** What was counted before belongs to the time before: there it is written, a few times an hour. */
  const moveTo = async (at: number): Promise<void> => {
    const before = Math.floor(clock.now() / fewMinutes)
    clock.advance(Math.max(0, start + at - clock.now()))
    if (Math.floor(clock.now() / fewMinutes) !== before) await engine.minutes.write()
  }
  const stage = openStage(theatre)
  const administrator = await makeAdministrator(stage, password)
  for (const act of planned) {
    await moveTo(act.at)
    await acts[act.kind](stage, { ...act, who: act.who ?? administrator }, { administrator, people })
    onProgress(act.at / length)
  }
  await moveTo(length)
  await theatre.deliverMail()
}
