import type { Database } from '../../packages/gatewright/src/storage/tables.ts'

/** Does something to the database that nobody else ever sees. */
export const inVain = async <T>(database: Database, act: (db: Database) => Promise<T>): Promise<T> => {
  const undo = new Error('undo')
  let result: { readonly value: T } | undefined
  await database
    .transaction()
    .execute(async db => {
      result = { value: await act(db) }
      throw undo
    })
    .catch(error => {
      if (error !== undo) throw error
    })
  return (result as { readonly value: T }).value
}
