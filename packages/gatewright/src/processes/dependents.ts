import { type SelectQueryBuilder, sql } from 'kysely'
import { secretIdLength } from '../ground/secrets.ts'
import type { Database, Tables } from '../storage/tables.ts'
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
  /** Only what rests on none of these. */
  readonly except?: readonly string[]
}

type Sessions<Selected> = SelectQueryBuilder<Tables, 'sessions', Selected>

/** Sessions that have not ended, also not by the clock, and whose client holds a refresh token. */
const whereLive = <Selected>(query: Sessions<Selected>, { now, settings }: Omit<Input, 'except'>) =>
  query
    .where('ended_at', 'is', null)
    .where('secret_hash', 'is', null)
    .where('expires_at', '>', now)
    .where('last_used_at', '>', now - settings.sessionIdleTtl)

const ofLiveTokens = async (db: Database, input: Input): Promise<readonly Dependents[]> => {
  const { except = [], settings } = input
  let query = whereLive(db.selectFrom('sessions'), input)
  if (except.length > 0) query = query.where('secret_id', 'not in', except)
  const rows = await query
    .select(eb => {
      const unused = eb('last_used_at', '+', settings.sessionIdleTtl)
      const end = eb.case().when('expires_at', '<', unused).then(eb.ref('expires_at')).else(unused).end()
      return ['secret_id', eb.fn.countAll<number>().as('count'), eb.fn.max(end).as('until')]
    })
    .groupBy('secret_id')
    .execute()
  return rows.map(row => ({
    secretId: row.secret_id ?? undefined,
    what: 'sessions',
    count: row.count,
    until: Number(row.until),
  }))
}

/** Tokens that were just replaced: a client whose answer was lost shows them again. */
const ofReplacedTokens = async (db: Database, input: Input): Promise<readonly Dependents[]> => {
  const { except = [], now, settings } = input
  let query = whereLive(db.selectFrom('sessions'), input)
    .where('former_secret_id', 'is not', null)
    .where('generation_since', '>', now - settings.refreshRetryWindow)
  if (except.length > 0) query = query.where('former_secret_id', 'not in', except)
  const rows = await query
    .select(eb => [
      'former_secret_id',
      eb.fn.countAll<number>().as('count'),
      eb.fn.max('generation_since').as('newest'),
    ])
    .groupBy('former_secret_id')
    .execute()
  return rows.map(row => ({
    secretId: row.former_secret_id ?? undefined,
    what: 'sessions',
    count: row.count,
    until: Number(row.newest) + settings.refreshRetryWindow,
  }))
}

const ofSealed = async (db: Database, { table, column }: SealedColumn): Promise<readonly Dependents[]> => {
  const { rows } = await sql<{ readonly sealed: string; readonly count: number }>`
    select substr(${sql.ref(column)}, 1, ${sql.lit(secretIdLength)}) as sealed, count(*) as count
    from ${sql.table(table)} group by 1`.execute(db)
  return rows.map(row => ({ secretId: row.sealed, what: table, count: row.count }))
}

/** What rests on which secret. */
export const listDependents = async (db: Database, input: Input): Promise<readonly Dependents[]> => {
  const found = [...(await ofLiveTokens(db, input)), ...(await ofReplacedTokens(db, input))]
  for (const column of sealedColumns) found.push(...(await ofSealed(db, column)))
  return found.filter(({ secretId }) => secretId === undefined || !input.except?.includes(secretId))
}
