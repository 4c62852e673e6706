import { setImmediate as immediate } from 'node:timers/promises'
import { type SqlBool, sql } from 'kysely'
import type { AuditEventName } from '../audit/events.ts'
import { isIndexedEvent } from '../audit/indexed-events.ts'
import { type Clock, day, hour } from '../ground/clock.ts'
import { administratorRole } from '../permissions/roles.ts'
import { shareForAWhile } from '../revocation/share-for-a-while.ts'
import { type Cut, countAtMost } from '../storage/count-at-most.ts'
import type { Database } from '../storage/tables.ts'

/** Nothing is counted further: a figure that has come so far stands for so many or more. */
export const mostCounted = 100_000

/** Days with the one that is not over. */
export const daysShown = 14

type Dependencies = { readonly db: Database; readonly clock: Clock }

// In the words of the indexes, so that these are taken.
const isListed = sql<SqlBool>`kind = 'user' and deleted_at is null`
const isDisabled = sql<SqlBool>`kind = 'user' and deleted_at is null and disabled_at is not null`
const isService = sql<SqlBool>`kind = 'service' and deleted_at is null`

const selectAdministrators = (db: Database) =>
  db
    .selectFrom('user_roles')
    .innerJoin('users', 'users.id', 'user_roles.user_id')
    .select('users.id')
    .where('user_roles.role', '=', administratorRole)
    .where('users.kind', '=', 'user')
    .where('users.disabled_at', 'is', null)

/** Whoever has a passkey and no authenticator app: beside those who have one. */
const selectByPasskeyAlone = (db: Database) =>
  db
    .selectFrom('passkeys')
    .select('passkeys.user_id')
    .distinct()
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('totp_factors')
            .select('totp_factors.id')
            .whereRef('totp_factors.user_id', '=', 'passkeys.user_id'),
        ),
      ),
    )

const selectWithoutFactor = (db: Database) =>
  selectAdministrators(db).where(({ not, exists, selectFrom }) =>
    not(
      exists(
        selectFrom('totp_factors')
          .select('totp_factors.id')
          .whereRef('totp_factors.user_id', '=', 'users.id')
          .unionAll(
            selectFrom('passkeys').select('passkeys.id').whereRef('passkeys.user_id', '=', 'users.id'),
          ),
      ),
    ),
  )

/** What there is at this moment, each by an index that has nothing else. */
const cuts = {
  users: ({ db }) => db.selectFrom('users').select('id').where(isListed).limit(mostCounted).as('found'),
  disabled: ({ db }) => db.selectFrom('users').select('id').where(isDisabled).limit(mostCounted).as('found'),
  withApp: ({ db }) => db.selectFrom('totp_factors').select('user_id').limit(mostCounted).as('found'),
  withPasskeyAlone: ({ db }) => selectByPasskeyAlone(db).limit(mostCounted).as('found'),
  administrators: ({ db }) => selectAdministrators(db).limit(mostCounted).as('found'),
  administratorsWithoutFactor: ({ db }) => selectWithoutFactor(db).limit(mostCounted).as('found'),
  services: ({ db }) => db.selectFrom('users').select('id').where(isService).limit(mostCounted).as('found'),
  sessions: ({ db, clock }) =>
    db
      .selectFrom('sessions')
      .select('id')
      .where('ended_at', 'is', null)
      .where('expires_at', '>', clock.now())
      .limit(mostCounted)
      .as('found'),
  apiKeys: ({ db, clock }) =>
    db
      .selectFrom('api_keys')
      .select('expires_at')
      .where('ended_at', 'is', null)
      .where(eb => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', clock.now())]))
      .limit(mostCounted)
      .as('found'),
  invitations: ({ db, clock }) =>
    db
      .selectFrom('codes')
      .select('id')
      .where('purpose', '=', 'invitation')
      .where('expires_at', '>', clock.now())
      .limit(mostCounted)
      .as('found'),
} as const satisfies Readonly<Record<string, (dependencies: Dependencies) => Cut>>

type Stock = Readonly<Record<keyof typeof cuts, number>>

/** What a day has of each, by the events that tell it: those that an index finds. */
const dailyFigures = {
  newUsers: ['user.registered', 'user.created'],
  signIns: ['session.started'],
  failedSignIns: ['sign-in.failed'],
  failedSecondFactors: ['second-factor.failed'],
  newApiKeys: ['api-key.made'],
} as const satisfies Readonly<Record<string, readonly AuditEventName[]>>

export type DayFigures = Readonly<Record<keyof typeof dailyFigures, number>>

/** `start` is its beginning, in UTC. */
export type Day = DayFigures & { readonly start: number }

export type Statistics = Stock & {
  /** When they were counted. */
  readonly at: number
  /** The oldest first; the last is not over. */
  readonly days: readonly Day[]
}

const countStock = async (dependencies: Dependencies): Promise<Stock> => {
  const counted: [string, number][] = []
  for (const [name, cut] of Object.entries(cuts))
    counted.push([name, await countAtMost(dependencies.db, cut(dependencies))])
  return Object.fromEntries(counted) as Stock
}

const countEvent = (db: Database, event: AuditEventName, start: number): Promise<number> =>
  countAtMost(
    db,
    db
      .selectFrom('audit_events')
      .select('at')
      // As a word and not as a parameter: any plan that is kept sees by it that the index has what is asked for.
      .where('event', '=', sql.lit(event))
      .where(isIndexedEvent)
      .where('at', '>=', start)
      .where('at', '<', start + day)
      .limit(mostCounted)
      .as('found'),
  )

const countDay = async (db: Database, start: number): Promise<Day> => {
  const counted: [string, number][] = []
  for (const [name, events] of Object.entries(dailyFigures)) {
    let count = 0
    for (const event of events) count += await countEvent(db, event, start)
    counted.push([name, Math.min(count, mostCounted)])
  }
  // SQLite answers at once: requests that wait have their turn between two days.
  await immediate()
  return { ...(Object.fromEntries(counted) as DayFigures), start }
}

/** A transaction of the last moments of a day has committed by then. */
const surelyOver = hour

/** Days that are over are counted once: nothing is written into them any more. */
const createDays = ({ db, clock }: Dependencies) => {
  const known = new Map<number, Day>()
  return async (): Promise<readonly Day[]> => {
    const now = clock.now()
    const today = Math.floor(now / day) * day
    const days: Day[] = []
    for (let start = today - (daysShown - 1) * day; start <= today; start += day) {
      const figures = known.get(start) ?? (await countDay(db, start))
      if (start + day + surelyOver <= now) known.set(start, figures)
      days.push(figures)
    }
    for (const start of known.keys()) if (start < (days[0]?.start ?? 0)) known.delete(start)
    return days
  }
}

/**
 * What the front page of an administrator shows. Bounded, however large the tables are; who asks while it is being
 * counted is told the same.
 *
 *     const readStatistics = createStatistics(engine)
 *     const { users, sessions, days } = await readStatistics()
 */
export const createStatistics = (dependencies: Dependencies): (() => Promise<Statistics>) => {
  const readDays = createDays(dependencies)
  const share = shareForAWhile(dependencies.clock, async (at: number) => ({
    ...(await countStock(dependencies)),
    at,
    days: await readDays(),
  }))
  return () => share('statistics', dependencies.clock.now())
}
