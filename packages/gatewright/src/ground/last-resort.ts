export type LastResortLog = {
  readonly fatal: (fields: Readonly<Record<string, unknown>>, message: string) => void
}

export type LastResort = {
  readonly log: LastResortLog
  /** Finishes what is in flight, and ends the process. */
  readonly end: () => void
}

const found = 'an error that nobody caught: this process finishes what is in flight and ends'
const further = 'another error that nobody caught, while this process ends'

/** Node.js makes an error of what is none, and repeats it: it may be anything, also a secret. */
const isRepeated = (error: Error): boolean => 'code' in error && error.code === 'ERR_UNHANDLED_REJECTION'

const toError = (thrown: unknown): Error =>
  thrown instanceof Error && !isRepeated(thrown) ? thrown : new Error('something that is no error was thrown')

/** So many of a cause that goes on are told. */
const mostTold = 10

/**
 * For what is thrown where nobody waits for it, an exception or a promise: it is told once, and the process ends in
 * good order. It does not go on: nobody knows what was left half done in its memory. What started it starts it
 * again.
 * @returns what takes it back
 */
export const endOnUncaught = ({ log, end }: LastResort): (() => void) => {
  let told = 0
  const onUncaught = (thrown: unknown, origin: string): void => {
    told += 1
    if (told <= mostTold) log.fatal({ err: toError(thrown), origin }, told === 1 ? found : further)
    if (told === 1) end()
  }
  process.on('uncaughtException', onUncaught)
  return () => void process.off('uncaughtException', onUncaught)
}
