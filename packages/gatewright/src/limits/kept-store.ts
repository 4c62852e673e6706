import { setTimeout as delay } from 'node:timers/promises'
import { second } from '../ground/clock.ts'
import { jitter, type Random } from '../ground/random.ts'
import type { CounterStore } from './counter-store.ts'
import { StoreAway } from './store-away.ts'

/** A store that can be had at the moment. */
export type OpenStore = CounterStore & {
  /** Resolves when it is no more; absent where only a failure tells. */
  readonly ended?: Promise<void>
  readonly close?: () => void
}

export type StoreState = { readonly is: 'works' } | { readonly is: 'away'; readonly why: string }

/** A store that is opened again for as long as the process runs. */
export type KeptStore = CounterStore & {
  /** Resolves when it was tried once. */
  readonly tried: Promise<void>
  readonly state: () => StoreState
  readonly close: () => void
}

/** Until it is tried again: doubled with each failure, until a question is answered. */
const [firstPause, longestPause] = [second / 4, 5 * second]

const whyOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/**
 * Keeps a store open. While it is away whoever asks is told so at once (`StoreAway`), and only one attempt to
 * have it back is under way at a time, which no request waits for. One that fails is away.
 */
export const keepStore = (
  { open, random }: { readonly open: () => Promise<OpenStore>; readonly random: Random },
  onChange: (state: StoreState) => void = () => {},
): KeptStore => {
  const closing = new AbortController()
  const tried = Promise.withResolvers<void>()
  let store: OpenStore | undefined
  let lost = Promise.withResolvers<void>()
  let state: StoreState = { is: 'away', why: 'it was not opened yet' }
  let failures = 0

  const setState = (next: StoreState): void => {
    const isNew = next.is !== state.is || failures === 0
    state = next
    if (isNew && !closing.signal.aborted) onChange(next)
  }
  const lose = (lostStore: OpenStore, why: string): void => {
    if (store !== lostStore) return
    store = undefined
    setState({ is: 'away', why })
    lostStore.close?.()
    lost.resolve()
  }
  const hold = async (): Promise<void> => {
    const opened = await open()
    if (closing.signal.aborted) return opened.close?.()
    lost = Promise.withResolvers()
    store = opened
    setState({ is: 'works' })
    void opened.ended?.then(() => lose(opened, 'the connection was cut'))
    tried.resolve()
    await lost.promise
  }
  const rest = (milliseconds: number): Promise<void> =>
    delay(milliseconds, undefined, { ref: false, signal: closing.signal }).catch(() => {})
  const keep = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      await hold().catch(error => setState({ is: 'away', why: whyOf(error) }))
      tried.resolve()
      await rest(jitter(random, Math.min(longestPause, firstPause * 2 ** failures++)))
    }
  }

  const found = (): OpenStore => {
    if (store === undefined) throw new StoreAway('the store of limits is away')
    return store
  }
  const ask = async <T>(question: (asked: OpenStore) => Promise<T>): Promise<T> => {
    const asked = found()
    try {
      const answer = await question(asked)
      failures = 0
      return answer
    } catch (error) {
      lose(asked, whyOf(error))
      throw new StoreAway('the store of limits failed', { cause: error })
    }
  }
  void keep()

  return {
    take: (charges, now) => ask(asked => asked.take(charges, now)),
    giveBack: (charges, now) => ask(asked => asked.giveBack(charges, now)),
    // Nobody waits for it: that it fails says nothing of the others.
    add: async (sums, since) => found().add(sums, since),
    tried: tried.promise,
    state: () => state,
    close: () => {
      closing.abort()
      const last = store
      store = undefined
      last?.close?.()
      lost.resolve()
    },
  }
}
