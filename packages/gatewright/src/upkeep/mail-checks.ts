import { hour, toTimestamp } from '../ground/clock.ts'
import { listGivenUp } from '../mail/claim.ts'
import type { DatabaseFacts } from './facts.ts'
import { type Finding, ok, warning } from './finding.ts'

/** Mail that has been due for so long is handed over by nobody. */
const longWait = hour
const most = 100

const counted = (count: number): string => `${count}${count === most ? ' or more' : ''}`

/** What the queue of mail holds: what was given up, and what nobody sends. */
export const checkMail = async ({ db, clock }: Pick<DatabaseFacts, 'db' | 'clock'>): Promise<Finding> => {
  const dead = await listGivenUp(db, most)
  const problems = [...new Set(dead.map(({ kind, problem }) => `${kind} (${problem})`))].slice(0, 5)
  if (dead.length > 0)
    return warning({
      found: `given up: ${counted(dead.length)}, by ${problems.join(', ')}`,
      means: 'This mail did not reach whom it was for.',
      do: 'Where an address is wrong (550), nothing. Else mend what is wrong with SMTP_URL, then run: gatewright mail retry',
    })
  const waiting = await db
    .selectFrom('mails')
    .select(['kind', 'due_at', 'problem'])
    .where('forgotten_at', 'is', null)
    .orderBy('due_at')
    .limit(most)
    .execute()
  const [oldest] = waiting.filter(({ due_at }) => due_at < clock.now() - longWait)
  if (oldest === undefined)
    return ok(waiting.length === 0 ? 'none waiting' : `${counted(waiting.length)} waiting`)
  return warning({
    found: `${counted(waiting.length)} waiting, the oldest (${oldest.kind}) due since ${toTimestamp(oldest.due_at)}`,
    means: 'No process runs that sends mail.',
    do: 'Start the server, without MAIL=off.',
  })
}
