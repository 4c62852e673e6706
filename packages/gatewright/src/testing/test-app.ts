import type { FastifyInstance } from 'fastify'
import { systemOrigin } from '../audit/record.ts'
import type { AnyHookEvent } from '../hooks/events.ts'
import { replaceSetupLink, toSetupAddress } from '../sign-in/setup-link.ts'
import { createFakeClock, type FakeClock } from './fake-clock.ts'
import { openTestApp, type Subject } from './open-test-app.ts'
import type { SentMail } from './record-mail.ts'
import { makeTemporaryDatabase } from './temporary-database.ts'
import { type GivenSettings, readTestSettings } from './test-settings.ts'

export type TestAppOptions = Subject & {
  /** Settings other than the defaults, by their names and as text. Limits count a thousand times as much. */
  readonly settings?: GivenSettings
  /**
   * The address of a PostgreSQL server, with a role that may make databases: the test gets one of its own
   * there, and drops it. Without it, SQLite in a temporary folder.
   */
  readonly postgres?: string | undefined
}

export type TestApp = {
  /** The application, ready and not listening: `app.inject`, and the engine as `app.gatewright`. */
  readonly app: FastifyInstance
  /** The time of everything that Gatewright does. It stands still until the test moves it. */
  readonly clock: FakeClock
  /** What was logged so far, a JSON text a line. */
  readonly logLines: readonly string[]
  /** The link that makes the first administrator, made anew; undefined once there has been one. */
  readonly openSetupLink: () => Promise<string | undefined>
  /**
   * Waits until no hook is due, and gives the events whose handlers have finished well since the start. One
   * that failed is due again once the clock has moved on.
   */
  readonly deliverHooks: () => Promise<readonly AnyHookEvent[]>
  /** Sends the mail that is due, and gives all that was sent since the start, oldest first. */
  readonly deliverMail: () => Promise<readonly SentMail[]>
  /** Closes the application and removes its database. */
  readonly close: () => Promise<void>
}

const openOn = async (
  opened: AsyncDisposableStack,
  { settings = {}, postgres, ...subject }: TestAppOptions,
): Promise<TestApp> => {
  const database = await makeTemporaryDatabase(postgres)
  opened.defer(database.drop)
  const clock = createFakeClock({ hasServer: postgres !== undefined })
  const read = readTestSettings(settings, database.url)
  const { app, engine, logLines, delivered, deliverMail, close } = await openTestApp({
    settings: read,
    clock,
    subject,
  })
  opened.defer(close)
  return {
    app,
    clock,
    logLines,
    openSetupLink: async () => {
      const link = await replaceSetupLink(engine, systemOrigin)
      return link.state === 'closed' ? undefined : toSetupAddress(engine.publicUrl, link.token)
    },
    deliverHooks: async () => {
      await engine.hooks.settled()
      return [...delivered]
    },
    deliverMail,
    close: () => opened.disposeAsync(),
  }
}

/** Nobody is signed in without a credential to an application that was not started here. */
const testApps = new WeakSet<TestApp>()

/** @throws TypeError for what was not started here */
export const checkTestApp = (testApp: TestApp): void => {
  if (!testApps.has(testApp))
    throw new TypeError('signedInAs takes what startTestApp gave, and no other application')
}

/** Makes a database and opens the application on it. Where that fails, nothing stays behind. */
export const openOnTemporaryDatabase = async (options: TestAppOptions): Promise<TestApp> => {
  const opened = new AsyncDisposableStack()
  try {
    const started = await openOn(opened, options)
    testApps.add(started)
    return started
  } catch (error) {
    await opened.disposeAsync()
    throw error
  }
}
