import { globSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { run } from 'node:test'
import { bundleFiles, writeBundles } from './bundles.ts'
import { createFileHolds } from './file-holds.ts'
import { top } from './markdown.ts'

export type Database = 'sqlite' | 'postgres'

/** Which files a run on each database has, and how many of them at once: most wait more than they compute. */
export const runs: Readonly<
  Record<Database, { readonly patterns: readonly string[]; readonly concurrency: number }>
> = {
  sqlite: {
    patterns: ['packages/**/*.test.ts', 'apps/**/*.test.ts', 'test/**/*.test.ts', 'tools/**/*.test.ts'],
    concurrency: 6,
  },
  postgres: {
    patterns: [
      'packages/gatewright/src/{administration,api-keys,audit,codes,consequences,factors,hooks,http,idempotency,keys,mail,passkeys,processes,revocation,sessions,sign-in,storage,users}/**/*.test.ts',
      'apps/**/*.test.ts',
      'test/{access,administration,api-keys,attacks,backups,blog,factors,hooks,housekeeping,limits,mail,models,passkeys,processes,registration,security,sessions,testing}/**/*.test.ts',
      'test/issuers/{blocked,linked,uses}.test.ts',
      'test/{no-query,route-matrix,user-fields}.test.ts',
    ],
    concurrency: 3,
  },
}

/** They start first, so that none of them is left to run alone at the end. Nothing else hangs on this list. */
export const longest: readonly string[] = [
  'test/pack/adopt.test.ts',
  'test/process/secret-rotation.test.ts',
  'test/postgres/away.test.ts',
  'test/process/secret-stopped.test.ts',
  'test/postgres/held-connections.test.ts',
  'test/cluster/cluster.test.ts',
  'test/deploy/certbot.test.ts',
  'test/deploy/nginx-tls.test.ts',
  'test/deploy/deploy.test.ts',
  'test/deploy/caddy.test.ts',
  'test/backups/runbooks.test.ts',
  'test/models/refresh.test.ts',
  'test/models/sessions.test.ts',
  'test/route-matrix.test.ts',
  'test/console/views.test.ts',
  'test/attacks/injection.test.ts',
  'test/reference/examples.test.ts',
  'test/reference/reader.test.ts',
  'test/workers/lives.test.ts',
  'test/console/email.test.ts',
  'test/processes/histories.test.ts',
  'test/console/security.test.ts',
  'test/process/lost-database.test.ts',
  'test/proofs/crash-postgres.test.ts',
  'packages/gatewright/src/cli/main.test.ts',
  'test/attacks/hashing-queue.test.ts',
  'test/sessions/consequences.test.ts',
  'test/pack/verifier.test.ts',
  'test/process/failing-run.test.ts',
  'test/console/fields.test.ts',
  'test/console/second-step.test.ts',
  'test/process/secret-commands.test.ts',
  'test/cookie-matrix.test.ts',
  'packages/gatewright/src/administration/users.test.ts',
  'packages/gatewright/src/sign-in/events-in-between.test.ts',
  'test/housekeeping/four-hundred-days.test.ts',
  'test/proofs/restarts-postgres.test.ts',
  'test/proofs/kill-sqlite.test.ts',
  'test/process/start.test.ts',
  'test/process/log.test.ts',
  'test/postgres/going-back.test.ts',
  'test/attacks/body-form.test.ts',
  'test/proofs/kill-postgres.test.ts',
  'test/console/sign-in.test.ts',
  'test/console/account.test.ts',
  'test/process/full-disk.test.ts',
  'test/deploy/nginx-failures.test.ts',
]

/**
 * They ask for a database only through the harness: what they show is decided by the form of a request or by its
 * connection, by a signature or by a password's own rules, before any database is asked for what the request is
 * about; or in the browser. Those run on SQLite alone.
 */
export const sameOnEach: readonly string[] = [
  'packages/gatewright/src/http/routes/console.test.ts',
  'test/attacks/access-token.test.ts',
  'test/attacks/body-form.test.ts',
  'test/attacks/client-address-nginx.test.ts',
  'test/attacks/client-address.test.ts',
  'test/attacks/credential-places.test.ts',
  'test/attacks/hashing-queue.test.ts',
  'test/attacks/raw-requests.test.ts',
  'test/attacks/trace-context.test.ts',
  'test/deploy/caddy.test.ts',
  'test/deploy/server-tls.test.ts',
  'test/backups/runbooks.test.ts',
  'test/hooks/documents.test.ts',
  'test/passkeys/browser.test.ts',
  'test/security/documents.test.ts',
  'test/security/new-passwords.test.ts',
  'test/security/passwords.test.ts',
  'test/security/schemas.test.ts',
  'test/security/served-files.test.ts',
]

const placeOf = (file: string): number => (longest.includes(file) ? longest.indexOf(file) : longest.length)

/** The files of a run, in the order in which they start. What does the same on each database is run on one. */
export const listFiles = (database: Database): readonly string[] => {
  const found = globSync(runs[database].patterns, { cwd: top, exclude: ['**/node_modules'] })
  // By this word a file is told which database it is run on. One that never asks does the very same on each.
  const asksDatabase = createFileHolds(/\bTEST_DATABASE\b/)
  const differs = (file: string): boolean => !sameOnEach.includes(file) && asksDatabase(join(top, file))
  const files = database === 'sqlite' ? found : found.filter(differs)
  return files.sort().toSorted((one, other) => placeOf(one) - placeOf(other))
}

export const isDatabase = (word: string | undefined): word is Database =>
  word === 'sqlite' || word === 'postgres'

/** What was compiled once is found by every process that a test starts. */
const compiled = join(top, 'node_modules/.cache/compiled')

/** The files that one run starts: those that take long alone and first, of the rest as many together as can be. */
export const arrangeFiles = (database: Database) => {
  const { long = [], short = [] } = Object.groupBy(listFiles(database), file =>
    longest.includes(file) ? 'long' : 'short',
  )
  return { long, ...bundleFiles(short) }
}

/** Runs every file on a database, or those named, each in a process of its own; the stream of what happens. */
export const startRun = (database: Database, named: readonly string[]) => {
  const { long, bundles, alone } =
    named.length > 0 ? { long: named, bundles: [], alone: [] } : arrangeFiles(database)
  const written = writeBundles(bundles)
  const stream = run({
    files: [...long, ...written.files, ...alone].map(file => resolve(top, file)),
    cwd: top,
    concurrency: runs[database].concurrency,
    timeout: 600_000,
    execArgv: ['--import', join(import.meta.dirname, 'untracked-promises.ts')],
    env: { ...process.env, NODE_COMPILE_CACHE: compiled, TEST_DATABASE: database },
  })
  stream.once('close', written.remove)
  return stream
}
