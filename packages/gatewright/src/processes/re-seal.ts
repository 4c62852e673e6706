import { sql } from 'kysely'
import { type Secrets, secretIdLength } from '../ground/secrets.ts'
import type { Database } from '../storage/tables.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import { type SealedColumn, sealedColumns } from './sealed-columns.ts'

type Dependencies = {
  readonly db: Database
  readonly secrets: Secrets
  /** The secret in force, which stays it until the transaction is committed. */
  readonly hold: (work: Work) => Promise<string>
  /** How many values one transaction moves; without a word, so many that others wait no longer than for a sign-in. */
  readonly batch?: number
}

type Sealed = { readonly key: string; readonly sealed: string }

const defaultBatch = 20

/** The next values, by their key, that rest on another secret than this one. */
const findNext = async (
  { db, batch = defaultBatch }: Dependencies,
  { table, key, column }: SealedColumn,
  secretId: string,
  after: string,
): Promise<readonly Sealed[]> => {
  const { rows } = await sql<Sealed>`
    select ${sql.ref(key)} as key, ${sql.ref(column)} as sealed from ${sql.table(table)}
    where substr(${sql.ref(column)}, 1, ${sql.lit(secretIdLength)}) <> ${secretId} and ${sql.ref(column)} <> ''
      and ${sql.ref(key)} > ${after}
    order by 1 limit ${sql.lit(batch)}`.execute(db)
  return rows
}

/** The same value under another secret; undefined where it can't be opened here. */
const sealAnew = (
  secrets: Secrets,
  { purpose }: SealedColumn,
  { key, sealed }: Sealed,
  secretId: string,
): string | undefined => {
  try {
    return secrets.seal(purpose, key, secrets.open(purpose, key, sealed), secretId)
  } catch {
    return undefined
  }
}

/** Moves a batch, each value only if it is still the one that was read. */
const moveBatch = ({ db, secrets, hold }: Dependencies, column: SealedColumn, values: readonly Sealed[]) =>
  inTransaction(db, async work => {
    const secretId = await hold(work)
    let moved = 0
    for (const value of values) {
      const anew = sealAnew(secrets, column, value, secretId)
      if (anew === undefined) continue
      const { numAffectedRows = 0n } = await sql`
        update ${sql.table(column.table)} set ${sql.ref(column.column)} = ${anew}
        where ${sql.ref(column.key)} = ${value.key} and ${sql.ref(column.column)} = ${value.sealed}`.execute(
        work.db,
      )
      moved += Number(numAffectedRows)
    }
    return moved
  })

const moveColumn = async (
  dependencies: Dependencies,
  column: SealedColumn,
  secretId: string,
  after = '',
): Promise<number> => {
  const values = await findNext(dependencies, column, secretId, after)
  const last = values.at(-1)
  if (last === undefined) return 0
  const moved = await moveBatch(dependencies, column, values)
  return moved + (await moveColumn(dependencies, column, secretId, last.key))
}

/**
 * Moves everything sealed to the secret in force: in small batches, by whichever process comes first, and
 * from wherever the last one stopped. What can't be opened here is left as it is.
 *
 * @param secretId the secret in force, as it was read last: what rests on it costs no transaction
 * @returns how many values were moved
 */
export const reSeal = async (dependencies: Dependencies, secretId: string): Promise<number> => {
  let moved = 0
  for (const column of sealedColumns) moved += await moveColumn(dependencies, column, secretId)
  return moved
}
