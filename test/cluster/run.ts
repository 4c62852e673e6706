import { availableParallelism, loadavg } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { createSeeded } from '../sessions/seeded.ts'
import { type Account, breach, meet, newAccount, noteTrouble } from './account.ts'
import { disable, giveAndTakeRole } from './administration.ts'
import { type Chief, createChief } from './chief.ts'
import { type Owner, startCluster } from './cluster.ts'
import { createWatch } from './ended.ts'
import { type FaultName, faultNames, overloaded, type Pace, runFaults } from './faults.ts'
import { revokeKey, rotateKey } from './keys.ts'
import { leave } from './leavers.ts'
import { burstOfMadeUpTokens, burstOfSignIns } from './limits.ts'
import {
  expect,
  newLedger,
  noteEnd,
  type Person,
  register,
  type Scene,
  signIn,
  untilAnswered,
} from './people.ts'
import { type Act, reads } from './reads.ts'
import { createTraffic } from './traffic.ts'
import { verify } from './verify.ts'
import { createWeather, type Weather } from './weather.ts'
import { writeAgain, writes } from './writes.ts'

export type Asked = {
  /** At most. */
  readonly seconds: number
  /** So often each fault, and then it is over, too. */
  readonly rounds?: number
  /** Without a word all of them. */
  readonly names?: readonly FaultName[]
  /** How many of the nodes faults happen to; without a word all, one after the other. */
  readonly victims?: number
  /** Requests a second, about. */
  readonly rate: number
  readonly seed: number
  /** REVOCATION_MAX_AGE, in milliseconds. */
  readonly bound: number
  readonly pace: Pace
  /** Milliseconds between two changes of the signing key, and between two bursts. */
  readonly every: Readonly<Record<'keys' | 'limits', number>>
  readonly place?: string
}

export type Outcome = { readonly account: Account; readonly seconds: number }

const mostSessions = 4

const spread = (rows: readonly (readonly [Act, number])[]): readonly Act[] =>
  rows.flatMap(([act, weight]) => Array.from({ length: weight }, () => act))

/** Whether it ended because all is to end. */
const pause = (milliseconds: number, signal: AbortSignal): Promise<boolean> =>
  delay(milliseconds, true, { signal }).catch(() => false)

/** What goes wrong in ourselves stands in the account as well: it has shown nothing. */
const noteFailure =
  ({ traffic }: Scene) =>
  (error: unknown): void =>
    breach(traffic.account, 'wrong', error instanceof Error ? (error.stack ?? error.message) : `${error}`)
const guarded = (scene: Scene, act: () => Promise<unknown>): Promise<unknown> =>
  act().catch(noteFailure(scene))

/** One thing that somebody does. */
const actOnce = async (scene: Scene, chief: Chief, person: Person, acts: readonly Act[]): Promise<void> => {
  const session =
    person.sessions.length > 0
      ? scene.seeded.pick(person.sessions)
      : await signIn(scene, person, scene.seeded.pick(['tokens', 'cookie']))
  if (session === undefined) return
  if (scene.seeded.oneIn(400)) return disable(scene, chief, person)
  if (scene.seeded.oneIn(200)) return giveAndTakeRole(scene, chief, person, session)
  await scene.seeded.pick(acts)(scene, person, session)
  const [oldest] = person.sessions
  if (person.sessions.length > mostSessions && oldest?.kind === 'tokens') await endOldest(scene, person)
}

/** Nobody has hundreds of sessions, and each has an end that is looked at. */
const endOldest = async (scene: Scene, person: Person): Promise<void> => {
  const [oldest] = person.sessions
  if (oldest?.kind !== 'tokens') return
  const body = { refresh_token: oldest.refresh }
  // One without an answer may be done later, by a node that stood still.
  const reply = await untilAnswered(scene, 'a logout', () =>
    scene.traffic.call(person.client, 'write', 'POST', 'logout', { body }),
  )
  if (expect(scene, 'a logout', reply, 200, 401)) noteEnd(scene, person, oldest, 'a logout')
}

/** Acts about once a second, as one person after another. */
const live = async (scene: Scene, chief: Chief, stop: AbortSignal): Promise<void> => {
  const acts = [...spread(reads), ...spread(writes)]
  let person: Person | undefined
  await pause(scene.seeded.below(1_000), stop)
  while (!stop.aborted) {
    const turn = pause(500 + scene.seeded.below(1_000), stop)
    await guarded(scene, async () => {
      if (person === undefined || person.state === 'disabled') {
        person?.client.close()
        person = await register(scene)
      } else await actOnce(scene, chief, person, acts)
    })
    await turn
  }
  person?.client.close()
}

/** These one after the other, with a pause before each. */
const repeat = async (
  scene: Scene,
  every: number,
  stop: AbortSignal,
  acts: readonly (() => Promise<unknown>)[],
): Promise<void> => {
  for (let turn = 0; await pause(every, stop); turn += 1)
    await guarded(scene, () => acts[turn % acts.length]?.() ?? Promise.resolve())
}

const longestWait = 30_000

