import { createApp } from 'gatewright/app'
import { type ComposeOptions, compose, type Engine } from 'gatewright/compose'
import { defaultSettings, type Settings } from 'gatewright/settings'
import { pino } from 'pino'
import { blog, mount } from '../../apps/blog/src/blog.ts'
import type { Answer } from '../harness.ts'

/** The blog on a PostgreSQL of the test's, in real time. */
export type RealApp = {
  readonly engine: Engine
  readonly logLines: readonly string[]
  readonly call: (
    method: 'GET' | 'POST',
    path: string,
    options?: {
      readonly token?: string
      readonly body?: object
      readonly headers?: Readonly<Record<string, string>>
    },
  ) => Promise<Answer>
  readonly signUp: (username: string) => Promise<string>
  readonly close: () => Promise<void>
}

export const secret = Buffer.alloc(32, 7).toString('base64url')
const password = 'correct horse battery staple'

export const startRealApp = async (
  databaseUrl: string,
  overrides: Partial<Settings> = {},
  options: Partial<ComposeOptions> = {},
): Promise<RealApp> => {
  const logLines: string[] = []
  const settings = defaultSettings({
    nodeEnv: 'test',
    databaseUrl,
    gatewrightSecret: [secret],
    limitsScale: 100_000,
    ...overrides,
  })
  const application = { migrations: blog.migrations ?? [], declaration: blog }
  const engine = await compose({ settings, ...application, ...options })
  const log = pino({ level: 'trace', base: null }, { write: line => void logLines.push(line) })
  const { app } = await createApp({ engine, log, mount, application: blog })
  const call: RealApp['call'] = async (method, path, { token, body, headers } = {}) => {
    const answer = await app.inject({
      method,
      url: path.startsWith('/') ? path : `${mount}/${path}`,
      headers: { ...headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
      ...(body && { payload: body }),
    })
    return {
      status: answer.statusCode,
      headers: answer.headers,
      text: answer.payload,
      body: answer.payload === '' ? undefined : answer.json(),
    }
  }
  return {
    engine,
    logLines,
    call,
    signUp: async username => {
      await call('POST', 'register', { body: { username, password } })
      return (await call('POST', 'login', { body: { username, password } })).body.access_token
    },
    close: async () => {
      await app.close()
      await engine.close()
    },
  }
}
