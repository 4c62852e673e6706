import { hour, toTimestamp } from '../ground/clock.ts'
import { mostAttempts } from '../hooks/queue.ts'
import type { DatabaseFacts } from './facts.ts'
import { type Finding, ok, warning } from './finding.ts'

/** An event that nobody has taken for so long waits for a handler that does not run. */
const longWait = hour

const counted = (count: number): string => `${count} event${count === 1 ? '' : 's'}`

/** What the queue of hooks holds: what failed for good, and what nobody takes. */
export const checkHooks = async ({ db, clock }: Pick<DatabaseFacts, 'db' | 'clock'>): Promise<Finding> => {
  const now = clock.now()
  const waiting = await db
    .selectFrom('hook_events')
    .select(['id', 'name', 'attempts', 'due_at'])
    .orderBy('id')
    .limit(1_000)
    .execute()
  const dead = waiting.filter(({ attempts, due_at }) => attempts >= mostAttempts && due_at <= now)
  if (dead.length > 0)
    return warning({
      found: `given up after ${mostAttempts} attempts: ${dead.map(({ id, name }) => `${name} ${id}`).join(', ')}`,
      means: 'What the application does after these events was not done.',
      do: 'Mend the handler (the log names its error) and restart the server: a start tries them again.',
    })
  const [oldest] = waiting.filter(({ due_at }) => due_at < now - longWait)
  if (oldest === undefined)
    return ok(waiting.length === 0 ? 'none waiting' : `${counted(waiting.length)} waiting`)
  return warning({
    found: `${counted(waiting.length)} waiting, the oldest (${oldest.name}) due since ${toTimestamp(oldest.due_at)}`,
    means: 'No process runs that has a handler for them.',
    do: 'Start the application. If it has no hooks any more, start it once with hooks: {}, which drops them.',
  })
}
