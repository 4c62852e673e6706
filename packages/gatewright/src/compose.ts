import { join } from 'node:path'
import { createPermissionUses, type PermissionUses } from './access-review/permission-uses.ts'
import { writeBackCutOffs } from './administration/write-back.ts'
import { createKeyUses } from './api-keys/key-uses.ts'
import { createKnownKeys } from './api-keys/known-keys.ts'
import { createForeignUses } from './audit/foreign-uses.ts'
import { createRefusals, type Refusals } from './audit/refusals.ts'
import { checkMappings, createFederation } from './federation/federation.ts'
import { type AddressWatch, createAddressWatch } from './gate/address-watch.ts'
import { createClientAddress } from './gate/client-address.ts'
import { credentialPlacesOf } from './gate/credential.ts'
import type { GateDependencies } from './gate/gate.ts'
import { createKnownSecrets } from './gate/known-secrets.ts'
import { type Clock, systemClock } from './ground/clock.ts'
import { countWorkers } from './ground/count-workers.ts'
import type { Sources } from './ground/load-settings.ts'
import { parseSmtpAddress } from './ground/mail-address.ts'
import { productionReasons, type Surroundings } from './ground/production-rules.ts'
import { type Random, systemRandom } from './ground/random.ts'
import type { Secrets } from './ground/secrets.ts'
import { publicUrlOf, type Settings } from './ground/settings.ts'
import { createHookRunner, type HookRunner } from './hooks/runner.ts'
import { algorithmOf, warningsOf } from './keys/algorithms.ts'
import { type KeyRing, type KeyRingDependencies, openKeyRing } from './keys/key-ring.ts'
import { noteAlgorithm } from './keys/turn-ring.ts'
import { createHashKey } from './limits/hash-key.ts'
import { countLimitHits, type LimitHits } from './limits/limit-hits.ts'
import { createLimiter } from './limits/limiter.ts'
import { type CounterHome, openCounterStore } from './limits/open-counter-store.ts'
import { warnOfLoosened } from './limits/override.ts'
import { createSharedSums } from './limits/shared-sums.ts'
import { createMailer, type Mailer } from './mail/mailer.ts'
import type { Post } from './mail/message.ts'
import { createOutbox } from './mail/outbox.ts'
import { createSmtpTransport } from './mail/smtp.ts'
import type { Transport } from './mail/transport.ts'
import { noteDeclaredRoles, readRoleTable } from './permissions/declared-roles.ts'
import { createLiveRoles, type LiveRoleTable } from './permissions/live-roles.ts'
import { listMadeRoles } from './permissions/made-roles.ts'
import { createRoleTable, type RoleDeclaration, type RoleTable, withMadeRoles } from './permissions/roles.ts'
import { readMachine } from './processes/machine.ts'
import { createProcesses, type Processes } from './processes/processes.ts'
import { cutOffKinds } from './revocation/cut-offs.ts'
import { createPublishedFeed, type PublishedFeed } from './revocation/published-feed.ts'
import { createRevocations, type Revocations } from './revocation/revocations.ts'
import { openWakeLines, type WakeLines } from './revocation/wake-lines.ts'
import { type Anchors, createAnchors } from './sealing/anchors.ts'
import { createSealer, type Sealer } from './sealing/sealer.ts'
import { createSessionEnds, type SessionEnds } from './sessions/session-ends.ts'
import { createSessionUses } from './sessions/session-uses.ts'
import { createMinutes, type Minutes } from './statistics/minutes.ts'
import {
  type Databases,
  databaseFile,
  dataFolderOf,
  isPostgresUrl,
  openDatabases,
} from './storage/database.ts'
import { openDatabaseClock } from './storage/database-clock.ts'
import { checkPlace, checkRestored, checkServer, readPlace } from './storage/identity.ts'
import { ensureInstallation, readEpoch } from './storage/installation.ts'
import { engineMigrations, type MigrationSet } from './storage/migrate.ts'
import { openSecrets } from './storage/open-secrets.ts'
import { createPlaceKeeper, type PlaceKeeper } from './storage/place-keeper.ts'
import { prepareDatabase } from './storage/prepare-database.ts'
import type { Durability } from './storage/sqlite-connection.ts'
import type { Database } from './storage/tables.ts'
import { createAccessTokens } from './tokens/access-token.ts'
import { createHousekeeping, type Housekeeping } from './upkeep/housekeeping.ts'
import { isRoom, readFreeShare } from './upkeep/machine-checks.ts'
import { version } from './upkeep/manifest.ts'
import { type BreachCheck, createBreachCheck } from './users/breach-check.ts'
import { hashingThreads } from './users/hashing-threads.ts'
import { createPasswordHasher, type PasswordHasher } from './users/password-hasher.ts'
import { createPasswordStrength, type PasswordStrength } from './users/password-strength.ts'
import { listRoles } from './users/users.ts'

