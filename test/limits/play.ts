import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { day, minute, second } from 'gatewright/clock'
import { addressAndUsername, type LimitKeys } from '../../packages/gatewright/src/limits/counter-keys.ts'
import type { CounterStore } from '../../packages/gatewright/src/limits/counter-store.ts'
import type { LimitName } from '../../packages/gatewright/src/limits/table.ts'
import type { Seeded } from '../sessions/seeded.ts'
import { type Node, openNodes, type Time } from './nodes.ts'
import { createPromises, type Whom } from './promises.ts'

/** What is asked to go away and come back, where the store can. */
export type Outage = { readonly leave: () => Promise<void>; readonly comeBack: () => Promise<void> }

export type Played = {
  readonly lost: readonly string[]
  readonly asked: number
  readonly met: ReadonlyMap<string, number>
}

type Caller = { readonly keys: LimitKeys; readonly whom: Whom }

/** Two /64 of one /48, one of another, and two of IPv4; grouped here by hand. */
const addresses = [
  { address: '192.0.2.1', group: 'a' },
  { address: '198.51.100.7', group: 'b' },
  { address: '2001:db8:1:1::1', group: 'c', network: 'N' },
  { address: '2001:db8:1:2:9::1', group: 'd', network: 'N' },
  { address: '2001:db8:2:1::1', group: 'e', network: 'M' },
] as const

const exactNames: readonly LimitName[] = [
  'sign-in',
  'failed-sign-in',
  'registration',
  'anonymous-write',
  'confirm-password',
  'codes',
  'mail',
]
const fastNames: readonly LimitName[] = ['write', 'search', 'refresh', 'read', 'password-strength']

const pickCaller = ({ pick, below }: Seeded): Caller => {
  const place = pick(addresses)
  const { address, group } = place
  const name = `n${below(2)}`
  const user = `u${below(2)}`
  const of = (text: string) => ({ group: text })
  const withName = {
    group: `${group} ${name}`,
    ...('network' in place && { network: `${place.network} ${name}` }),
  }
  return {
    keys: {
      address,
      anonymous: address,
      user,
      session: `s ${user}`,
      'address+username': addressAndUsername(address, name),
      recipient: name,
    },
    whom: {
      address: place,
      anonymous: place,
      user: of(user),
      session: of(`s ${user}`),
      'address+username': withName,
      recipient: of(name),
    },
  }
}

const mostWaits = [0, 10, second, minute, 20 * minute] as const

/**
 * Random traffic on nodes that share a store, judged by the promises alone: lone requests, many equal ones at
 * once, floods of a fast limit over all nodes, refunds, a clock that goes far ahead and is set right, and outages
 * where the store can be made to leave.
 */
export const playLimits = async (
  stores: readonly CounterStore[],
  seeded: Seeded,
  {
    steps,
    outage,
    time,
  }: { readonly steps: number; readonly outage?: Outage | undefined; readonly time: Time },
): Promise<Played> => {
  const { below, pick, oneIn } = seeded
  const nodes = openNodes(stores, time)
  const promises = createPromises(stores.length)
  const lost: string[] = []
  const met = new Map<string, number>()
  const meet = (what: string): void => void met.set(what, (met.get(what) ?? 0) + 1)
  let asked = 0
  const tolds = nodes.all.map(() => time.at)

  const ask = async (name: LimitName, { keys, whom }: Caller, count: number): Promise<number> => {
    const chosen = Array.from({ length: count }, () => below(nodes.all.length))
    const now = time.at
    const answers = await Promise.all(
      chosen.map(async node => {
        const { limiter } = nodes.all[node] as Node
        const { allowed, isStoreAway = false } = await limiter.take(name, keys)
        return { node, allowed, isStoreAway }
      }),
    )
    asked += count
    for (const { allowed, isStoreAway } of answers)
      meet(`${isStoreAway ? 'away' : allowed ? 'allowed' : 'refused'}`)
    lost.push(...promises.judge({ name, whom, now, answers }))
    return answers.filter(({ allowed }) => allowed).length
  }

  /** Each node tells about once a second, one before the other or at the same time. */
  const tell = async (): Promise<void> => {
    const due = nodes.all.filter((_, node) => time.at - (tolds[node] ?? 0) >= second + below(300))
    for (const node of due) tolds[nodes.all.indexOf(node)] = time.at
    if (due.length > 0) meet('added up')
    await Promise.all(due.map(({ addUp }) => addUp()))
  }
  /** As timers would: after some turns there is nothing left to tell, however long it lasts. */
  const pass = async (milliseconds: number): Promise<void> => {
    let left = milliseconds
    for (let turns = 0; turns < 4 && left > 0; turns += 1) {
      const part = Math.min(left, second)
      time.at += part
      left -= part
      await tell()
    }
    time.at += left
  }

  const flood = async (): Promise<void> => {
    const [name, caller] = [pick(fastNames), pickCaller(seeded)]
    meet('flood')
    for (let wave = 0; wave < 60; wave += 1) {
      await ask(name, caller, 1 + below(60))
      await pass(50 + below(700))
    }
  }
  const giveBack = async (name: LimitName, { keys, whom }: Caller): Promise<void> => {
    meet('given back')
    await pick(nodes.all).limiter.giveBack(name, keys)
    promises.gaveBack(name, whom, time.at)
  }
  const turn = async (isAway: boolean): Promise<void> => {
    if (oneIn(40)) return flood()
    const [name, caller] = [pick(oneIn(3) ? fastNames : exactNames), pickCaller(seeded)]
    const passed = await ask(name, caller, oneIn(5) ? 1 + below(100) : 1 + below(3))
    if (!isAway && passed > 0 && name === 'failed-sign-in' && oneIn(3)) await giveBack(name, caller)
    if (oneIn(3)) await pass(below(pick(mostWaits) + 1))
  }
  const playWrongClock = async (): Promise<void> => {
    meet('clock ahead')
    // Into no time at which another run plays: those are 30 days apart.
    time.wrong = (15 + 30 * below(12)) * day
    promises.clockWentAhead()
    for (let step = 0; step < steps / 10 && lost.length === 0; step += 1) await turn(false)
    time.wrong = 0
    promises.clockWasSetRight(time.at)
  }
  const playAway = async ({ leave, comeBack }: Outage): Promise<void> => {
    meet('outage')
    await leave()
    promises.storeWentAway()
    for (let step = 0; step < steps / 10; step += 1) await turn(true)
    await comeBack()
    promises.storeCameBack()
    // What was refused before the outage is believed no longer.
    await pass(2 * second)
  }

  for (let step = 0; step < steps && lost.length === 0; step += 1) {
    await turn(false)
    if (step === Math.floor(steps / 4)) await playWrongClock()
    if (outage !== undefined && step === Math.floor(steps / 2)) await playAway(outage)
  }
  await nodes.stop()
  return { lost, asked, met }
}

/** @param meets what must have happened at least once */
export const judgePlayed = (t: TestContext, { lost, asked, met }: Played, meets: readonly string[]): void => {
  t.diagnostic(`${asked} requests: ${JSON.stringify(Object.fromEntries([...met].sort()))}`)
  assert.deepEqual(lost, [])
  for (const what of meets) assert.ok(met.has(what), `never: ${what}`)
}
