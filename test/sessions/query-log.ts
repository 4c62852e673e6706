import type { Engine } from 'gatewright/compose'
import type { Database, DatabaseTransaction } from 'gatewright/database'
import type { CompiledQuery } from 'kysely'

export type QueryLog = {
  /** The same engine; its operations write each query down before it is sent. */
  readonly engine: Engine
  /** SQL texts in order, without values. */
  readonly queries: string[]
  /** Resolves when every query so far was answered; never after one that failed. */
  readonly answered: () => Promise<void>
}

/** Tells of prepared queries, which no plugin sees, and of those within transactions. */
const watchPrepared = <DB extends Database>(db: DB, note: (sql: string) => void): DB =>
  new Proxy(db, {
    get: (target, name) => {
      if (name === 'executeQuery')
        return (query: CompiledQuery) => {
          note(query.sql)
          return target.executeQuery(query)
        }
      if (name === 'transaction')
        return () => ({
          execute: <T>(body: (transaction: DatabaseTransaction) => Promise<T>) =>
            target.transaction().execute(transaction => body(watchPrepared(transaction, note))),
        })
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })

/** The engine over the same connection, with a log of the queries that operations make. */
export const logQueries = (engine: Engine): QueryLog => {
  const queries: string[] = []
  let open = 0
  const note = (sql: string): void => {
    open += 1
    queries.push(sql)
  }
  const db = engine.db.withPlugin({
    transformQuery: ({ node, queryId }) => {
      note(engine.db.getExecutor().compileQuery(node, queryId).sql)
      return node
    },
    transformResult: async ({ result }) => {
      open -= 1
      return result
    },
  })
  const answered = async (): Promise<void> => {
    do await new Promise(resolve => setImmediate(resolve))
    while (open > 0)
  }
  return { engine: { ...engine, db: watchPrepared(db, note) }, queries, answered }
}
