import { setTimeout as delay } from 'node:timers/promises'
import { minute, second } from '../ground/clock.ts'
import { jitter, type Random } from '../ground/random.ts'
import type { Waker } from './wake.ts'

/** A connection by which processes wake each other. */
export type Line = {
  /** Says a word that must come back on this line, if it hears anything at all. */
  readonly sayWord: () => Promise<unknown>
  /** Absent where the database does it by itself. */
  readonly wakeOthers?: () => Promise<unknown>
  /** Resolves when the connection is no more. */
  readonly ended: Promise<unknown>
  readonly close: () => void
}

/** Opens a line: what is said after that is heard on it. @throws Error in words for a person */
export type OpenLine = (hears: { readonly word: () => void; readonly wake: () => void }) => Promise<Line>

/** `deaf`: the connection stands, and nothing that is said arrives. */
export type LineState =
  | { readonly is: 'works' }
  | { readonly is: 'deaf' }
  | { readonly is: 'away'; readonly why: string }

/** A line that is made again for as long as the process runs. */
export type KeptLine = {
  readonly waker: Waker
  readonly state: () => LineState
  /** Never waits, never throws. What can't be said now is said once, when the line is there. */
  readonly wakeOthers: () => void
  /** Gives a line that has something to say a moment for it. */
  readonly close: () => Promise<void>
}

/** How often a line is tried, and how long its word may take, in milliseconds. */
const checkInterval = 5 * second
const longestWay = 2 * second
/** Until a line is made again: doubled with each failure, up to what the kind of failure is worth. */
const firstPause = second / 4
const longestPause = { works: firstPause, away: 5 * second, deaf: minute } as const
/** At the end, how long what is still to be said is waited for, and how often that is looked at. */
const [longestClose, look] = [second / 2, 10]

const toAway = (error: unknown): LineState => ({
  is: 'away',
  why: error instanceof Error ? error.message : String(error),
})

/** That a connection stands says nothing: a half-open one does, and so does a pooler before the server. */
const openChecked = async (open: OpenLine, wake: () => void) => {
  let heard = Promise.withResolvers<unknown>()
  const line = await open({ wake, word: () => heard.resolve(undefined) })
  const ending = new AbortController()
  // Once for each line: whoever waited on its end at every turn would leave something behind each time.
  void line.ended.then(() => {
    ending.abort()
    heard.resolve(undefined)
  })
  const isHeard = async (): Promise<boolean> => {
    heard = Promise.withResolvers()
    if (ending.signal.aborted) heard.resolve(undefined)
    const came = Promise.all([heard.promise, line.sayWord()]).then(() => true)
    const isIn = await Promise.race([came, delay(longestWay, false, { ref: false })])
    if (ending.signal.aborted) throw new Error('the connection was cut')
    return isIn
  }
  return { line, isHeard, ended: ending.signal }
}

/** Opens a line, tries it once, and closes it. */
export const tryLine = async (open: OpenLine): Promise<LineState> => {
  try {
    const { line, isHeard } = await openChecked(open, () => {})
    return (await isHeard().finally(line.close)) ? { is: 'works' } : { is: 'deaf' }
  } catch (error) {
    return toAway(error)
  }
}

/** Wakes others over the line there is: once for all who wanted it meanwhile, and later where there is none. */
const createSpeaker = (find: () => Line | undefined) => {
  let isSpeaking = false
  let [wanted, said] = [0, 0]
  const speak = async (): Promise<void> => {
    if (isSpeaking) return
    isSpeaking = true
    try {
      for (let line = find(); line !== undefined && said < wanted; line = find()) {
        const all = wanted
        await line.wakeOthers?.()
        said = all
      }
    } catch {
      // That line is lost: it is said when there is another.
    }
    isSpeaking = false
  }
  return {
    speak,
    wants: (): void => {
      wanted += 1
    },
    untilSaid: async (): Promise<void> => {
      for (let left = longestClose; left > 0 && said < wanted; left -= look) await delay(look)
    },
  }
}

/** Nothing is opened before somebody listens, or has something to say. */
export const keepLine = (
  { open, random }: { readonly open: OpenLine; readonly random: Random },
  onChange: (state: LineState) => void,
): KeptLine => {
  const closing = new AbortController()
  const { signal } = closing
  const rest = (milliseconds: number, until = signal): Promise<void> =>
    delay(milliseconds, undefined, { ref: false, signal: until }).catch(() => {})
  let wake = (): void => {}
  let state: LineState | undefined
  let failures = 0
  let isKept = false
  let line: Line | undefined
  const speaker = createSpeaker(() => line)

  const setState = (next: LineState): void => {
    const isNew = next.is !== state?.is && !signal.aborted
    state = next
    if (isNew) onChange(next)
  }

  const use = async ({ isHeard, ended }: Awaited<ReturnType<typeof openChecked>>): Promise<void> => {
    const over = AbortSignal.any([signal, ended])
    // Nobody here has heard what was said before.
    wake()
    void speaker.speak()
    while (!signal.aborted && (await isHeard())) {
      failures = 0
      setState({ is: 'works' })
      await rest(checkInterval, over)
    }
    setState(state?.is === 'works' ? toAway('it has fallen silent') : { is: 'deaf' })
  }

  const hold = async (): Promise<void> => {
    const opened = await openChecked(open, () => wake())
    line = signal.aborted ? undefined : opened.line
    try {
      await use(opened)
    } finally {
      line = undefined
      opened.line.close()
    }
  }

  const pause = (): number =>
    jitter(random, Math.min(longestPause[state?.is ?? 'away'], firstPause * 2 ** failures++))

  const keep = async (): Promise<void> => {
    while (!signal.aborted) {
      await hold().catch(error => setState(toAway(error)))
      // What it would have heard from now on.
      wake()
      await rest(pause())
    }
  }
  const start = (): void => {
    if (!isKept) void keep()
    isKept = true
  }

  return {
    waker: call => {
      wake = call
      start()
      return () => {
        wake = () => {}
      }
    },
    state: () => state ?? toAway('it was not opened yet'),
    wakeOthers: () => {
      speaker.wants()
      void speaker.speak()
      start()
    },
    close: async () => {
      await speaker.untilSaid()
      closing.abort()
      line?.close()
    },
  }
}
