import { setTimeout as delay } from 'node:timers/promises'
import type { Seeded } from '../sessions/seeded.ts'
import type { Cluster } from './cluster.ts'
import { type Node, signal } from './node.ts'

type Range = readonly [least: number, most: number]

/** How long faults last, and rest between them, in milliseconds. */
export type Pace = {
  /** Shorter than the bound. */
  readonly short: Range
  /** Longer than the bound. */
  readonly long: Range
  /** Longer than nginx waits for an answer. */
  readonly longest: Range
  readonly rest: Range
  /** So long a fault may show after it is over. */
  readonly aftermath: number
}

export type Field = {
  readonly cluster: Cluster
  /** Those of its nodes that faults happen to. */
  readonly victims: readonly Node[]
  readonly names: readonly FaultName[]
  readonly seeded: Seeded
  readonly pace: Pace
  /** Told what a fault could not do. */
  readonly onFailed: (error: unknown) => void
  /** Aborted when all is to end: what stands still goes on at once. */
  readonly stop: AbortSignal
}

type Fault = {
  readonly says: string
  /** Statuses that a read may have meanwhile, and why; nothing: reads see no error. */
  readonly reads?: { readonly statuses: readonly number[]; readonly why: string }
  /** Whether a write in flight may end without an answer, or with 502, 503 or 504, and is then repeated. */
  readonly writesMayFail: boolean
  /** Whether exact limits count by the memory of each process meanwhile, and anew afterwards. */
  readonly limitsForget?: true
  /** Absent where it comes by itself. */
  readonly run?: (field: Field) => Promise<unknown>
}

const pickNode = ({ victims, seeded }: Field): Node => seeded.pick(victims)
export const draw = (seeded: Seeded, [least, most]: Range): number =>
  least + seeded.below(Math.max(1, most - least))

/** Ends early, and well, where all is to end. */
const rest = (field: Field, range: Range): Promise<void> =>
  delay(draw(field.seeded, range), undefined, { signal: field.stop }).catch(() => {})

const standStill = async (field: Field, pids: readonly number[], range: Range): Promise<void> => {
  for (const pid of pids) signal(pid, 'SIGSTOP')
  await rest(field, range)
  for (const pid of pids) signal(pid, 'SIGCONT')
}
const pauseWorker = (length: 'short' | 'long') => (field: Field) =>
  standStill(field, [field.seeded.pick(pickNode(field).workerPids())], field.pace[length])
const pauseNode = (length: 'short' | 'long' | 'longest') => (field: Field) => {
  const node = pickNode(field)
  return standStill(field, [node.parentPid(), ...node.workerPids()], field.pace[length])
}
const pauseValkey = (length: 'short' | 'long') => (field: Field) =>
  standStill(field, [field.cluster.valkey.pid()], field.pace[length])
const stopPostgres = (how: 'fast' | 'immediate', length: 'short' | 'long') => async (field: Field) => {
  await field.cluster.postgres.halt(how)
  await rest(field, field.pace[length])
  await field.cluster.postgres.restart()
}

const databaseAway = {
  statuses: [503],
  why: 'what needs the database is 503 while it is away, and so is every signed-in caller past the bound',
} as const

