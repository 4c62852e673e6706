import { waitAtMost } from '../ground/wait-at-most.ts'
import type { Database } from '../storage/tables.ts'

/** Why and when a session ended. */
export type SessionEnd = { readonly reason: string; readonly at: number }

/** What is told of ended sessions to whoever has proved to be their owner. */
export type SessionEnds = {
  /** Undefined where no row is left, it has not ended, or the database does not answer soon. Never rejects. */
  readonly find: (sessionId: string) => Promise<SessionEnd | undefined>
}

/** Sessions in memory; of more, those looked up first are looked up again. */
const mostKnown = 10_000
/** A refusal is not kept waiting by a database that hangs. Milliseconds. */
const longest = 250

const readEnd = async (db: Database, id: string): Promise<SessionEnd | undefined> => {
  const row = await db
    .selectFrom('sessions')
    .select(['ended_at', 'end_reason'])
    .where('id', '=', id)
    .executeTakeFirst()
  if (row === undefined || row.ended_at === null) return undefined
  return { reason: row.end_reason ?? 'ended', at: row.ended_at }
}

/**
 * One query for each ended session, however often what belonged to it is shown: an end is never taken back. Ask it
 * only for sessions whose credential is proven ours, of which nobody can make up any.
 */
export const createSessionEnds = ({ db }: { readonly db: Database }): SessionEnds => {
  const known = new Map<string, Promise<SessionEnd | undefined>>()

  const read = (id: string): Promise<SessionEnd | undefined> => {
    const reading = readEnd(db, id).catch(() => {
      known.delete(id)
      return undefined
    })
    if (known.size >= mostKnown) known.delete(known.keys().next().value as string)
    known.set(id, reading)
    return reading
  }

  return {
    find: async id => {
      let found: SessionEnd | undefined
      const reading = (known.get(id) ?? read(id)).then(end => {
        found = end
      })
      await waitAtMost(longest, reading)
      return found
    },
  }
}
