import { sql } from 'kysely'
import { newId, type Random } from '../ground/random.ts'
import { openListener } from '../storage/postgres-listener.ts'
import type { Database } from '../storage/tables.ts'
import type { OpenLine } from './wake-line.ts'

const channel = 'gatewright_cut_offs'

/** Tells all who listen, at the commit of the transaction. It carries nothing. */
export const notifyCutOffs = sql<null>`pg_notify(${channel}, '')`

/**
 * A connection of PostgreSQL that listens. Its word is said over another connection: a pooler that lends
 * connections for a transaction may lend the one that listens to the next speaker, who would then hear
 * himself, and nobody else anything.
 */
export const openListeningLine = ({
  url,
  watch,
  random,
}: {
  readonly url: string
  readonly watch: Database
  readonly random: Random
}): OpenLine => {
  const own = `gatewright_word_${newId(random)}`
  return async ({ word, wake }) => {
    const listener = await openListener(url, [channel, own], heard => (heard === own ? word() : wake()))
    return { ...listener, sayWord: () => sql`select pg_notify(${own}, '')`.execute(watch) }
  }
}
