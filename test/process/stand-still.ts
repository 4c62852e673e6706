import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { type Folder, type Server, signIn, signUp, startServer } from './spawned-server.ts'
import { until } from './until.ts'

/** Between two reads of the feed. */
const feedInterval = 100

type Rounds = {
  readonly env: Readonly<Record<string, string>>
  readonly rounds: number
  /** How long it stands still, in milliseconds: more than the bound. */
  readonly stillFor: number
}

const standStill = async (
  [first, stopped]: readonly [Server, Server],
  { after, stillFor }: { readonly after: number; readonly stillFor: number },
): Promise<number> => {
  const { access: token } = await signIn(first, 'leaver')
  assert.equal((await stopped.call('GET', 'protected', { token })).status, 200)
  await delay(after)
  stopped.kill('SIGSTOP')
  assert.equal((await first.call('POST', 'logout', { token })).status, 200)
  await delay(stillFor)
  // It is there before the process goes on, and is read with whatever else has come.
  const answer = stopped.call('GET', 'protected', { token })
  await delay(20)
  stopped.kill('SIGCONT')
  const { status } = await answer
  const isRefused = async (): Promise<boolean> =>
    (await stopped.call('GET', 'protected', { token })).status === 401
  await until('it refuses for good', isRefused)
  return status
}

/**
 * Of two processes on one database, one is stopped (SIGSTOP) wherever it is in its work, each time a little
 * later in it. Meanwhile a session that it knows ends elsewhere.
 * @returns the status of its first answer to the token of that session, each time
 */
export const standStillInRounds = async (
  folder: Folder,
  { env, rounds, stillFor }: Rounds,
): Promise<readonly number[]> => {
  const servers = [await startServer(folder, { env }), await startServer(folder, { env })] as const
  await signUp(servers[0], 'leaver')
  const statuses: number[] = []
  for (let round = 0; round < rounds; round++)
    statuses.push(await standStill(servers, { after: (round * feedInterval) / rounds, stillFor }))
  return statuses
}