/** Only between two faults it can be said how many exactly are let through. */
const untilCalm = async ({ traffic }: Scene, stop: AbortSignal): Promise<void> => {
  const from = performance.now()
  const isCalm = () => traffic.weather.since(performance.now()).every(name => name === overloaded)
  while (!isCalm() && performance.now() - from < longestWait && (await pause(100, stop)));
}

/** Somebody writes something twice under one key, gets a role, loses it, and is disabled. */
const riseAndFall = async (scene: Scene, chief: Chief): Promise<void> => {
  const person = await register(scene)
  const [session] = person?.sessions ?? []
  if (person === undefined || session === undefined) return
  await writeAgain(scene, person, session)
  await giveAndTakeRole(scene, chief, person, session)
  await disable(scene, chief, person)
  person.client.close()
}

const startWork = (scene: Scene, chief: Chief, { rate, every }: Asked, stop: AbortSignal) =>
  Promise.all([
    ...Array.from({ length: rate }, () => live(scene, chief, stop)),
    // The first two keys may follow each other at once; every other one is old enough to sign a quarter of an hour after
    // it was published.
    repeat(scene, every.keys, stop, [
      () => rotateKey(scene, chief),
      () => revokeKey(scene, chief),
      ...Array.from({ length: 15 }, () => () => rotateKey(scene, chief)),
    ]),
    ...[200, 3_000].map(every => repeat(scene, every, stop, [() => leave(scene)])),
    // However few people there are, or however slow the machine is.
    repeat(scene, every.limits, stop, [() => riseAndFall(scene, chief)]),
    repeat(scene, every.limits, stop, [
      () => untilCalm(scene, stop).then(() => burstOfSignIns(scene)),
      () => untilCalm(scene, stop).then(() => burstOfMadeUpTokens(scene)),
      () => burstOfSignIns(scene),
    ]),
  ])

/** More runnable programs than this for each core, on average of a minute: every time limit may pass. */
const mostLoad = 3

/** The machine itself is a fault where it has too much else to do, by its own load of the last minute. */
const createLoadWatch = (begin: Weather['begin']): (() => void) => {
  let end: (() => void) | undefined
  return () => {
    const isBusy = (loadavg()[0] ?? 0) > mostLoad * availableParallelism()
    if (isBusy) end ??= begin(overloaded)
    else {
      end?.()
      end = undefined
    }
  }
}

/** When the load is over. */
const lookAtAll = async (scene: Scene): Promise<void> => {
  const { traffic, ledger, watch } = scene
  await Promise.all(traffic.cluster.nodes.map(node => node.untilWhole()))
  await watch.finish()
  await verify(scene)
  const { times } = ledger.signedOutToBeSafe
  if (times > 0)
    meet(
      traffic.account,
      'signed out to be safe: a refresh without an answer was asked again too late',
      times,
    )
}

/** Shown while it runs. */
export type Progress = (account: Account, weather: Weather, seconds: number) => void

/**
 * Starts a cluster, loads it, and lets one thing after the other go wrong, until the time is over or `stop` is
 * aborted; then looks whether every promise was kept.
 */
export const runCluster = async (
  owner: Owner,
  asked: Asked,
  { stop, onTick }: { readonly stop: AbortSignal; readonly onTick?: Progress },
): Promise<Outcome> => {
  const [account, weather] = [newAccount(), createWeather(asked.pace.aftermath)]
  const cluster = await startCluster(owner, asked)
  const newSeeded = (offset: number) => createSeeded({ diagnostic: () => {} }, asked.seed + offset)
  const traffic = createTraffic(cluster, account, weather)
  const watch = createWatch(traffic)
  const scene: Scene = { traffic, ledger: newLedger(), watch, seeded: newSeeded(1), publicUrl: cluster.url }
  const chief = createChief(scene)
  const enough = new AbortController()
  const over = AbortSignal.any([stop, enough.signal, AbortSignal.timeout(asked.seconds * 1_000)])
  const from = performance.now()
  const elapsed = (): number => (performance.now() - from) / 1_000
  const begin: Weather['begin'] = fault => {
    meet(account, `fault: ${fault}`)
    return weather.begin(fault)
  }
  const watchLoad = createLoadWatch(begin)
  const ticking = setInterval(() => {
    watchLoad()
    onTick?.(account, weather, elapsed())
  }, 1_000)
  const { pace, names = faultNames, victims = cluster.nodes.length } = asked
  const field = {
    cluster,
    victims: cluster.nodes.slice(-victims),
    seeded: newSeeded(2),
    pace,
    names,
    stop: over,
    onFailed: noteFailure(scene),
  }
  try {
    // Before anything goes wrong: later there may be no calm at all.
    const beginFaults = () => burstOfSignIns(scene).then(() => runFaults(field, begin, asked.rounds))
    const faulty = guarded(scene, beginFaults).finally(() => enough.abort())
    await Promise.all([startWork(scene, chief, asked, over), faulty])
    await guarded(scene, () => lookAtAll(scene))
    return { account, seconds: elapsed() }
  } finally {
    for (const each of cluster.nodes) for (const trouble of each.troubles()) noteTrouble(account, trouble)
    clearInterval(ticking)
  }
}
