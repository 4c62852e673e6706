import { loadSettings } from '../ground/load-settings.ts'
import type { PlannedStep } from '../storage/migration-plan.ts'
import type { Database } from '../storage/tables.ts'
import { defineCommand } from './command.ts'
import { toTable } from './table.ts'

/*
 * They need the addresses of the database and nothing else: no secret, and none of what a server must have, so a job
 * that migrates holds no more than that.
 */

const withDatabase = async <T>(url: string, use: (db: Database) => Promise<T>): Promise<T> => {
  const { openDatabase } = await import('../storage/database.ts')
  const db = openDatabase(url, { pool: 2 })
  try {
    return await use(db)
  } finally {
    await db.destroy()
  }
}

/** As the owner, for the server's role may not know the tables yet. No file is made where there is none. */
const withTables = async <T>(use: (db: Database) => Promise<T>): Promise<T> => {
  const { databaseAdminUrl, databaseUrl } = loadSettings().settings
  const { isPostgresUrl } = await import('../storage/database.ts')
  const { findDatabase } = await import('../storage/find-database.ts')
  if (!isPostgresUrl(databaseUrl)) await findDatabase(databaseUrl)
  return withDatabase(databaseAdminUrl ?? databaseUrl, use)
}

const toSteps = (count: number): string => `${count} step${count === 1 ? '' : 's'}`

export const migrateUp = defineCommand({
  name: 'migrate up',
  summary:
    'Brings the tables up to date, and grants the role of the server what it needs. A start does the same; run before it, servers need no right to change tables.',
  parameters: {},
  options: {},
  example: 'migrate up',
  run: async () => {
    const { engineMigrations, pendingMigrations } = await import('../storage/migrate.ts')
    const { prepareDatabase } = await import('../storage/prepare-database.ts')
    const { settings } = loadSettings()
    const { databaseAdminUrl, databaseUrl } = settings
    const steps = await withDatabase(databaseAdminUrl ?? databaseUrl, db =>
      pendingMigrations(db, engineMigrations),
    )
    const warnings = await withDatabase(databaseUrl, db =>
      prepareDatabase(db, { settings, migrations: [engineMigrations] }),
    )
    const done = steps.length === 0 ? 'Nothing was to be done.' : `Done: ${steps.join(', ')}.`
    return { text: [done, ...warnings].join('\n'), json: { steps, warnings } }
  },
})

export const migrateStatus = defineCommand({
  name: 'migrate status',
  summary:
    'Says whether the tables are those of this version. Changes nothing; the exit code is 1 where they are not.',
  parameters: {},
  options: {},
  example: 'migrate status',
  run: async () => {
    const { engineMigrations, findNewer, pendingMigrations } = await import('../storage/migrate.ts')
    const [pending, newer] = await withTables(
      async db =>
        [await pendingMigrations(db, engineMigrations), await findNewer(db, engineMigrations)] as const,
    )
    const { steps, goesOn } = newer
    const serves = pending.length === 0 && (steps.length === 0 || goesOn)
    return {
      text: describe(pending, newer),
      json: { pending, newer: steps, serves },
      exitCode: serves ? 0 : 1,
    }
  },
})

const describe = (
  pending: readonly string[],
  { steps, goesOn }: { readonly steps: readonly string[]; readonly goesOn: boolean },
): string => {
  if (steps.length > 0)
    return `A newer version has changed the tables (${steps.join(', ')}); this one ${goesOn ? 'goes on with them' : 'does not start on them'}.`
  if (pending.length > 0) return `To come: ${pending.join(', ')}. Write: migrate up`
  return 'The tables are those of this version.'
}

const toRows = ({ name, changes, isWhole }: PlannedStep): readonly (readonly string[])[] => {
  const more = isWhole ? [] : [['', 'and what its rows ask for', '', '']]
  const rows = changes.map(({ table, rows, waits }) => ['', table, String(rows), waits])
  const [first = ['', 'makes what is new', '', 'nobody'], ...others] = [...rows, ...more]
  return [[name, ...first.slice(1)], ...others]
}

const toPlanText = (plan: readonly PlannedStep[]): string => {
  if (plan.length === 0) return 'Nothing is to be done.'
  const last = plan.findLast(({ expands }) => !expands)
  return [
    ...toTable([['STEP', 'TABLE', 'ROWS', 'WHO WAITS'], ...plan.flatMap(toRows)]),
    '',
    `${toSteps(plan.length)}, all in one transaction: who waits, waits to its end. On SQLite whoever writes waits.`,
    last === undefined
      ? 'The version before can be started again on the tables afterwards.'
      : `There is no way back behind ${last.name} but a backup: make one first.`,
  ].join('\n')
}

export const migratePlan = defineCommand({
  name: 'migrate plan',
  summary:
    'Lists the steps to come: which tables each changes, how many rows those have, who waits for it, and whether there is a way back. Runs none.',
  parameters: {},
  options: {},
  example: 'migrate plan',
  run: async () => {
    const { engineMigrations } = await import('../storage/migrate.ts')
    const { planMigrations } = await import('../storage/migration-plan.ts')
    const plan = await withTables(db => planMigrations(db, engineMigrations))
    return {
      text: toPlanText(plan),
      json: {
        steps: plan.map(({ name, expands, changes, isWhole }) => ({
          name,
          expands,
          changes,
          whole: isWhole,
        })),
      },
    }
  },
})
