import type { Database } from '../storage/tables.ts'
import type { Show } from './show-entry.ts'
import { openDatabaseSource } from './verify/database-source.ts'
import { type Entry, leftOut } from './verify/entry.ts'

const toChain = (
  { eventId: event_id, previousHash: previous_hash, personal, ...entry }: Entry,
  withPersonal: boolean,
) => ({
  ...entry,
  personal: personal === undefined || withPersonal ? personal : leftOut,
  event_id,
  previous_hash,
})

/**
 * The whole record as JSON Lines in the order of the chain, as `audit verify --export` takes it: one line for each key
 * and pruning, then one for each event (`{ …as shown, chain: { position, hash, previous_hash, event_id, row, personal } }`)
 * with the checkpoints of its position behind it. What is not sealed yet is not in it.
 */
export async function* exportLines(
  db: Database,
  { show = () => ({}), withPersonal = true }: { readonly show?: Show; readonly withPersonal?: boolean } = {},
): AsyncIterable<string> {
  const source = await openDatabaseSource(db)
  for (const [id, public_key] of source.keys) yield JSON.stringify({ audit: 'key', id, public_key })
  for (const pruning of source.prunings) yield JSON.stringify({ audit: 'pruning', ...pruning })
  const last = source.prunings.at(-1)?.to
  if (last !== undefined)
    for (const checkpoint of await source.checkpointsOutside(last, last)) yield JSON.stringify(checkpoint)
  for await (const { entries, checkpoints } of source.pages())
    for (const entry of entries) {
      yield JSON.stringify({ ...(entry.row && show(entry)), chain: toChain(entry, withPersonal) })
      for (const checkpoint of checkpoints)
        if (checkpoint.position === entry.position) yield JSON.stringify(checkpoint)
    }
}
