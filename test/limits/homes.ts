import { systemRandom } from 'gatewright/random'
import { keepStore } from '../../packages/gatewright/src/limits/kept-store.ts'
import { createValkeyCounters, limitScripts } from '../../packages/gatewright/src/limits/valkey-counters.ts'
import { openValkeyScripts } from '../../packages/gatewright/src/storage/valkey.ts'
import { until } from '../process/until.ts'
import type { ValkeyServer } from '../servers/valkey.ts'
import type { Outage } from './play.ts'

/** Nodes on a server of Valkey that is killed and comes back empty. */
export const openValkeyNodes = async ({ url, stop, restart }: ValkeyServer, epoch: string, count: number) => {
  const open = async () => {
    const scripts = await openValkeyScripts(url, limitScripts)
    return { ...createValkeyCounters(scripts, epoch), ended: scripts.ended, close: scripts.close }
  }
  const stores = Array.from({ length: count }, () => keepStore({ open, random: systemRandom }))
  const untilAll = (is: 'works' | 'away') =>
    until(`the store ${is}`, () => stores.every(({ state }) => state().is === is))
  await untilAll('works')
  const outage: Outage = {
    leave: async () => {
      await stop()
      await untilAll('away')
    },
    comeBack: async () => {
      await restart()
      await untilAll('works')
    },
  }
  return {
    stores,
    outage,
    close: () => {
      for (const { close } of stores) close()
    },
  }
}
