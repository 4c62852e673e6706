/** What a test run is told from outside. */
export const testsDatabase = {
  /** `TEST_DATABASE`: the database that tests through the harness run on. */
  kind: process.env.TEST_DATABASE === 'postgres' ? 'postgres' : 'sqlite',
  /** `TEST_POSTGRES`: the address of the run's PostgreSQL server, where one has been started for all files. */
  server: process.env.TEST_POSTGRES,
} as const
