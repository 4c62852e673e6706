import type { Engine } from '../compose.ts'
import { toTimestampOrNull } from '../ground/clock.ts'
import type { Dependents } from '../processes/dependents.ts'
import type { SecretState } from '../processes/describe-secrets.ts'
import { defineCommand } from './command.ts'
import { withEngine } from './engine.ts'
import { toTable } from './table.ts'

const toView = ({ id, isInForce, heldBy, processes, dependents }: SecretState, held: readonly string[]) => ({
  id,
  in_force: isInForce,
  held_here: held.includes(id),
  held_by: heldBy,
  processes,
  rests: dependents.map(toRestView),
})

const toRestView = ({ what, count, until }: Dependents) => ({
  what,
  count,
  until: toTimestampOrNull(until ?? null),
})

const list = async ({ processes, secrets, ...engine }: Engine) => {
  const { listSecrets, toRests } = await import('../processes/describe-secrets.ts')
  // This command is in the register as well, and is not what is asked for.
  const states = await listSecrets(engine, secrets.ids, processes.id)
  const rows = states.map(state => [
    state.id,
    state.isInForce ? 'in force' : secrets.ids.includes(state.id) ? 'listed' : 'not listed here',
    `${state.heldBy} of ${state.processes}`,
    toRests(state.dependents),
  ])
  return {
    text: toTable([['ID', 'STATE', 'PROCESSES THAT HOLD IT', 'WHAT RESTS ON IT'], ...rows]).join('\n'),
    json: { secrets: states.map(state => toView(state, secrets.ids)) },
  }
}

export const secretList = defineCommand({
  name: 'secret list',
  summary: 'Lists the secrets by their ids: which one makes values, who holds each, and what rests on it.',
  parameters: {},
  options: {},
  example: 'secret list',
  run: () => withEngine('must exist', list),
})
