import { sql } from 'kysely'
import type { Engine } from '../compose.ts'
import { addressTroubles } from '../ground/address-trouble.ts'
import { second } from '../ground/clock.ts'
import type { Database } from '../storage/tables.ts'
import { isRoom } from '../upkeep/machine-checks.ts'

/** More than this and the machine's clock is wrong: times of this process and of others differ. */
const mostBehind = 2 * second

const isAnswering = (watch: Database): Promise<boolean> =>
  sql`select 1`.execute(watch).then(
    () => true,
    () => false,
  )

/**
 * So long a database may be away, as while it restarts, before this process says that it should get no traffic:
 * all processes would say it at the same moment, and nobody would be left to answer what needs no database.
 */
const longestAway = 30 * second

/**
 * As for any request: a view that grew old while the process stood still is read before it counts as old. It
 * can't be read while the database is away.
 */
const askDatabase = async ({ revocations, watch }: Engine): Promise<readonly string[]> => {
  await Promise.resolve(revocations.ensureFresh()).catch(() => {})
  const trouble = revocations.trouble()
  if (trouble === undefined || trouble.since <= longestAway) return []
  return (await isAnswering(watch)) ? [trouble.why] : ['the database does not answer', trouble.why]
}

/** Why this process should get no traffic now; empty when it should. */
export type FindReasons = () => Promise<readonly string[]>

/** One question at a time, whoever asks: many who ask take nothing from the feed, which shares its connections. */
export const createReadiness = (engine: Engine): FindReasons => {
  const { clock, processes } = engine
  let asking: Promise<readonly string[]> | undefined
  const ask = (): Promise<readonly string[]> => {
    asking ??= askDatabase(engine).finally(() => {
      asking = undefined
    })
    return asking
  }
  return async () => {
    const database = await ask()
    const reasons = [
      ...(clock.behind() <= mostBehind
        ? []
        : ['the clock of the machine was set back: restart when it is right']),
      ...((clock.difference?.() ?? 0) <= mostBehind
        ? []
        : ["the clock of the machine differs from the database's by more than 2 seconds: set it right"]),
    ]
    return [...database, ...reasons, ...processes.reasons()]
  }
}

/** More than this, and the audit log is told to be behind. */
const mostUnsealed = 60 * second

type Warned = Pick<Engine, 'addressWatch' | 'sealer' | 'processes' | 'freeShare'>

/** What keeps no traffic away and should be mended all the same. */
export const findWarnings = ({ addressWatch, sealer, processes, freeShare }: Warned): string[] => {
  const trouble = addressWatch?.find()
  const lag = sealer.lag()
  const unwritten = processes.writeTrouble()
  return [
    ...(unwritten === undefined
      ? []
      : [
          `The database can not be written for ${Math.floor(unwritten.milliseconds / second)} seconds: ${unwritten.why}. What changes something is refused.`,
        ]),
    ...(isRoom(freeShare()) ? [] : ['The disk of the database is nearly full: make room.']),
    ...(trouble === undefined ? [] : [`${addressTroubles[trouble].found}. ${addressTroubles[trouble].do}`]),
    ...(lag > mostUnsealed
      ? [`An audit event is not sealed for ${Math.floor(lag / second)} seconds: the log says why.`]
      : []),
  ]
}

const longestWait = 30 * second
const pause = 100

/**
 * Resolves once this process should get traffic.
 * @throws Error with the reasons, where that takes longer than half a minute
 */
export const untilReady = async (engine: Engine): Promise<void> => {
  const { clock } = engine
  const findReasons = createReadiness(engine)
  const since = clock.monotonic()
  for (let reasons = await findReasons(); reasons.length > 0; reasons = await findReasons()) {
    if (clock.monotonic() - since > longestWait) throw new Error(`not ready: ${reasons.join('; ')}`)
    await clock.sleep(pause)
  }
}
