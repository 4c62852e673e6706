import { breach, meet } from './account.ts'
import type { Node } from './node.ts'
import type { Reply, Traffic } from './traffic.ts'

/** Asks at one place: through nginx, or at a node itself. */
export type Place = {
  readonly name: string
  readonly ask: Traffic['callNode'] extends (node: Node, ...rest: infer Rest) => infer Asked
    ? (...rest: Rest) => Asked
    : never
}

/** Something that has ended, from the moment at which that was answered. */
export type Ended = {
  readonly what: string
  readonly at: number
  /** Ways to use it, which are tried in turn. */
  readonly attempts: readonly ((place: Place) => Promise<Reply>)[]
  /** Whether an answer shows that it still counts; without a word any success. */
  readonly isAccepted?: (reply: Reply) => boolean
}

export type Watch = {
  readonly add: (ended: Ended) => void
  /** Tries all of it once more, everywhere, however long ago it ended. */
  readonly finish: () => Promise<void>
}

const isSuccess = ({ status }: Reply): boolean => status >= 200 && status < 300

export const listPlaces = (traffic: Traffic): readonly Place[] => [
  {
    name: 'nginx',
    ask: (address, method, path, outgoing) => traffic.ask(address, method, path, outgoing),
  },
  ...traffic.cluster.nodes.map(node => ({
    name: node.name,
    ask: ((...rest) => traffic.callNode(node, ...rest)) as Place['ask'],
  })),
]

const atOnce = 8

const forEach = async <T>(list: readonly T[], each: (item: T) => Promise<void>): Promise<void> => {
  const left = [...list]
  const work = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await each(item)
  }
  await Promise.all(Array.from({ length: atOnce }, work))
}

/** What has ended is tried at once, around the bound, long after it, and at the very end. */
export const createWatch = (traffic: Traffic): Watch => {
  const { account, cluster } = traffic
  const places = listPlaces(traffic)
  const all: Ended[] = []
  const timers = new Set<NodeJS.Timeout>()
  const running = new Set<Promise<unknown>>()
  let turn = 0

  const tryAt = async (ended: Ended, place: Place): Promise<void> => {
    turn += 1
    const attempt = ended.attempts[turn % ended.attempts.length]
    if (attempt === undefined) return
    const age = performance.now() - ended.at
    const reply = await attempt(place)
    meet(account, 'tries of what had ended')
    if (!(ended.isAccepted ?? isSuccess)(reply)) return
    if (age >= cluster.bound)
      breach(
        account,
        'ended',
        `${ended.what}: accepted by ${place.name} ${age.toFixed(0)} ms after its end: ${reply.status} ${reply.text.slice(0, 120)}`,
      )
    else account.longestAccepted = Math.max(account.longestAccepted, age)
  }
  const tryEverywhere = (ended: Ended): Promise<unknown> =>
    Promise.all(places.map(place => tryAt(ended, place)))
  const tryAnywhere = (ended: Ended): Promise<unknown> => {
    turn += 1
    const place = places[turn % places.length]
    return place === undefined ? Promise.resolve() : tryAt(ended, place)
  }
  const plan = (milliseconds: number, act: () => Promise<unknown>): void => {
    const timer = setTimeout(() => {
      timers.delete(timer)
      const done = act().finally(() => running.delete(done))
      running.add(done)
    }, milliseconds)
    timers.add(timer)
  }
  const after = [1.01, 3, 12, 60] as const
  return {
    add: ended => {
      all.push(ended)
      meet(account, ended.what)
      for (const soon of [10, 200, 1_000]) plan(soon, () => tryAnywhere(ended))
      for (const times of after)
        plan(ended.at - performance.now() + times * cluster.bound, () => tryEverywhere(ended))
    },
    finish: async () => {
      for (const timer of timers) clearTimeout(timer)
      await Promise.all(running)
      const past = all.filter(({ at }) => performance.now() - at < cluster.bound)
      const youngest = Math.max(0, ...past.map(({ at }) => at + cluster.bound - performance.now()))
      await new Promise(resolve => setTimeout(resolve, youngest))
      await forEach(all, async ended => void (await tryEverywhere(ended)))
    },
  }
}
