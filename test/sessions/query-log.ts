import type { Engine } from 'gatewright/compose'

export type QueryLog = {
  /** The same engine; its operations write each query down before it is sent. */
  readonly engine: Engine
  /** SQL texts in order, without values. */
  readonly queries: string[]
}

/** The engine over the same connection, with a log of the queries that operations make. */
export const logQueries = (engine: Engine): QueryLog => {
  const queries: string[] = []
  const db = engine.db.withPlugin({
    transformQuery: ({ node, queryId }) => {
      queries.push(engine.db.getExecutor().compileQuery(node, queryId).sql)
      return node
    },
    transformResult: async ({ result }) => result,
  })
  return { engine: { ...engine, db }, queries }
}
