import type { App } from 'gatewright/app'
import { systemClock } from 'gatewright/clock'
import type { Engine } from 'gatewright/compose'
import { newSecret, systemRandom } from 'gatewright/random'
import { defaultSettings, type Settings } from 'gatewright/settings'
import { blog, mount } from '../apps/blog/src/blog.ts'
import { type Answer, type Call, createCall } from '../apps/blog/test/call.ts'
import {
  createFakeClock as createClock,
  type FakeClock,
} from '../packages/gatewright/src/testing/fake-clock.ts'
import { openTestApp } from '../packages/gatewright/src/testing/open-test-app.ts'
import type { SentMail } from '../packages/gatewright/src/testing/record-mail.ts'
import { addTestUser, testPassword } from '../packages/gatewright/src/testing/test-user.ts'
import { newMigratedDatabase } from './database.ts'
import { testsDatabase } from './environment.ts'
import { hashCheaply, leaveCheap } from './models/cheap-passwords.ts'

/** @param start milliseconds since 1970 */
export const createFakeClock = (start?: number): FakeClock =>
  createClock({ hasServer: testsDatabase.kind === 'postgres', ...(start !== undefined && { start }) })

export type { Answer, Call }

export type TestApp = {
  readonly app: App['app']
  readonly engine: Engine
  readonly clock: FakeClock
  /** Lines of the log, as JSON texts. */
  readonly logLines: readonly string[]
  /** Sends a request; a path without a slash in front stands below the mount. */
  readonly call: (method: string, path: string, options?: Call) => Promise<Answer>
  /** Sends the mail that is due, and gives all that was sent so far. */
  readonly deliverMail: () => Promise<readonly SentMail[]>
  readonly close: () => Promise<void>
}

export const password = testPassword

/**
 * The blog as the test kit opens it, on any settings: also those that the kit refuses to others.
 */
export const startTestApp = async (overrides: Partial<Settings> = {}): Promise<TestApp> => {
  // A second process on a database that is there needs no other one.
  const database = overrides.databaseUrl === undefined ? await newMigratedDatabase() : undefined
  const clock = createFakeClock()
  const settings = defaultSettings({
    nodeEnv: 'test',
    ...(database && { databaseUrl: database.url }),
    // Else it would be the one in ./data of whoever runs the tests.
    ...(testsDatabase.kind === 'postgres' && { gatewrightSecret: [newSecret(systemRandom)] }),
    limitsScale: 1_000,
    ...overrides,
  })
  const subject = { application: blog, mount }
  const { app, engine, logLines, deliverMail, close } = await openTestApp({ settings, clock, subject })
  // No table changes by itself while a test looks at it.
  await engine.housekeeping.stop()
  await engine.minutes.stop()
  leaveCheap(engine.hasher, signUpHash)

  return {
    app,
    engine,
    clock,
    logLines,
    deliverMail,
    call: createCall(app),
    close: async () => {
      await close()
      await database?.drop()
    },
  }
}

/** What is stored of the password of who signs up: every sign-in verifies it, as fast as a stored hash may be. */
const signUpHash = hashCheaply(password)

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
  const { id } = await addTestUser(engine, { username, roles }, {}, async () => signUpHash)
  const { body } = await call('POST', 'login', { body: { username, password } })
  return { id, username, access: body.access_token, refresh: body.refresh_token }
}

/** Real time and randomness, for tests that start a process of their own. */
export const real = { clock: systemClock, random: systemRandom }
