import { setTimeout as delay, setImmediate as immediate } from 'node:timers/promises'
import { createUser } from 'gatewright/administration'
import { type App, createApp } from 'gatewright/app'
import { type Clock, systemClock } from 'gatewright/clock'
import { compose, type Engine } from 'gatewright/compose'
import { newSecret, systemRandom } from 'gatewright/random'
import { defaultSettings, type Settings } from 'gatewright/settings'
import { pino } from 'pino'
import { blog, mount } from '../apps/blog/src/blog.ts'
import { newTestDatabase } from './database.ts'
import { testsDatabase } from './environment.ts'

/** As long as a request waits for the feed at most. */
const longestWait = 500

/** A clock that a test moves by hand. Sleeping takes no time, except where a server's answer is waited for. */
export type FakeClock = Clock & { readonly advance: (milliseconds: number) => void }

export const createFakeClock = (start = Date.UTC(2026, 10, 21, 12)): FakeClock => {
  let now = start
  return {
    now: () => now,
    monotonic: () => now,
    behind: () => 0,
    sleep: async milliseconds => {
      const isForServer = testsDatabase.kind === 'postgres' && milliseconds >= longestWait
      await (isForServer ? delay(milliseconds, undefined, { ref: false }) : immediate())
    },
    advance: milliseconds => {
      now += milliseconds
    },
  }
}

export type Answer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | number | undefined>>
  readonly text: string
  // The shape of an answer is what a test is about.
  // biome-ignore lint/suspicious/noExplicitAny: each test asserts on the fields that it names
  readonly body: any
}

export type Call = {
  readonly token?: string | undefined
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly address?: string
}

export type TestApp = {
  readonly app: App['app']
  readonly engine: Engine
  readonly clock: FakeClock
  /** Lines of the log, as JSON texts. */
  readonly logLines: readonly string[]
  /** Sends a request; a path without a slash in front stands below the mount. */
  readonly call: (method: string, path: string, options?: Call) => Promise<Answer>
  readonly close: () => Promise<void>
}

export const password = 'correct horse battery staple'

const toUrl = (path: string): string => (path.startsWith('/') ? path : `${mount}/${path}`)

/** The blog on a database of its own, with a clock of the test's; the code paths are the real ones. */
export const startTestApp = async (overrides: Partial<Settings> = {}): Promise<TestApp> => {
  const database = await newTestDatabase()
  const clock = createFakeClock()
  const logLines: string[] = []
  const settings = defaultSettings({
    nodeEnv: 'test',
    databaseUrl: database.url,
    // Else it would be the one in ./data of whoever runs the tests.
    ...(testsDatabase.kind === 'postgres' && { gatewrightSecret: [newSecret(systemRandom)] }),
    limitsScale: 1_000,
    ...overrides,
  })
  const { migrations = [] } = blog
  const engine = await compose({ settings, clock, durability: 'off', migrations, declaration: blog })
  const log = pino({ level: 'trace', base: null }, { write: line => void logLines.push(line) })
  const { app } = await createApp({ engine, log, mount, application: blog })
  // No table changes by itself while a test looks at it.
  await engine.housekeeping.stop()

  return {
    app,
    engine,
    clock,
    logLines,
    call: async (method, path, { token, body, headers = {}, address = '127.0.0.1' } = {}) => {
      const answer = await app.inject({
        method: method as 'GET',
        url: toUrl(path),
        remoteAddress: address,
        headers: { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...headers },
        ...(body !== undefined && { payload: body as object }),
      })
      const type = String(answer.headers['content-type'] ?? '')
      const isJson = /json/.test(type) && answer.payload !== ''
      return {
        status: answer.statusCode,
        headers: answer.headers,
        text: answer.payload,
        body: isJson ? answer.json() : undefined,
      }
    },
    close: async () => {
      await app.close()
      await engine.close()
      await database.drop()
    },
  }
}

export type Caller = {
  readonly id: string
  readonly username: string
  readonly access: string
  readonly refresh: string
}

/** Creates a user with these roles and signs in. */
export const signUp = async (
  { engine, call }: TestApp,
  username: string,
  roles: readonly string[] = ['user'],
): Promise<Caller> => {
  const origin = { actor: 'system', address: null, requestId: null }
  const { id } = await createUser(engine, { username, password, roles }, origin)
  const { body } = await call('POST', 'login', { body: { username, password } })
  return { id, username, access: body.access_token, refresh: body.refresh_token }
}

/** Real time and randomness, for tests that start a process of their own. */
export const real = { clock: systemClock, random: systemRandom }
