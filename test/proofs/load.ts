import assert from 'node:assert/strict'
import type { Answer } from '../process/http-client.ts'
import { password, type Server } from '../process/spawned-server.ts'
import type { Seeded } from '../sessions/seeded.ts'
import { runCommand } from './commands.ts'
import { act, type Client, commit, newClient, register, signIn } from './honest-clients.ts'
import type { Installation } from './installation.ts'
import type { Command, Ledger } from './ledger.ts'
import type { Tally } from './tally.ts'

export type Load = {
  readonly installation: Installation
  readonly server: Server
  readonly ledger: Ledger
  readonly seeded: Seeded
  readonly tally: Tally
}

const clients = 12

/** When the kill comes, once a random count of requests has been answered. */
const moments = ['before anything is done about an answer', 'soon', 'in a storm of commits'] as const

type Phase = 'load' | 'storm' | 'killed'

/** Resolves once so many wait for it. */
const createBarrier = (count: number, onFull: () => void): (() => Promise<void>) => {
  const { promise, resolve } = Promise.withResolvers<void>()
  let waiting = 0
  return () => {
    waiting += 1
    if (waiting === count) {
      onFull()
      resolve()
    }
    return promise
  }
}

/** Whether all is well: no answer, or none but "unavailable", is what a kill may look like. */
const createFate = ({ installation, seeded, tally }: Load) => {
  const moment = seeded.pick(moments)
  let phase: Phase = 'load'
  let answersLeft = 15 + seeded.below(150)
  const kill = (): void => {
    phase = 'killed'
    installation.kill()
  }
  const meet = (): void => {
    if (moment === 'in a storm of commits') phase = 'storm'
    else if (moment === 'soon') setTimeout(kill, seeded.below(10))
    else kill()
  }
  const onAnswer = ({ status }: Answer): void => {
    if (phase === 'killed' && status === 503) throw new Error('this is no answer')
    if (status < 300) tally.answered += 1
    answersLeft -= 1
    if (answersLeft === 0) meet()
  }
  return {
    phase: (): Phase => phase,
    onAnswer,
    enterStorm: createBarrier(clients, () => setTimeout(kill, seeded.below(25))),
  }
}

const signInAdministrator = async ({ call }: Server): Promise<string> =>
  (await call('POST', 'login', { body: { username: 'chief', password } })).field('access_token')

const commands: readonly Command[] = [
  { what: 'role', roles: ['moderator', 'user'] },
  { what: 'role', roles: ['moderator'] },
  { what: 'disable' },
]

/** Clients act at once, and an administrator at the command line, until something is killed. */
export const loadAndKill = async (load: Load): Promise<void> => {
  const { installation, server, ledger, seeded } = load
  const administrator = await signInAdministrator(server)
  const { phase, onAnswer, enterStorm } = createFate(load)
  const age = async (id: string): Promise<void> => {
    await installation.query(
      `update sessions set generation_since = generation_since - 3600000 where id = '${id}'`,
    )
  }
  const unlessKilled = (error: unknown): void => {
    if (phase() !== 'killed' || error instanceof assert.AssertionError) throw error
  }
  const live = async (client: Client): Promise<void> => {
    while (phase() === 'load') await act(client).catch(unlessKilled)
    if (phase() === 'storm') await enterStorm()
    while (phase() !== 'killed') await commit(client).catch(unlessKilled)
    client.agent.destroy()
  }
  const administer = async (client: Client): Promise<void> => {
    const user = await register(client)
    await signIn(client, user)
    if (phase() === 'killed') return
    const fault = await runCommand(installation, ledger, user, seeded.pick(commands))
    assert.ok(fault === undefined || phase() === 'killed', fault ?? '')
  }
  const create = (number: number): Client =>
    newClient({ server, number, ledger, seeded, administrator, age, onAnswer })
  await Promise.all([
    ...Array.from({ length: clients }, (_, number) => live(create(number))),
    administer(create(clients)).catch(unlessKilled),
  ])
}
