import assert from 'node:assert/strict'
import { test } from 'node:test'
import { second } from '../../packages/gatewright/src/ground/clock.ts'
import { Refusal } from '../../packages/gatewright/src/ground/refusal.ts'
import { Unfit } from '../../packages/gatewright/src/processes/join.ts'
import { longestWork } from '../../packages/gatewright/src/processes/live-process.ts'
import type { Work } from '../../packages/gatewright/src/storage/transaction.ts'
import { createSeeded, type Seeded } from '../sessions/seeded.ts'
import { type Node, openStage, type Stage, secretId } from './stage.ts'

/**
 * Random histories of processes that start, stop, are killed, paused and forgotten in any order, with lists
 * of secrets as an operator gives them one after the other, while all of them make values.
 */
const histories = Number(process.env.GATEWRIGHT_PROOF_ROUNDS ?? 60)
const steps = 60

type Actor = {
  readonly node: Node
  isPaused: boolean
  /** A value that it has begun to make, stored later; given up by the database after `longestWork`. */
  begun: { readonly secret: string; readonly at: number } | undefined
}

type History = {
  readonly stage: Stage
  readonly random: Seeded
  readonly actors: Actor[]
  /** Where the operator is: what newly started processes are given. */
  newest: number
  readonly met: Record<string, number>
}

const note = ({ met }: History, what: string): void => {
  met[what] = (met[what] ?? 0) + 1
}

/** As the operator writes them during a rotation: the old list, both, the new one. */
const pickList = ({ random, newest }: History): readonly number[] =>
  random.pick([[newest], [newest + 1, newest], [newest + 1, newest], [newest + 1]])

const start = async (history: History): Promise<void> => {
  const { stage, actors } = history
  if (actors.length >= 5) return
  try {
    const node = await stage.startNode(pickList(history))
    actors.push({ node, isPaused: false, begun: undefined })
    note(history, 'a start')
  } catch (error) {
    assert.ok(error instanceof Unfit, String(error))
    note(history, 'a start refused')
  }
}

const pickActor = ({ actors, random }: History, isPaused = false): Actor | undefined => {
  const able = actors.filter(actor => actor.isPaused === isPaused)
  return able.length === 0 ? undefined : random.pick(able)
}

const remove = ({ actors }: History, actor: Actor): void => void actors.splice(actors.indexOf(actor), 1)

const stop = async (history: History): Promise<void> => {
  const actor = pickActor(history)
  if (actor === undefined) return
  remove(history, actor)
  await actor.node.processes.leave()
  note(history, 'a stop')
}

/** No timer of a killed one beats any more; its row stays. */
const kill = async (history: History): Promise<void> => {
  const actor = pickActor(history)
  if (actor !== undefined) remove(history, actor)
}

const pause = async (history: History): Promise<void> => {
  const actor = pickActor(history)
  if (actor !== undefined) actor.isPaused = true
}

const resume = async (history: History): Promise<void> => {
  const actor = pickActor(history, true)
  if (actor === undefined) return
  actor.isPaused = false
  // What it had begun, its database has given up by then.
  actor.begun = undefined
  note(history, 'a resumption')
}

const beatOne = async (history: History): Promise<void> => {
  const actor = pickActor(history)
  if (actor !== undefined) await actor.node.processes.beat()
}

const make = async (history: History): Promise<void> => {
  const actor = pickActor(history)
  if (actor === undefined) return
  try {
    await history.stage.makeSession(actor.node)
    note(history, 'a value')
  } catch (error) {
    assert.ok(error instanceof Refusal && error.code === 'unavailable', String(error))
    note(history, 'a value refused')
  }
}

const begin = async (history: History): Promise<void> => {
  const actor = pickActor(history)
  if (actor === undefined) return
  // Only what is made from memory has something between its beginning and its commit; the rest needs a transaction.
  const secret = actor.node.processes.secretInForce({ beforeLock: () => {} } as unknown as Work)
  if (typeof secret === 'string') actor.begun ??= { secret, at: history.stage.clock.now() }
  else await secret.catch(() => {})
}

const finish = async (history: History): Promise<void> => {
  const actor = pickActor(history)
  if (actor?.begun === undefined) return
  const { secret, at } = actor.begun
  actor.begun = undefined
  if (history.stage.clock.now() - at >= longestWork) return
  await history.stage.insertSession(history.stage.db, secret)
  note(history, 'a value under way')
}

/** Sessions move on to the secret in force as they are used, or end. */
const useSessions = async ({ stage, actors, random }: History): Promise<void> => {
  const inForce = await stage.inForce()
  const all = stage.db.updateTable('sessions').set({ secret_id: inForce })
  if (actors.length > 0 && random.oneIn(2)) await all.execute()
}

const letTimePass = async (history: History): Promise<void> => {
  const { stage, random, actors } = history
  const longest = random.oneIn(4) ? 12 : 2
  for (let count = random.below(longest) + 1; count > 0; count--) {
    stage.clock.advance(5 * second)
    for (const actor of actors) if (!actor.isPaused) await actor.node.processes.beat()
  }
}

/** Nobody beats: the database is away for all. */
const loseDatabase = async ({ stage, random, actors }: History): Promise<void> => {
  stage.clock.advance((random.below(60) + 1) * second)
  for (const actor of actors) actor.begun = undefined
}

const moveOn = async (history: History): Promise<void> => {
  const next = secretId(history.newest + 1)
  if ((await history.stage.inForce()) === next && history.newest < 5) history.newest++
}

const actions = [
  ...[start, start, start, stop, kill, pause, resume, resume, beatOne, beatOne],
  ...[make, make, make, begin, begin, finish, finish, useSessions, letTimePass, letTimePass],
  ...[loseDatabase, moveOn],
]

/** Whoever is in the register holds what values are made with, and what live sessions rest on. */
const check = async ({ stage }: History, trace: readonly string[]): Promise<void> => {
  const inForce = await stage.inForce()
  const sessions = await stage.db.selectFrom('sessions').select('secret_id').distinct().execute()
  const processes = await stage.db.selectFrom('processes').selectAll().execute()
  for (const { secret_ids: held } of processes)
    for (const id of [inForce, ...sessions.map(row => row.secret_id)])
      assert.ok(held.split(' ').includes(id ?? ''), `${id} is not in ${held} after ${trace.join(', ')}`)
}

test('in random histories of processes and secrets no value is ever made that a process of the register can not read', async t => {
  const random = createSeeded(t)
  const met: Record<string, number> = {}
  for (let round = 0; round < histories; round++) {
    const stage = await openStage()
    const history: History = { stage, random, actors: [], newest: 1, met }
    const trace: string[] = []
    for (let step = 0; step < steps; step++) {
      const action = random.pick(actions)
      trace.push(action.name)
      await action(history)
      await check(history, trace)
    }
    await stage.close()
  }
  t.diagnostic(JSON.stringify(met))
  const kinds = ['a start', 'a start refused', 'a stop', 'a resumption']
  for (const kind of [...kinds, 'a value', 'a value under way'])
    assert.ok((met[kind] ?? 0) > 0, `never met: ${kind}`)
})
