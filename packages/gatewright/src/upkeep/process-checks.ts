import { second } from '../ground/clock.ts'
import { productionErrors } from '../ground/production-rules.ts'
import { isSilent, type LiveProcess, readProcesses } from '../processes/live-process.ts'
import { readMachine } from '../processes/machine.ts'
import { isPostgresUrl } from '../storage/database.ts'
import { measureOffset } from '../storage/database-clock.ts'
import type { DatabaseFacts } from './facts.ts'
import { type Finding, ok, problem, warning } from './finding.ts'

/** As `/readyz` has it. */
const mostDifference = 2 * second

const toSeconds = (milliseconds: number): string => `${(milliseconds / second).toFixed(1)} s`

const describe = (process: LiveProcess, now: number): string => {
  const { kind, version, host, secretIds, clockDifference, seenAt } = process
  const facts = [
    `secrets ${secretIds.join(' ')}`,
    ...(clockDifference === null ? [] : [`clock ${toSeconds(clockDifference)} off`]),
    `seen ${toSeconds(Math.max(0, now - seenAt))} ago`,
    ...(isSilent(process, now) ? ['silent'] : []),
  ]
  return `${kind} ${version} on ${host} (${facts.join(', ')})`
}

const differ = (live: readonly LiveProcess[], of: (process: LiveProcess) => string): boolean =>
  new Set(live.map(of)).size > 1

type Facts = Pick<DatabaseFacts, 'db' | 'clock' | 'settings' | 'sources'>

/** Broken rules of production that hold only because the database has another machine's processes. */
const listBroken = (live: readonly LiveProcess[], { settings, sources }: Facts): readonly string[] => {
  const { id } = readMachine()
  const other = live.find(({ machine }) => machine !== id)
  return other === undefined ? [] : productionErrors(settings, sources, { otherMachine: other.host })
}

const judge = (live: readonly LiveProcess[], found: string, facts: Facts): Finding => {
  const broken = listBroken(live, facts)
  if (broken.length > 0)
    return problem({
      found: `${found}; ${broken.join('; ')}`,
      means: 'Another machine works on this database: a server with these settings does not start here.',
      do: 'Mend what each line says, or end the processes of the other machine.',
    })
  if (live.some(({ clockDifference }) => (clockDifference ?? 0) > mostDifference))
    return problem({
      found,
      means: "A process whose clock differs from the database's by more than 2 s is not ready (/readyz).",
      do: 'Set the clock of its machine and keep it right, for example with: timedatectl set-ntp true',
    })
  if (differ(live, ({ secretIds }) => secretIds.join(' ')))
    return warning({
      found,
      means:
        'They list different secrets, or in another order: values are made with the newest one that all of them list.',
      do: 'Give every process the same GATEWRIGHT_SECRET, newest first, and restart those that have another.',
    })
  if (differ(live, ({ version }) => version))
    return warning({
      found,
      means: 'Several versions run beside each other: what only the newer one knows is not used yet.',
      do: 'Bring the others up to date.',
    })
  return ok(found)
}

/** Beats are written by the database's time. */
export const readTime = async ({
  db,
  clock,
  settings,
}: Pick<Facts, 'db' | 'clock' | 'settings'>): Promise<number> =>
  clock.now() + (isPostgresUrl(settings.databaseUrl) ? (await measureOffset(db, clock)).offset : 0)

/** Who works on this database. */
export const checkProcesses = async (facts: Facts): Promise<Finding> => {
  const now = await readTime(facts)
  const processes = await readProcesses(facts.db)
  const live = processes.filter(process => !isSilent(process, now))
  const found = `${live.length} live${processes.map(process => `; ${describe(process, now)}`).join('')}`
  return judge(live, found, facts)
}
