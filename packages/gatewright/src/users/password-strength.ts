import { once } from 'node:events'
import type { Worker } from 'node:worker_threads'
import { createBoundedQueue } from '../ground/bounded-queue.ts'
import { minute, second } from '../ground/clock.ts'
import { Refusal } from '../ground/refusal.ts'
import { hasLittleBeside } from './own-words.ts'
import type { Password } from './password.ts'
import type { Strength } from './strength.ts'
import { type StrengthQuestion, startStrengthThread } from './strength-thread.ts'

/** See {@link createPasswordStrength}. */
export type PasswordStrength = {
  /** For a password that is to be set: goes before all that is only shown. */
  readonly measure: (password: Password, words: readonly string[]) => Promise<Strength>
  /** For whoever still types: as the other, but at most one of these stands in its way. */
  readonly show: (password: Password, words: readonly string[]) => Promise<Strength>
  /** Ends the thread; whoever waits is refused. */
  readonly stop: () => Promise<void>
  /** Whether the thread and its dictionaries are there. */
  readonly isLoaded: () => boolean
}

type Options = {
  /** Milliseconds without a question after which the thread ends. */
  readonly idle?: number
  /** Milliseconds for one answer. */
  readonly patience?: number
  readonly start?: () => Worker
}

/** What is said of a password that is little more than names. */
const tooOwn: Strength = {
  score: 0,
  warning: 'It is little more than your own names, or those of this service.',
  suggestions: ['Add more words that are less common.'],
}

/** What stands in an error of the thread could be a part of the password: only its kind is told. */
const threadFailed = (error: unknown): Error =>
  new Error(`the thread that measures passwords failed: ${error instanceof Error ? error.name : 'unknown'}`)

const unknown = () => new Refusal('unavailable', { reason: 'strength_unknown', retryAfter: 1 })

/**
 * Measures passwords (zxcvbn: common passwords, English words, names, patterns; and the words that the user and
 * the service are known by) in a thread of its own, which starts with the first question and ends after a minute
 * without one. Only the first 64 code points count. One password at a time, a bounded number waits; beyond that,
 * and where no answer comes in time, it refuses with `unavailable`: what was not measured is not taken.
 *
 *     const strength = createPasswordStrength()
 *     await strength.measure(parsePassword('password password'), ['alice']) // { score: 0, warning: '…', … }
 */
export const createPasswordStrength = (options: Options = {}): PasswordStrength => {
  const { idle = minute, patience = 15 * second, start = startStrengthThread } = options
  const questions = createBoundedQueue({ atOnce: 1, maxWaiting: 64, reason: 'strength_queue_full' })
  const shows = createBoundedQueue({ atOnce: 1, maxWaiting: 16, reason: 'strength_queue_full' })
  const stopping = new AbortController()
  let current: Worker | undefined
  let rest: NodeJS.Timeout | undefined

  const end = async (thread: Worker | undefined): Promise<void> => {
    if (current === thread) current = undefined
    await thread?.terminate()
  }

  const open = (): Worker => {
    const thread = start()
    // Without a listener an error would end the process.
    thread.on('error', () => void end(thread))
    return thread
  }

  const ask = async (question: StrengthQuestion): Promise<Strength> => {
    clearTimeout(rest)
    const thread = current ?? open()
    current = thread
    thread.ref()
    const late = AbortSignal.any([stopping.signal, AbortSignal.timeout(patience)])
    try {
      const answer = once(thread, 'message', { signal: late })
      thread.postMessage(question)
      const [strength] = await answer
      thread.unref()
      rest = setTimeout(() => void end(thread), idle).unref()
      return strength
    } catch (error) {
      await end(thread)
      throw late.aborted ? unknown() : threadFailed(error)
    }
  }

  const measure = async (password: Password, words: readonly string[]): Promise<Strength> => {
    const strength = await questions.run(() => ask({ password, words }))
    return hasLittleBeside(words, password) ? tooOwn : strength
  }

  return {
    measure,
    show: (password, words) => shows.run(() => measure(password, words)),
    stop: async () => {
      clearTimeout(rest)
      stopping.abort()
      await end(current)
    },
    isLoaded: () => current !== undefined,
  }
}
