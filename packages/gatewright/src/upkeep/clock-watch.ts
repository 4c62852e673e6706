import { type Clock, hour, minute } from '../ground/clock.ts'

/** What a wall clock may gain on the monotonic one between two looks, and be behind the time that is told. */
const tolerance = minute
/** How long a wall clock that has jumped ahead is not believed. */
const distrust = hour

/**
 * Tells whether the time may be believed by whoever deletes what is past its time. A clock that jumps ahead
 * may have been set wrong; and a cut-off that was deleted is gone when the clock is put right, while the
 * tokens that it names are valid again. A machine that slept looks the same, and loses nothing by waiting.
 * Once it was put right, the time that was told is known to be wrong, for as long as it is ahead.
 */
export const watchClock = ({
  now,
  monotonic,
  behind,
}: Pick<Clock, 'now' | 'monotonic' | 'behind'>): (() => boolean) => {
  let last = { wall: now(), at: monotonic() }
  let believedFrom = Number.NEGATIVE_INFINITY
  return () => {
    const [wall, at] = [now(), monotonic()]
    if (wall - last.wall - (at - last.at) > tolerance) believedFrom = at + distrust
    last = { wall, at }
    return at >= believedFrom && behind() <= tolerance
  }
}
