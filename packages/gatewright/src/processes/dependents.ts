import { type SqlBool, sql } from 'kysely'
import { secretIdLength } from '../ground/secrets.ts'
import type { Database } from '../storage/tables.ts'
import { type SealedColumn, sealedColumns } from './sealed-columns.ts'

/** Things of one kind that rest on one secret. */
export type Dependents = {
  /** Undefined: on which one is not known, for a former version did not note it. */
  readonly secretId: string | undefined
  /** A name of a table: `sessions` by their refresh tokens, others by what is sealed in them. */
  readonly what: string
  readonly count: number
  /** When the last of them ends by itself, unless it is used; absent for what stays. */
  readonly until?: number
}

/** Lives of sessions, in milliseconds. */
export type Lives = { readonly sessionIdleTtl: number; readonly refreshRetryWindow: number }

type Input = {
  readonly now: number
  readonly settings: Lives
}

/** Sessions that have not ended, also not by the clock. */
const selectLive = (db: Database, { now, settings }: Input) =>
  db
    .selectFrom('sessions')
    .where('ended_at', 'is', null)
    .where('expires_at', '>', now)
    .where('last_used_at', '>', now - settings.sessionIdleTtl)

/** Of those that a secret, or none that is known, has made the live token of. */
const countLive = async (
  db: Database,
  secretId: string | undefined,
  input: Input,
): Promise<readonly Dependents[]> => {
  const live = selectLive(db, input)
  const query =
    secretId === undefined
      ? live.where('secret_id', 'is', null).where('secret_hash', 'is', null)
      : live.where('secret_id', '=', secretId)
  const { count, until } = await query
    .select(eb => {
      const unused = eb('last_used_at', '+', input.settings.sessionIdleTtl)
      const end = eb.case().when('expires_at', '<', unused).then(eb.ref('expires_at')).else(unused).end()
      return [eb.fn.countAll<number>().as('count'), eb.fn.max(end).as('until')]
    })
    .executeTakeFirstOrThrow()
  return count === 0 ? [] : [{ secretId, what: 'sessions', count, until: Number(until) }]
}

/** Tokens that were just replaced: a client whose answer was lost shows them again. */
const countReplaced = async (
  db: Database,
  secretId: string,
  input: Input,
): Promise<readonly Dependents[]> => {
  const { refreshRetryWindow: window } = input.settings
  const { count, newest } = await selectLive(db, input)
    .where('former_secret_id', '=', secretId)
    .where('generation_since', '>', input.now - window)
    .select(eb => [eb.fn.countAll<number>().as('count'), eb.fn.max('generation_since').as('newest')])
    .executeTakeFirstOrThrow()
  return count === 0 ? [] : [{ secretId, what: 'sessions', count, until: Number(newest) + window }]
}

const whereNotEnded = sql<SqlBool>`ended_at is null`
const whereReplaced = sql<SqlBool>`former_secret_id is not null`

const findNext = (db: Database, column: 'secret_id' | 'former_secret_id', after: string) =>
  db
    .selectFrom('sessions')
    .select(eb => eb.fn.min(column).as('next'))
    .where(column, '>', after)
    // As the two indexes have it.
    .where(column === 'secret_id' ? whereNotEnded : whereReplaced)
    .executeTakeFirstOrThrow()

/** The few secrets among any number of sessions: an index leads from each to the next. */
const listIds = async (
  db: Database,
  column: 'secret_id' | 'former_secret_id',
): Promise<readonly string[]> => {
  const ids: string[] = []
  for (;;) {
    const { next } = await findNext(db, column, ids.at(-1) ?? '')
    if (next === null) return ids
    ids.push(next)
  }
}

const ofSealed = async (db: Database, { table, column }: SealedColumn): Promise<readonly Dependents[]> => {
  const { rows } = await sql<{ readonly sealed: string; readonly count: number }>`
    select substr(${sql.ref(column)}, 1, ${sql.lit(secretIdLength)}) as sealed, count(*) as count
    from ${sql.table(table)} where ${sql.ref(column)} <> '' group by 1`.execute(db)
  return rows.map(row => ({ secretId: row.sealed, what: table, count: row.count }))
}

/** What rests on secrets that are none of these. */
export const listDependentsBut = async (
  db: Database,
  held: readonly string[],
  input: Input,
): Promise<readonly Dependents[]> => {
  const isOther = (id: string): boolean => !held.includes(id)
  const found: Dependents[] = []
  for (const id of (await listIds(db, 'secret_id')).filter(isOther))
    found.push(...(await countLive(db, id, input)))
  for (const id of (await listIds(db, 'former_secret_id')).filter(isOther))
    found.push(...(await countReplaced(db, id, input)))
  for (const column of sealedColumns) found.push(...(await ofSealed(db, column)))
  return found.filter(({ secretId }) => secretId !== undefined && isOther(secretId))
}

/** What rests on which secret. */
export const listDependents = async (db: Database, input: Input): Promise<readonly Dependents[]> => [
  ...(await listDependentsBut(db, [], input)),
  ...(await countLive(db, undefined, input)),
]
