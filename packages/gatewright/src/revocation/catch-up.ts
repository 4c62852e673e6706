import type { Clock } from '../ground/clock.ts'
import { jitter, type Random } from '../ground/random.ts'

/** After a read that failed, nobody reads for about so long: who waits shares the next one. */
const retryPause = 100

export type CatchUp = {
  /** Resolves after a complete read, which may be under way already. */
  readonly catchUp: () => Promise<void>
  /** Resolves after a complete read that was sent from now on; many who ask share one. */
  readonly readFromNow: () => Promise<void>
}

/** One read at a time, whoever asks; after one that failed, none for a moment. */
export const createCatchUp = (
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  read: () => Promise<void>,
): CatchUp => {
  let reading: Promise<void> | undefined
  let notBefore = Number.NEGATIVE_INFINITY

  const readInTime = async (): Promise<void> => {
    const pause = notBefore - clock.monotonic()
    if (pause > 0) await clock.sleep(pause)
    try {
      await read()
    } catch (error) {
      notBefore = clock.monotonic() + jitter(random, retryPause)
      throw error
    }
  }
  const catchUp = (): Promise<void> => {
    reading ??= readInTime().finally(() => {
      reading = undefined
    })
    return reading
  }
  return {
    catchUp,
    readFromNow: async () => {
      await reading?.catch(() => {})
      await catchUp()
    },
  }
}
