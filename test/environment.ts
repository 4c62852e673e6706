/** What a test run is told from outside. */
export const testsDatabase = {
  /** `TEST_DATABASE`: the database that tests through the harness run on. */
  kind: process.env.TEST_DATABASE === 'postgres' ? 'postgres' : 'sqlite',
  /** `TEST_POSTGRES`: the address of the run's PostgreSQL server, where one has been started for all files. */
  server: process.env.TEST_POSTGRES,
  /** `TEST_MIGRATED_SQLITE`, `TEST_MIGRATED_POSTGRES`: what test/migrated.ts has made on each, if anything. */
  migrated: { sqlite: process.env.TEST_MIGRATED_SQLITE, postgres: process.env.TEST_MIGRATED_POSTGRES },
} as const
