import { createClientAddress } from './gate/client-address.ts'
import { cookiePlaceOf } from './gate/credential.ts'
import type { GateDependencies } from './gate/gate.ts'
import { createKnownSecrets } from './gate/known-secrets.ts'
import { type Clock, systemClock } from './ground/clock.ts'
import type { Sources } from './ground/load-settings.ts'
import { productionReasons, type Surroundings } from './ground/production-rules.ts'
import { type Random, systemRandom } from './ground/random.ts'
import type { Secrets } from './ground/secrets.ts'
import { publicUrlOf, type Settings } from './ground/settings.ts'
import { createHookRunner, type HookRunner } from './hooks/runner.ts'
import { openKeyRing } from './keys/signing-keys.ts'
import { createLimiter } from './limits/limiter.ts'
import { noteDeclaredRoles, readRoleTable } from './permissions/declared-roles.ts'
import { createRoleTable, type RoleDeclaration, type RoleTable } from './permissions/roles.ts'
import { readMachine } from './processes/machine.ts'
import { createProcesses, type Processes } from './processes/processes.ts'
import { cutOffKinds } from './revocation/cut-offs.ts'
import { createRevocations } from './revocation/revocations.ts'
import { type Databases, dataFolderOf, isPostgresUrl, openDatabases } from './storage/database.ts'
import { openDatabaseClock } from './storage/database-clock.ts'
import { ensureInstallation } from './storage/installation.ts'
import { engineMigrations, type MigrationSet } from './storage/migrate.ts'
import { openSecrets } from './storage/open-secrets.ts'
import { prepareDatabase } from './storage/prepare-database.ts'
import type { Durability } from './storage/sqlite-dialect.ts'
import type { Database } from './storage/tables.ts'
import { createAccessTokens } from './tokens/access-token.ts'
import { version } from './upkeep/manifest.ts'
import { createPasswordHasher, type PasswordHasher } from './users/password-hasher.ts'
import { listRoles } from './users/users.ts'

/** Everything that operations ask for, built once. */
export type Engine = Omit<GateDependencies, 'things'> & {
  readonly settings: Settings
  readonly publicUrl: string
  readonly random: Random
  readonly secrets: Secrets
  readonly hasher: PasswordHasher
  readonly hooks: HookRunner
  readonly processes: Processes
  /** Connections that requests can't use up (`openDatabases`). */
  readonly watch: Database
  /** What a start should say of the database. */
  readonly warnings: readonly string[]
  readonly close: () => Promise<void>
}

export type ComposeOptions = {
  readonly settings: Settings
  /** Where each setting comes from; without a word, every one was chosen. */
  readonly sources?: Partial<Sources>
  /** What takes its place in the register of processes; a server without a word. */
  readonly kind?: 'server' | 'command'
  /** The port really listened on, where the setting is 0. */
  readonly port?: number
  /** Tables of the application, beside the engine's. */
  readonly migrations?: readonly MigrationSet[]
  /**
   * The own permissions and roles of the application behind the gate. Without a word: a process that knows
   * no application, and knows the roles that the last start declared by their names only.
   */
  readonly declaration?: RoleDeclaration
  /** Else the machine's on SQLite, the database's on PostgreSQL: the same for all processes on it. */
  readonly clock?: Clock
  readonly random?: Random
  readonly durability?: Durability
}

/** The folder that holds the database, and what is made on a first start. */
export const dataFolder = ({ databaseUrl }: Pick<Settings, 'databaseUrl'>): string =>
  dataFolderOf(databaseUrl)

/** The roles of this process, which other processes can then give by name. */
const openRoleTable = async (db: Database, declared: RoleTable | undefined): Promise<RoleTable> => {
  if (declared === undefined) return readRoleTable(db)
  await noteDeclaredRoles(db, declared)
  return declared
}