/** Everything that operations ask for, built once. */
export type Engine = Omit<GateDependencies, 'things'> & {
  readonly settings: Settings
  /** Where each setting comes from; what is not named was given by the program. */
  readonly sources: Partial<Sources>
  readonly publicUrl: string
  readonly random: Random
  readonly secrets: Secrets
  readonly hasher: PasswordHasher
  readonly strength: PasswordStrength
  readonly breaches: BreachCheck
  readonly hooks: HookRunner
  readonly mail: Mailer
  readonly refusals: Refusals
  readonly sessionEnds: SessionEnds
  readonly permissionUses: PermissionUses
  readonly processes: Processes
  readonly keyRing: KeyRing
  /** By which other processes say that there is something to read. */
  readonly lines: WakeLines
  readonly publishedFeed: PublishedFeed
  /** By address group, the sign-ins that are counted as failed until they turn out right. None rejects. */
  readonly signInsUnderWay: Map<string, Set<Promise<unknown>>>
  /** Where limits are counted that all processes share. */
  readonly counters: CounterHome
  /** What each limit refused since the process began. */
  readonly limitHits: () => ReadonlyMap<string, Readonly<LimitHits>>
  /** The share of the database's disk that is free; undefined where it can't be asked, as that of a server. */
  readonly freeShare: () => number | undefined
  readonly housekeeping: Housekeeping
  /** What is counted for `GET /admin/statistics`, written each minute. */
  readonly minutes: Minutes
  /** What hangs audit events on their chain. */
  readonly sealer: Sealer
  /** Where its checkpoints go. */
  readonly anchors: Anchors
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
  /**
   * What takes its place in the register of processes; a server without a word. A command beside the
   * servers decides nothing for them, and follows nothing.
   */
  readonly kind?: 'server' | 'command'
  /** The port really listened on, where the setting is 0. */
  readonly port?: number
  /** The database is taken as it is, whatever was noted of the one before: for who adopts it (`adoptDatabase`). */
  readonly adopts?: true
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
  /** Takes mail in place of what the settings say. */
  readonly transport?: Transport
  readonly durability?: Durability
}

/** The folder that holds the database, and what is made on a first start. */
export const dataFolder = ({ databaseUrl }: Pick<Settings, 'databaseUrl'>): string =>
  dataFolderOf(databaseUrl)

/** Only the disk of a database that is a file can be looked at from here. */
const freeShareOf = ({ databaseUrl }: Settings, folder: string): Engine['freeShare'] =>
  isPostgresUrl(databaseUrl) ? () => undefined : () => readFreeShare(folder)

/**
 * The roles of this process: those of its application, which other processes are told, and those that administrators
 * made.
 */
const openRoleTable = async (
  { db, watch }: Databases,
  declared: RoleTable | undefined,
  clock: Clock,
): Promise<LiveRoleTable> => {
  if (declared !== undefined) await noteDeclaredRoles(db, declared)
  const read = async () =>
    declared === undefined ? readRoleTable(watch) : withMadeRoles(declared, await listMadeRoles(watch))
  return createLiveRoles({ read, clock }, await read())
}

