import type { AddressTrouble } from '../ground/address-trouble.ts'
import { ageOf, type Clock, longAgo, type Moment, momentOf, second } from '../ground/clock.ts'
import type { Sources } from '../ground/load-settings.ts'
import { productionErrors, type Surroundings } from '../ground/production-rules.ts'
import { newId, type Random } from '../ground/random.ts'
import { Refusal } from '../ground/refusal.ts'
import type { Secrets } from '../ground/secrets.ts'
import type { Settings } from '../ground/settings.ts'
import { waitAtMost } from '../ground/wait-at-most.ts'
import type { Database } from '../storage/tables.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import { whyWriteRefused } from '../storage/write-refused.ts'
import { isSettled, join, type Register, readRegister, Unfit } from './join.ts'
import {
  beatInterval,
  isSilent,
  type LiveProcess,
  longestLease,
  longestSilence,
  longestWork,
} from './live-process.ts'
import type { Machine } from './machine.ts'
import { reSeal } from './re-seal.ts'

export type ProcessLog = Readonly<
  Record<'info' | 'warn' | 'error', (fields: Readonly<Record<string, unknown>>, message: string) => void>
>

export type WriteTrouble = { readonly why: string; readonly milliseconds: number }

/** This process in the register of all that work on one database. */
export type Processes = {
  readonly id: string
  /** Takes its place before it makes anything. @throws Unfit */
  readonly start: () => Promise<void>
  readonly leave: () => Promise<void>
  /** Says that it lives, and looks who else does; by itself every few seconds. Never rejects. */
  readonly beat: () => Promise<void>
  /** From now on what happens in the register is told. */
  readonly tell: (log: ProcessLog) => void
  /**
   * The id of the secret to make a value with, in `work`. As a rule from memory; a process that has not been
   * heard for a while takes its place in the register again first, so this is asked before a user's row is
   * locked. For what is made often and stays with its session. @throws Refusal `unavailable`
   */
  readonly secretInForce: (work: Work) => string | Promise<string>
  /** The same as far as this process has heard: for what is told and not kept, and may be lost. */
  readonly lastSecretInForce: () => string
  /**
   * The same, and it stays in force until `work` is committed: for what is sealed and kept.
   * @throws Refusal `unavailable`
   */
  readonly holdSecretInForce: (work: Work) => Promise<string>
  /** What stands round this process, for production's rules. */
  readonly surroundings: () => Surroundings
  /** How many servers live on this database beside this process. */
  readonly otherServers: () => number
  /** Since when the database takes no writes though it can be read, and why; undefined where it takes them. */
  readonly writeTrouble: () => WriteTrouble | undefined
  /** Why this process should get no traffic; empty when it should. */
  readonly reasons: () => readonly string[]
}

export type ProcessDependencies = {
  readonly db: Database
  /** By which it beats: one whose connections requests can't use up. */
  readonly watch: Database
  readonly clock: Clock
  readonly random: Random
  readonly secrets: Secrets
  readonly settings: Settings
  readonly sources: Partial<Sources>
  /** What its requests show to be wrong; written with each beat, for `doctor`. */
  readonly findAddressTrouble?: (() => AddressTrouble | undefined) | undefined
}

/** What a process says of itself. */
export type Self = Pick<LiveProcess, 'kind' | 'version' | 'feedKinds'> & { readonly machine: Machine }

/** A start waits so long, in steps, for others to have done with a secret that it does not hold. */
const startWait = { attempts: 75, pause: 400 } as const
const longestLeave = second

const whyOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

