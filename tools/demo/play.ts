import { acts } from './acts.ts'
import type { Day } from './plan.ts'
import { makeAdministrator, openStage, type Theatre } from './stage.ts'

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
  const moveTo = (at: number): void => clock.advance(Math.max(0, start + at - clock.now()))
  const stage = openStage(theatre)
  const administrator = await makeAdministrator(stage, password)
  for (const act of planned) {
    moveTo(act.at)
    await acts[act.kind](stage, { ...act, who: act.who ?? administrator }, { administrator, people })
    onProgress(act.at / length)
  }
  moveTo(length)
  await theatre.deliverMail()
}
