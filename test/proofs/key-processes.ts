import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Owner } from './installation.ts'
import type { Ask, Start } from './key-process.ts'

/** One of the processes of a proof. */
export type KeyProcess = {
  /** Its answer; rejects where it fails, or dies over it. */
  readonly ask: (ask: Ask) => Promise<unknown>
  readonly isDead: () => boolean
}

const file = join(import.meta.dirname, 'key-process.ts')

export const startKeyProcess = async (owner: Owner, start: Start): Promise<KeyProcess> => {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const child = fork(file, [JSON.stringify(start)], { env })
  const ended = once(child, 'exit')
  owner.after(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const isDead = (): boolean => child.exitCode !== null || child.signalCode !== null
  const answerOf = async (): Promise<unknown> => {
    const answered = once(child, 'message')
    const died = ended.then(() => [{ error: 'it died' }])
    const [{ value, error }] = await Promise.race([answered, died])
    if (error !== undefined) throw new Error(error)
    return value
  }
  await answerOf()
  let last: Promise<unknown> = Promise.resolve()
  return {
    isDead,
    ask: ask => {
      const answer = last
        .catch(() => {})
        .then(() => {
          if (isDead()) throw new Error('it died')
          child.send(ask)
          return answerOf()
        })
      last = answer
      return answer
    },
  }
}
