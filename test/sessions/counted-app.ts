import { createApp } from 'gatewright/app'
import type { Engine } from 'gatewright/compose'
import { pino } from 'pino'
import { blog, mount } from '../../apps/blog/src/blog.ts'
import { logQueries } from './query-log.ts'

export type CountedApp = {
  /** Sends a request to a path below the mount, and gives its status and the queries that it made. */
  readonly ask: (
    method: 'GET' | 'POST',
    path: string,
    headers: Readonly<Record<string, string>>,
    payload?: object,
  ) => Promise<{ readonly status: number; readonly queries: readonly string[] }>
  readonly close: () => Promise<void>
}

/** Another app on the same engine, which writes down the queries of each request. */
export const startCountedApp = async (counted: Engine): Promise<CountedApp> => {
  const { engine, queries } = logQueries(counted)
  // The engine's hooks run in the app that it was made for.
  const { hooks: _, ...application } = blog
  const { app } = await createApp({ engine, log: pino({ enabled: false }), mount, application })
  return {
    ask: async (method, path, headers, payload) => {
      queries.length = 0
      const url = `${mount}/${path}`
      const { statusCode } = await app.inject({ method, url, headers, ...(payload && { payload }) })
      return { status: statusCode, queries: [...queries] }
    },
    close: () => app.close(),
  }
}