export const createProcesses = (dependencies: ProcessDependencies, { machine, ...self }: Self): Processes => {
  const { db, watch, clock, secrets, settings, sources, findAddressTrouble } = dependencies
  const id = newId(dependencies.random)
  const startedAt = clock.now()
  let register: Register | undefined
  let sentAt = longAgo
  /** Since when it makes values with the secret in force, where it made them with another before. */
  let changedAt = Number.NEGATIVE_INFINITY
  /** Since when its beats have come through without a gap. */
  let heardSince = Number.POSITIVE_INFINITY
  let hasLeft = false
  /** Why it can't take its place, if it has tried. */
  let trouble: string | undefined
  let unwritten: { readonly why: string; readonly since: Moment } | undefined
  let log: ProcessLog | undefined
  let beating: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined

  const own = (): Omit<LiveProcess, 'makesWith' | 'seenAt'> => ({
    ...self,
    id,
    host: machine.host,
    machine: machine.id,
    secretIds: secrets.ids,
    clockDifference: readDifference(clock),
    addressTrouble: findAddressTrouble?.() ?? null,
    startedAt,
  })

  const age = (): number => ageOf(clock, sentAt)

  const findOther = ({ processes }: Register): LiveProcess | undefined =>
    processes.find(process => process.machine !== machine.id && !isSilent(process, clock.now()))
  const countOthers = ({ processes }: Register): number =>
    processes.filter(
      process => process.kind === 'server' && process.id !== id && !isSilent(process, clock.now()),
    ).length
  const surroundings = (): Surroundings => {
    const other = register && findOther(register)
    return other === undefined ? {} : { otherMachine: other.host }
  }
  /** Production's rules that are broken because of another machine. */
  const broken = (): readonly string[] => {
    const around = surroundings()
    return around.otherMachine === undefined ? [] : productionErrors(settings, sources, around)
  }

  const adopt = (found: Register, sent: Moment): void => {
    const [before, hadOther] = [register?.inForce, surroundings().otherMachine !== undefined]
    register = found
    ;[sentAt, trouble] = [sent, undefined]
    if (unwritten !== undefined)
      log?.info({ event: 'database.writable' }, 'the database can be written again')
    unwritten = undefined
    if (before !== undefined && before !== found.inForce) {
      changedAt = clock.monotonic()
      log?.info({ secret: found.inForce, former: before }, 'values are made with another secret from now on')
    }
    if (!hadOther && surroundings().otherMachine !== undefined) tellOfOther()
  }

  const tellOfOther = (): void => {
    const { otherMachine: host } = surroundings()
    const lines = broken()
    if (lines.length === 0) log?.warn({ host }, "another machine is on the database: production's rules hold")
    else
      log?.error(
        { host, broken: lines },
        'another machine is on the database, and production refuses this process',
      )
  }

  const joinIn = (work: Work): Promise<Register> => join(dependencies, work, own())
  const sweepIn = (work: Work): Promise<Register> => join(dependencies, work, own(), true)

  /** The secret that all it makes and has begun to make is made with; undefined for a time after a change. */
  const madeWith = (): string | undefined =>
    clock.monotonic() - changedAt >= longestWork ? register?.inForce : undefined

  /** True where the register still has this process. */
  const writeBeat = async (): Promise<boolean> => {
    const makes_with = madeWith()
    const row = await watch
      .updateTable('processes')
      .set({
        seen_at: clock.now(),
        clock_difference: readDifference(clock),
        address_trouble: findAddressTrouble?.() ?? null,
        ...(makes_with !== undefined && { makes_with }),
      })
      .where('id', '=', id)
      .returning('id')
      .executeTakeFirst()
    return row !== undefined
  }

  const beat = async (): Promise<void> => {
    const sent = momentOf(clock)
    if (age() > longestLease) heardSince = sent.monotonic
    if (!(await writeBeat())) return adopt(await inTransaction(db, joinIn), sent)
    const maySweep = sent.monotonic - heardSince >= longestSilence
    const found = await readRegister(watch)
    const isDone = isSettled(found, { now: clock.now(), maySweep })
    const settled = isDone ? found : await inTransaction(watch, maySweep ? sweepIn : joinIn)
    adopt(settled, sent)
    await reSeal({ db: watch, secrets, hold: holdSecretInForce }, settled.inForce)
  }

  const noteTrouble = (error: unknown): void => {
    const why = whyOf(error)
    const refused = whyWriteRefused(error)
    if (refused !== undefined && unwritten === undefined)
      log?.error(
        { err: error, event: 'database.unwritable' },
        'the database can not be written: what changes something is refused until it can',
      )
    unwritten =
      refused === undefined ? undefined : { why: refused, since: unwritten?.since ?? momentOf(clock) }
    if (error instanceof Unfit && why !== trouble)
      log?.error({ err: error }, 'this process is out of the register')
    if (error instanceof Unfit) trouble = why
  }

  const beatOnce = (): Promise<void> => {
    if (hasLeft) return Promise.resolve()
    beating ??= beat()
      .catch(noteTrouble)
      .finally(() => {
        beating = undefined
      })
    return beating
  }

  const holdSecretInForce = async (work: Work): Promise<string> => {
    try {
      return (await joinIn(work)).inForce
    } catch (error) {
      if (!(error instanceof Unfit)) throw error
      throw new Refusal('unavailable', { reason: 'process_not_registered', retryAfter: 5 })
    }
  }

  const takePlace = async (attempt = 1): Promise<void> => {
    const sent = momentOf(clock)
    heardSince = sent.monotonic
    try {
      const found = await inTransaction(db, async work => {
        const joined = await joinIn(work)
        const other = findOther(joined)
        const errors = other ? productionErrors(settings, sources, { otherMachine: other.host }) : []
        if (errors.length > 0) throw new Unfit(errors.join('; '))
        return joined
      })
      adopt(found, sent)
    } catch (error) {
      if (!(error instanceof Unfit && error.isPassing) || attempt === startWait.attempts) throw error
      await clock.sleep(startWait.pause)
      await takePlace(attempt + 1)
    }
  }

  return {
    id,
    start: async () => {
      await takePlace()
      timer = setInterval(beatOnce, beatInterval).unref()
    },
    leave: async () => {
      hasLeft = true
      clearInterval(timer)
      const left = Promise.resolve(beating).then(() =>
        watch.deleteFrom('processes').where('id', '=', id).execute(),
      )
      await waitAtMost(
        longestLeave,
        left.catch(() => {}),
      )
    },
    tell: logger => {
      log = logger
      if (surroundings().otherMachine !== undefined) tellOfOther()
    },
    beat: beatOnce,
    secretInForce: work => {
      work.beforeLock('installation')
      return register !== undefined && age() <= longestLease ? register.inForce : holdSecretInForce(work)
    },
    lastSecretInForce: () => register?.inForce ?? secrets.newestId,
    holdSecretInForce,
    surroundings,
    otherServers: () => (register === undefined ? 0 : countOthers(register)),
    writeTrouble: () => unwritten && { why: unwritten.why, milliseconds: ageOf(clock, unwritten.since) },
    reasons: () => [
      // What no process can write, none makes: and all would say it, so that nobody were left who can still be read.
      ...(trouble === undefined && (age() <= longestSilence || unwritten !== undefined)
        ? []
        : [
            `this process is not in the register: ${trouble ?? 'the database has not taken it for half a minute'}`,
          ]),
      ...broken(),
    ],
  }
}

const readDifference = ({ difference }: Clock): number | null =>
  difference === undefined ? null : Math.round(difference())