/** All that is done to the cluster while it serves. */
export const faults = {
  'a worker is killed': {
    says: 'SIGKILL of one worker',
    writesMayFail: true,
    run: async field => {
      const node = pickNode(field)
      signal(field.seeded.pick(node.workerPids()), 'SIGKILL')
      await node.untilWhole()
    },
  },
  'a node is killed': {
    says: 'SIGKILL of a parent and its workers at the same moment; started again later',
    writesMayFail: true,
    run: async field => {
      const node = pickNode(field)
      await node.kill()
      await rest(field, field.pace.short)
      await node.start()
    },
  },
  'a worker stands still': {
    says: 'SIGSTOP and SIGCONT of a worker, for less than the bound',
    writesMayFail: true,
    run: pauseWorker('short'),
  },
  'a worker stands still for long': {
    says: 'the same, for more than the bound',
    writesMayFail: true,
    run: pauseWorker('long'),
  },
  'a node stands still': {
    says: 'SIGSTOP and SIGCONT of a parent and its workers, for less than the bound',
    writesMayFail: true,
    run: pauseNode('short'),
  },
  'a node stands still for long': {
    says: 'the same, for more than the bound',
    writesMayFail: true,
    run: pauseNode('long'),
  },
  'a node stands still until nginx gives it up': {
    says: 'the same, for more than nginx waits for an answer: what reads is sent to the other node',
    writesMayFail: true,
    run: pauseNode('longest'),
  },
  'workers are restarted': {
    says: 'SIGUSR2: each worker of a node is replaced in turn',
    writesMayFail: false,
    run: field => pickNode(field).restartWorkers(),
  },
  'a node is restarted': {
    says: 'SIGTERM, and started again when it has ended',
    writesMayFail: true,
    run: async field => {
      const node = pickNode(field)
      await node.stop()
      await node.start()
    },
  },
  'nginx reads its configuration': {
    says: 'SIGHUP of nginx',
    writesMayFail: true,
    run: ({ cluster }) => cluster.nginx.reload(),
  },
  'Redis stands still': {
    says: 'SIGSTOP and SIGCONT of Redis, for less than the bound',
    writesMayFail: false,
    limitsForget: true,
    run: pauseValkey('short'),
  },
  'Redis stands still for long': {
    says: 'the same, for more than the bound',
    writesMayFail: false,
    limitsForget: true,
    run: pauseValkey('long'),
  },
  'Redis is away': {
    says: 'Redis is stopped, and comes back empty',
    writesMayFail: false,
    limitsForget: true,
    run: async field => {
      await field.cluster.valkey.stop()
      await rest(field, field.pace.short)
      await field.cluster.valkey.restart()
    },
  },
  'PostgreSQL is restarted': {
    says: 'PostgreSQL is stopped with its connections closed, and started again after less than the bound',
    reads: databaseAway,
    writesMayFail: true,
    run: stopPostgres('fast', 'short'),
  },
  'PostgreSQL crashes': {
    says: 'PostgreSQL is ended at once, and started again after more than the bound',
    reads: databaseAway,
    writesMayFail: true,
    run: stopPostgres('immediate', 'long'),
  },
  'the machine is overloaded': {
    says: 'nothing that is done here: other programs keep all its cores busy, so that time limits pass',
    reads: {
      statuses: [503],
      why: 'what stood still reads its view within half a second, and is 503 to signed-in callers until it has',
    },
    writesMayFail: true,
  },
} as const satisfies Record<string, Fault>

export type FaultName = keyof typeof faults
/** The one that comes by itself. */
export const overloaded = 'the machine is overloaded' satisfies FaultName
const rows: Readonly<Record<FaultName, Fault>> = faults
/** Those that are made. */
export const faultNames = (Object.keys(faults) as readonly FaultName[]).filter(name => rows[name].run)

/** Whether a read may end so while these are in effect. */
export const mayReadFail = (names: readonly FaultName[], status: number): boolean =>
  names.some(name => rows[name].reads?.statuses.includes(status))
export const mayWriteFail = (names: readonly FaultName[]): boolean =>
  names.some(name => rows[name].writesMayFail)
export const mayLimitsForget = (names: readonly FaultName[]): boolean =>
  names.some(name => rows[name].limitsForget)

/** Every fault once, in an order of their own. */
const shuffle = ({ seeded, names }: Field): readonly FaultName[] => {
  const left = [...names]
  return names.map(() => left.splice(seeded.below(left.length), 1)[0] as FaultName)
}

/** One fault after the other, with rests, in rounds that have each of them once, until all is to end. */
export const runFaults = async (
  field: Field,
  begin: (fault: FaultName) => () => void,
  rounds = Number.POSITIVE_INFINITY,
): Promise<void> => {
  for (let round = 0; round < rounds; round += 1)
    for (const name of shuffle(field)) {
      await rest(field, field.pace.rest)
      if (field.stop.aborted) return
      const end = begin(name)
      await Promise.resolve(rows[name].run?.(field)).catch(field.onFailed)
      end()
    }
}
