import { newFolder } from '../process/spawned-server.ts'
import { standStillInRounds } from '../process/stand-still.ts'
import type { Chain } from './chain.ts'
import { check } from './tally.ts'

const env = { PUBLIC_URL: 'http://localhost:3000' }
const minute = 60_000

/** A process that stands still for a minute, so many times. */
export const proveStopped = async ({ owner, runs, tally }: Chain): Promise<void> => {
  const statuses = await standStillInRounds(newFolder(owner), { env, rounds: runs, stillFor: minute })
  for (const status of statuses) check(tally, status === 401 || status === 503, `answered ${status}`)
  tally.runs = statuses.length
  tally.answered = statuses.length
  tally.notes.push(`first answers after a minute: ${statuses.join(', ')}`)
}
