import type { Engine } from 'gatewright/compose'

export type QueryLog = {
  /** The same engine; its operations write each query down before it is sent. */
  readonly engine: Engine
  /** SQL texts in order, without values. */
  readonly queries: string[]
  /** Resolves when every query so far was answered; never after one that failed. */
  readonly answered: () => Promise<void>
}

/** The engine over the same connection, with a log of the queries that operations make. */
export const logQueries = (engine: Engine): QueryLog => {
  const queries: string[] = []
  let open = 0
  const db = engine.db.withPlugin({
    transformQuery: ({ node, queryId }) => {
      open += 1
      queries.push(engine.db.getExecutor().compileQuery(node, queryId).sql)
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
  return { engine: { ...engine, db }, queries, answered }
}