/** Opens the database, brings it up to date and builds the engine on it. The only place that builds things. */
export const compose = async (options: ComposeOptions): Promise<Engine> => {
  const { settings, durability = 'full' } = options
  const databases = openDatabases(settings, durability)
  const opened = new AsyncDisposableStack()
  opened.defer(databases.close)
  try {
    return await build(databases, options, opened)
  } catch (error) {
    await opened.disposeAsync()
    throw error
  }
}

const openClock = async (watch: Database, { settings, clock }: ComposeOptions) => {
  if (clock !== undefined || !isPostgresUrl(settings.databaseUrl))
    return { clock: clock ?? systemClock, stop: () => {} }
  const opened = await openDatabaseClock(watch, systemClock)
  return { clock: opened, stop: opened.stop }
}

/** What a server forgets is a warning on one machine only: that a second one is there, only the register tells. */
const refuseForgetful = (
  { otherMachine }: Surroundings,
  { settings, durability = 'full' }: ComposeOptions,
  warnings: readonly string[],
): void => {
  const isNew = otherMachine !== undefined && productionReasons(settings).length === 0
  if (isNew && durability === 'full' && warnings.length > 0)
    throw new Error(productionReasons(settings, { otherMachine }).concat(warnings).join(': '))
}

/** What was opened so far, to be closed in the opposite order. */
type Opened = Pick<AsyncDisposableStack, 'defer' | 'disposeAsync'>

const build = async ({ db, watch }: Databases, options: ComposeOptions, opened: Opened): Promise<Engine> => {
  const { settings, port = settings.port, migrations = [], random = systemRandom } = options
  const { sources = {}, kind = 'server' } = options
  const declared = options.declaration && createRoleTable(options.declaration)
  const warnings = await prepareDatabase(db, { ...options, migrations: [engineMigrations, ...migrations] })
  const { clock, stop: stopClock } = await openClock(watch, options)
  opened.defer(async () => stopClock())
  const folder = dataFolder(settings)
  const secrets = await openSecrets({ db, configured: settings.gatewrightSecret, folder, random })
  await ensureInstallation({ db, secrets, clock, random })
  const processes = createProcesses(
    { db, watch, clock, random, secrets, settings, sources },
    { kind, version, feedKinds: cutOffKinds, machine: readMachine() },
  )
  await processes.start()
  opened.defer(processes.leave)
  refuseForgetful(processes.surroundings(), options, warnings)
  const roleTable = await openRoleTable(db, declared)

  const publicUrl = publicUrlOf(settings, port)
  const keyRing = await openKeyRing({ db, secrets, processes, clock, random })
  const audience = settings.tokenAudience ?? publicUrl
  const accessTokens = createAccessTokens({ issuer: publicUrl, audience, keyRing, clock, random })
  const revocations = createRevocations({
    db: watch,
    clock,
    maxAge: settings.revocationMaxAge,
    readRoles: userId => listRoles(db, userId),
  })
  await revocations.start()
  opened.defer(async () => revocations.stop())
  const hooks = createHookRunner({ db, clock, random })
  opened.defer(hooks.stop)
  return {
    settings,
    publicUrl,
    db,
    watch,
    clock,
    random,
    secrets,
    processes,
    accessTokens,
    revocations,
    hooks,
    roleTable,
    hasher: createPasswordHasher({ random }),
    limiter: createLimiter({ clock, random, scale: settings.limitsScale, enabled: settings.limits === 'on' }),
    findAddress: createClientAddress(settings.trustedProxies),
    places: {
      token: { header: settings.tokenHeader.toLowerCase(), scheme: settings.tokenScheme.toLowerCase() },
      apiKey: { header: 'x-api-key' },
      cookie: cookiePlaceOf(publicUrl),
    },
    origins: { own: publicUrl, listed: new Set(settings.corsOrigins) },
    knownSecrets: createKnownSecrets(),
    warnings,
    close: () => opened.disposeAsync(),
  }
}