/**
 * Opens the database, brings it up to date and builds the engine on it. The only place that builds things.
 * Where that fails, nothing stays open and nothing goes on.
 */
export const compose = async (options: ComposeOptions): Promise<Engine> => {
  const opened = new AsyncDisposableStack()
  try {
    return await build(opened, options)
  } catch (error) {
    await opened.disposeAsync()
    throw error
  }
}

type Opened = AsyncDisposableStack

const openClock = async (
  opened: Opened,
  databases: Databases,
  { settings, clock }: ComposeOptions,
): Promise<Clock> => {
  if (clock !== undefined || !isPostgresUrl(settings.databaseUrl)) return clock ?? systemClock
  const databaseClock = await openDatabaseClock(databases, systemClock)
  opened.defer(databaseClock.stop)
  return databaseClock
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

/** A server has a say in the next key; a command only makes what there is not. */
const openRing = async (dependencies: KeyRingDependencies, { kind }: ComposeOptions): Promise<KeyRing> => {
  if (kind === 'command') return openKeyRing({ ...dependencies, opensBroken: true })
  await noteAlgorithm(dependencies)
  return openKeyRing(dependencies)
}

const fileOf = ({ databaseUrl }: Settings): string | undefined =>
  isPostgresUrl(databaseUrl) ? undefined : databaseFile(databaseUrl)

/** Notes beside a SQLite file how far its feed has come, the last time when it is closed. */
const openPlaces = (
  opened: Opened,
  { db, file: open }: Databases,
  settings: Settings,
  { monotonic }: Clock,
): PlaceKeeper | undefined => {
  const file = fileOf(settings)
  if (file === undefined) return undefined
  const places = createPlaceKeeper(file, { pair: () => open?.pair() ?? '', monotonic })
  opened.defer(async () => {
    const place = await readPlace(db).catch(() => undefined)
    if (place !== undefined) places.note(place)
    places.flush()
  })
  return places
}

/** What a command was started with says nothing of what the servers were: for it no rotation is ever due. */
const settingsFor = ({ settings, kind }: ComposeOptions): Settings =>
  kind === 'command' ? { ...settings, keyRotation: Number.POSITIVE_INFINITY } : settings

/** Threads that hash, of all workers of this machine together, are as many as those of one server. */
const shareOf = (threads: number, workers: number): number => Math.max(1, Math.floor(threads / workers))

/**
 * Production's rules may begin to hold while this process runs: when a second machine comes to the database. Each
 * request asks this.
 */
const asksAdministratorsBy = (
  settings: Settings,
  { surroundings }: Processes,
): Engine['asksAdministrators'] => {
  const { adminSecondFactor = productionReasons(settings).length > 0 ? 'required' : undefined } = settings
  return () =>
    adminSecondFactor === undefined
      ? surroundings().otherMachine !== undefined
      : adminSecondFactor === 'required'
}

const warnOfOneFactor = (settings: Settings): readonly string[] =>
  settings.adminSecondFactor === 'off' && productionReasons(settings).length > 0
    ? ['ADMIN_SECOND_FACTOR=off lets whoever has the password of an administrator do everything']
    : []

/** On this machine alone, without a proxy, all callers are one and nothing is wrong. */
const openAddressWatch = (clock: Clock, settings: Settings): AddressWatch | undefined =>
  settings.trustedProxies.length > 0 || productionReasons(settings).length > 0
    ? createAddressWatch({ clock }, settings.trustedProxies)
    : undefined

const hostOf = (publicUrl: string): string => new URL(publicUrl).hostname

const postOf = ({ appName, mailFrom }: Settings, publicUrl: string): Post => ({
  appName,
  publicUrl,
  from: mailFrom ?? { name: appName, address: `no-reply@${hostOf(publicUrl)}` },
})

/** Where mail goes: to a server, into a folder, or nowhere. */
const transportOf = ({ settings, transport, clock = systemClock }: ComposeOptions, publicUrl: string) => {
  if (settings.mail === 'off') return undefined
  if (transport !== undefined) return transport
  const address = settings.smtpUrl === undefined ? undefined : parseSmtpAddress(settings.smtpUrl)
  return address === undefined
    ? createOutbox(join(dataFolder(settings), 'outbox'), clock.now)
    : createSmtpTransport(address, hostOf(publicUrl))
}

const build = async (opened: Opened, options: ComposeOptions): Promise<Engine> => {
  const settings = settingsFor(options)
  const { port = settings.port, migrations = [], random = systemRandom } = options
  const { sources = {}, kind = 'server' } = options
  const declared = options.declaration && createRoleTable(options.declaration)
  const databases = openDatabases(settings, options.durability ?? 'full')
  opened.defer(databases.close)
  const { db, watch } = databases
  const warnings = await prepareDatabase(db, { ...options, migrations: [engineMigrations, ...migrations] })
  const clock = await openClock(opened, databases, options)
  const folder = dataFolder(settings)
  const file = fileOf(settings)
  if (file !== undefined && !options.adopts) await checkPlace(db, file)
  const secrets = await openSecrets({ db, configured: settings.gatewrightSecret, folder, random })
  await ensureInstallation({ db, secrets, clock, random })
  if (!options.adopts) await checkRestored(db)
  const found = file !== undefined || options.adopts ? [] : await checkServer(db)
  const places = openPlaces(opened, databases, settings, clock)
  const addressWatch = openAddressWatch(clock, settings)
  const processes = createProcesses(
    { db, watch, clock, random, secrets, settings, sources, findAddressTrouble: addressWatch?.find },
    { kind, version, feedKinds: cutOffKinds, machine: readMachine() },
  )
  await processes.start()
  opened.defer(processes.leave)
  // Closed after all that records until it is closed.
  const closing: { stop?: () => Promise<void> } = {}
  opened.defer(async () => closing.stop?.())
  refuseForgetful(processes.surroundings(), options, warnings)
  const roleTable = await openRoleTable(databases, declared, clock)
  if (kind === 'server') checkMappings(settings.trustedIssuers, roleTable)

  const publicUrl = publicUrlOf(settings, port)
  const keyRing = await openRing({ db, watch, secrets, processes, clock, random, settings }, options)
  const audience = settings.tokenAudience ?? publicUrl
  const accessTokens = createAccessTokens({ issuer: publicUrl, audience, keyRing, clock, random })
  const epoch = await readEpoch(db)
  const lines = openWakeLines({ settings, watch, random, epoch })
  opened.defer(lines.close)
  // A command limits nobody, and waits for no Valkey.
  const valkeyUrl = kind === 'server' ? settings.valkeyUrl : undefined
  const counters = await openCounterStore({ settings: { valkeyUrl }, db, watch, random, epoch })
  opened.defer(async () => counters.close())
  const hashKey = createHashKey(secrets, processes.lastSecretInForce)
  const { otherServers } = processes
  const sums = createSharedSums({ store: counters, clock, hashKey, otherServers })
  opened.defer(sums.stop)
  const hooks = createHookRunner({ db, clock, random })
  opened.defer(hooks.stop)
  const federation = createFederation({ db, clock, issuers: settings.trustedIssuers })
  opened.defer(async () => federation.stop())
  const knownKeys = createKnownKeys({ db, clock })
  const revocations: Revocations = createRevocations({
    ...(kind === 'server' && { wakers: lines.wakers }),
    wakeOthers: lines.wakeOthers,
    db,
    watch,
    clock,
    maxAge: settings.revocationMaxAge,
    readRoles: userId => listRoles(db, userId),
    onKeyRevoked: keyRing.drop,
    onReread: [federation.onReread, { 'reread-user': knownKeys.drop, 'reread-roles': roleTable.reread }],
    random,
    isLost: () => databases.file?.isLost() ?? false,
    ...(databases.breakConnections && { breakConnections: databases.breakConnections }),
    onRead: places?.note,
    writeBack: lacking => {
      const parts = { db, secrets, processes, clock, random, settings, hooks, revocations }
      return writeBackCutOffs(parts, lacking)
    },
  })
  opened.defer(revocations.stop)
  const publishedFeed = createPublishedFeed({
    db,
    clock,
    secrets,
    revocations,
    secretInForce: processes.lastSecretInForce,
  })
  opened.defer(async () => publishedFeed.stop())
  await revocations.start()
  opened.defer(keyRing.stop)
  if (kind === 'server') {
    keyRing.follow()
    federation.start()
  }
  const uses = createSessionUses({ db, clock, settings, roleTable })
  opened.defer(uses.stop)
  const keyUses = createKeyUses({ db, clock })
  opened.defer(keyUses.stop)
  const permissionUses = createPermissionUses({ db, clock })
  opened.defer(permissionUses.stop)
  const foreignUses = createForeignUses({ db, clock })
  opened.defer(foreignUses.stop)
  const freeShare = freeShareOf(settings, folder)
  const refusals = createRefusals({ db, clock, hasRoom: () => isRoom(freeShare()) })
  opened.defer(refusals.stop)
  const limiter = countLimitHits(
    createLimiter(
      {
        clock,
        random,
        scale: settings.limitsScale,
        overrides: settings.limitsOverride,
        enabled: settings.limits === 'on',
        tally: sums.tally,
      },
      { store: counters, clock, hashKey },
    ),
  )
  const mail = createMailer({
    db,
    clock,
    random,
    secrets,
    processes,
    limiter,
    roleTable,
    post: postOf(settings, publicUrl),
    transport: transportOf(options, publicUrl),
  })
  opened.defer(mail.stop)
  const anchors = createAnchors({ db, clock, random, secrets, processes, settings, mail })
  const sealer = createSealer({ db, clock, random, secrets, processes, anchors })
  closing.stop = sealer.stop
  const housekeeping = createHousekeeping({
    db,
    clock,
    random,
    settings,
    roleTable,
    processes,
    revocations,
    uses,
    hooks,
    secrets,
    mail,
    anchors,
  })
  opened.defer(housekeeping.stop)
  const minutes = createMinutes({ db, clock, random })
  opened.defer(minutes.stop)
  const strength = createPasswordStrength()
  opened.defer(strength.stop)
  return {
    settings,
    sources,
    publicUrl,
    db,
    watch,
    clock,
    random,
    secrets,
    processes,
    accessTokens,
    federation,
    revocations,
    lines,
    uses,
    knownKeys,
    keyUses,
    hooks,
    mail,
    asksAdministrators: asksAdministratorsBy(settings, processes),
    refusals,
    freeShare,
    sessionEnds: createSessionEnds({ db }),
    foreignUses,
    permissionUses,
    keyRing,
    publishedFeed,
    housekeeping,
    minutes,
    sealer,
    anchors,
    roleTable,
    hasher: createPasswordHasher({ random, threads: shareOf(hashingThreads(), countWorkers(settings)) }),
    counters,
    limiter,
    limitHits: limiter.hits,
    strength,
    breaches: createBreachCheck(settings),
    findAddress: createClientAddress(settings.trustedProxies),
    addressWatch,
    places: credentialPlacesOf(settings, publicUrl),
    origins: { own: publicUrl, listed: new Set(settings.corsOrigins) },
    knownSecrets: createKnownSecrets(),
    signInsUnderWay: new Map(),
    warnings: [
      ...warnings,
      ...found,
      ...warnOfLoosened(settings),
      ...warnOfOneFactor(settings),
      ...federation.warnings,
      ...lines.warnings,
      ...warningsOf(algorithmOf[settings.tokenAlgorithm]),
    ],
    close: () => opened.disposeAsync(),
  }
}
