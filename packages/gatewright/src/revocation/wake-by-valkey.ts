import { newId, type Random } from '../ground/random.ts'
import { openValkey } from '../storage/valkey.ts'
import type { OpenLine } from './wake-line.ts'

/**
 * A connection to Valkey or Redis. Channels have the id of the database in front, so that several
 * installations can share a server. Whoever else can publish there can wake, which costs a read, and
 * nothing more.
 */
export const openValkeyLine = ({
  url,
  epoch,
  random,
}: {
  readonly url: string
  readonly epoch: string
  readonly random: Random
}): OpenLine => {
  const channel = `gatewright:${epoch}:cut-offs`
  const own = `gatewright:${epoch}:word:${newId(random)}`
  return async ({ word, wake }) => {
    const { publish, ended, close } = await openValkey(url, [channel, own], heard =>
      heard === own ? word() : wake(),
    )
    return { sayWord: () => publish(own), wakeOthers: () => publish(channel), ended, close }
  }
}
