import { day } from 'gatewright/clock'
import type { CounterStore } from '../../packages/gatewright/src/limits/counter-store.ts'
import { startPostgres } from '../postgres/server.ts'
import type { Chain } from '../proofs/chain.ts'
import { addMet } from '../proofs/tally.ts'
import { findValkey, startValkey } from '../servers/valkey.ts'
import { openValkeyNodes } from './homes.ts'
import { type Outage, playLimits } from './play.ts'
import { openSqlHome } from './stores.ts'

type Home = { readonly stores: readonly CounterStore[]; readonly outage?: Outage }
type Open = (owner: Chain['owner']) => Promise<Home>

const nodes = 3
const start = Date.UTC(2026, 10, 21)

export const onSqlite: Open = async owner => {
  const home = await openSqlHome(nodes, undefined)
  owner.after(home.close)
  return home
}

export const onPostgres: Open = async owner => {
  const server = await startPostgres()
  owner.after(server.stop)
  const home = await openSqlHome(nodes, server.url)
  owner.after(home.close)
  return home
}

export const onValkey: Open = async owner => {
  const found = await findValkey()
  if (typeof found === 'string') throw new Error(found)
  const server = await startValkey(found)
  owner.after(() => server.stop())
  const { close, ...home } = await openValkeyNodes(server, 'proof', nodes)
  owner.after(async () => close())
  return home
}

/** Random traffic, each run long after the one before: nothing of that is left. */
export const proveLimits =
  (open: Open) =>
  async ({ owner, runs, seeded, tally }: Chain): Promise<void> => {
    const { stores, outage } = await open(owner)
    for (let run = 0; run < runs; run += 1) {
      const time = { at: start + run * 30 * day }
      const { lost, asked, met } = await playLimits(stores, seeded, { steps: 300, outage, time })
      tally.runs += 1
      tally.checked += asked
      tally.answered += asked
      tally.lost.push(...lost)
      addMet(tally.met, met)
    }
  }
