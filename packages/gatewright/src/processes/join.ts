import { recordEvent, systemOrigin } from '../audit/record.ts'
import { type Clock, toTimestamp } from '../ground/clock.ts'
import { lockInstallation } from '../storage/installation.ts'
import { explainMissing } from '../storage/open-secrets.ts'
import type { Database } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'
import { chooseSecret } from './choose-secret.ts'
import { type Dependents, type Lives, listDependentsBut } from './dependents.ts'
import { isSilent, type LiveProcess, listMayMakeWith, readProcesses, toProcessRow } from './live-process.ts'

/** This process can't work on this database as it is now; the message says why and what to write. */
export class Unfit extends Error {
  override readonly name = 'Unfit'
  /** It may be fit in some seconds, without anybody's doing. */
  readonly isPassing: boolean

  constructor(message: string, isPassing = false) {
    super(message)
    this.isPassing = isPassing
  }
}

/** The secret that values are made with, and who works on the database. */
export type Register = { readonly inForce: string; readonly processes: readonly LiveProcess[] }

export type JoinDependencies = { readonly clock: Clock; readonly settings: Lives }

export const readRegister = async (db: Database): Promise<Register> => {
  const { secret_id: inForce } = await db
    .selectFrom('installation')
    .select('secret_id')
    .executeTakeFirstOrThrow()
  return { inForce, processes: await readProcesses(db) }
}

/** Whether there is nothing to do: nobody to be taken out, and no newer secret that every process has. */
export const isSettled = (
  { inForce, processes }: Register,
  { now, maySweep }: { readonly now: number; readonly maySweep: boolean },
): boolean =>
  !(maySweep && processes.some(process => isSilent(process, now))) &&
  chooseSecret(
    inForce,
    processes.map(({ secretIds }) => secretIds),
  ) === inForce

const describe = ({ what, count, until }: Dependents): string =>
  `${count} of ${what}${until === undefined ? '' : `, the last until ${toTimestamp(until)}`}`

/** What is there, and what live processes may still be making, must be what this process can read. */
const checkHolds = async (
  { clock, settings }: JoinDependencies,
  { db }: Work,
  { inForce, processes }: Register,
  own: LiveProcess,
): Promise<void> => {
  const lacks = (id: string): boolean => !own.secretIds.includes(id)
  if (lacks(inForce)) throw new Unfit(explainMissing(inForce, 'values are made with it'))
  // One that is silent makes nothing before it has taken its place again.
  for (const maker of processes) {
    const missing = listMayMakeWith(maker, inForce).find(lacks)
    if (missing === undefined || isSilent(maker, clock.now())) continue
    const who = `a ${maker.kind} on ${maker.host} may still be making values with it`
    throw new Unfit(explainMissing(missing, who), true)
  }
  const needs = await listDependentsBut(db, own.secretIds, { now: clock.now(), settings })
  const [first] = needs.flatMap(({ secretId }) => secretId ?? [])
  if (first === undefined) return
  const what = needs.filter(({ secretId }) => secretId === first).map(describe)
  throw new Unfit(
    `${explainMissing(first, what.join('; '))}; to end what rests on it: gatewright secret retire ${first}, with both secrets listed`,
  )
}

const write = async ({ db }: Work, own: LiveProcess): Promise<void> => {
  const { id, ...row } = toProcessRow(own)
  await db
    .insertInto('processes')
    .values({ id, ...row })
    .onConflict(conflict => conflict.column('id').doUpdateSet({ seen_at: row.seen_at }))
    .execute()
}

/**
 * Brings the register up to date and this process into it, in `work`, which holds the register until it is
 * committed: this process is checked where it is not in it, and the secret in force becomes the newest that
 * all hold.
 *
 * So at no time is there a process in the register that does not hold the secret in force, whichever starts
 * when. A process that was taken out while it was stopped is checked like a new one.
 *
 * @param maySweep those who are silent are taken out: for a process that was heard while they were not. After
 *   a time without the database all look silent, and each gets its chance
 *
 * @throws Unfit
 */
export const join = async (
  dependencies: JoinDependencies,
  work: Work,
  own: Omit<LiveProcess, 'makesWith' | 'seenAt'>,
  maySweep = false,
): Promise<Register> => {
  const now = dependencies.clock.now()
  // Who counts or changes processes, or the secret in force, holds this one row first.
  const { secret_id: before } = await lockInstallation(work)
  const present = await readProcesses(work.db)
  const isGone = (process: LiveProcess): boolean =>
    maySweep && process.id !== own.id && isSilent(process, now)
  const silent = present.filter(isGone).map(({ id }) => id)
  if (silent.length > 0) await work.db.deleteFrom('processes').where('id', 'in', silent).execute()
  const others = present.filter(({ id }) => id !== own.id && !silent.includes(id))

  const inForce = chooseSecret(before, [own.secretIds, ...others.map(({ secretIds }) => secretIds)])
  const known = present.find(({ id }) => id === own.id)
  const self = { ...own, makesWith: known?.makesWith ?? inForce, seenAt: now }
  if (known === undefined) await checkHolds(dependencies, work, { inForce, processes: others }, self)
  await write(work, self)
  if (inForce !== before) {
    await work.db.updateTable('installation').set({ secret_id: inForce }).where('id', '=', 1).execute()
    const details = { secret: inForce, former: before }
    await recordEvent(dependencies, work, 'secret.put-in-force', { origin: systemOrigin, details })
  }
  return { inForce, processes: [self, ...others] }
}
