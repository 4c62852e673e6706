import { setTimeout as delay } from 'node:timers/promises'
import { revokeKey } from '../../packages/gatewright/src/administration/signing-keys.ts'
import { commandLineOrigin } from '../../packages/gatewright/src/audit/record.ts'
import { newId, systemRandom } from '../../packages/gatewright/src/ground/random.ts'
import { createSecrets } from '../../packages/gatewright/src/ground/secrets.ts'
import { defaultSettings, type Settings } from '../../packages/gatewright/src/ground/settings.ts'
import { openKeyRing } from '../../packages/gatewright/src/keys/key-ring.ts'
import { readMachine } from '../../packages/gatewright/src/processes/machine.ts'
import { createProcesses } from '../../packages/gatewright/src/processes/processes.ts'
import { cutOffKinds } from '../../packages/gatewright/src/revocation/cut-offs.ts'
import { createRevocations } from '../../packages/gatewright/src/revocation/revocations.ts'
import { openDatabases } from '../../packages/gatewright/src/storage/database.ts'
import { ensureInstallation } from '../../packages/gatewright/src/storage/installation.ts'
import { engineMigrations, migrate } from '../../packages/gatewright/src/storage/migrate.ts'
import type { Database } from '../../packages/gatewright/src/storage/tables.ts'
import { createAccessTokens } from '../../packages/gatewright/src/tokens/access-token.ts'

/** What a process of the proof is started with. */
export type Start = {
  readonly overrides: Partial<Settings>
  readonly secret: string
  readonly now: number
}

/** Just before that query of the process is sent, or just after it was answered. */
export type Death = { readonly query: number; readonly when: 'before' | 'after' }

/** What it is asked, one thing at a time. */
export type Ask = { readonly now: number; readonly death?: Death } & (
  | { readonly what: 'turn' }
  | { readonly what: 'sign' }
  | { readonly what: 'verify'; readonly tokens: readonly string[] }
  | { readonly what: 'list' }
  | { readonly what: 'rows' }
  | { readonly what: 'revoke'; readonly kid: string }
)

/** What the rows say. */
export type Stored = {
  /** How many keys are in each state. */
  readonly states: Readonly<Record<string, number>>
  readonly active: string
  /** When that began to sign. */
  readonly since: number
  /** How often a key began to sign, by the audit log. */
  readonly activations: number
  readonly madeTwice: number
  /** Rows of keys that no event tells of. */
  readonly unknown: number
  readonly keptPrivate: number
}

/** As long as a request waits for the feed at most. */
const longestWait = 500

let now = 0
let death: Death | undefined
let queries = 0

/** Nothing of the process goes on behind this. */
const dieAt = (when: Death['when'], query: number): void => {
  if (death?.when === when && death.query === query) process.kill(process.pid, 'SIGKILL')
}

/** The database of a process that dies when it is told to. */
const mortal = (db: Database): Database =>
  db.withPlugin({
    transformQuery: ({ node }) => {
      queries += 1
      dieAt('before', queries)
      return node
    },
    transformResult: async ({ result }) => {
      dieAt('after', queries)
      return result
    },
  })

const clock = {
  now: () => now,
  monotonic: () => now,
  behind: () => 0,
  // The time of the proof stands still; only where a server's answer is waited for, it takes some.
  sleep: (milliseconds: number) =>
    delay(milliseconds < longestWait ? 0 : milliseconds, undefined, { ref: false }),
}

const open = async ({ overrides, secret }: Start) => {
  const settings = defaultSettings({ nodeEnv: 'test', ...overrides })
  const databases = openDatabases(settings, 'off')
  const [db, watch] = [mortal(databases.db), mortal(databases.watch)]
  const secrets = createSecrets([secret], systemRandom)
  const made = { db, watch, secrets, clock, random: systemRandom, settings, sources: {} }
  await migrate(databases.db, engineMigrations)
  await ensureInstallation(made)
  // It takes its place with its first turn, and has no beats: nothing is done that was not asked for.
  const self = { kind: 'server', version: '1', feedKinds: cutOffKinds, machine: readMachine() } as const
  const parts = { ...made, processes: createProcesses(made, self) }
  const keyRing = await openKeyRing(parts)
  const names = { issuer: 'http://localhost', audience: 'http://localhost' }
  const accessTokens = createAccessTokens({ ...parts, ...names, keyRing })
  const revocations = createRevocations({
    db: databases.db,
    watch: databases.watch,
    clock,
    maxAge: settings.revocationMaxAge,
    readRoles: async () => [],
    onKeyRevoked: keyRing.drop,
  })
  await revocations.start()
  return { ...parts, keyRing, accessTokens, revocations }
}

type Engine = Awaited<ReturnType<typeof open>>

const sign = async ({ accessTokens, settings }: Engine): Promise<string> =>
  (await accessTokens.getSign())({
    userId: 'u',
    sessionId: newId(systemRandom),
    userVersion: 1,
    // As the transaction of a session promises it, before the key is chosen.
    expiresAt: now + settings.accessTokenTtl,
    authTime: now,
    amr: ['pwd'],
    roles: [],
  })

/** As the gate does it; `good`, or why not. */
const verify = async ({ accessTokens, revocations }: Engine, text: string): Promise<string> => {
  try {
    const token = await accessTokens.verify(text)
    await revocations.ensureFresh()
    return revocations.isEnded(token) ? 'ended' : 'good'
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error)
  }
}

/** What the database holds of the ring. */
const readRows = async ({ db }: Engine): Promise<Stored> => {
  const rows = await db.selectFrom('signing_keys').selectAll().execute()
  const events = await db.selectFrom('audit_events').select(['event', 'details']).execute()
  const kidsOf = (name: string): readonly string[] =>
    events.filter(({ event }) => event === name).map(({ details }) => JSON.parse(details).kid)
  const made = kidsOf('signing-key.made')
  const active = rows.find(({ state }) => state === 'active')
  const states = Object.groupBy(rows, ({ state }) => state)
  return {
    states: Object.fromEntries(Object.entries(states).map(([state, all]) => [state, all?.length ?? 0])),
    active: active?.kid ?? '',
    since: active?.activated_at ?? 0,
    activations: kidsOf('signing-key.activated').length,
    madeTwice: made.length - new Set(made).size,
    unknown: rows.filter(({ kid }) => !made.includes(kid)).length,
    keptPrivate: rows.filter(({ state, private_key }) => state === 'gone' && private_key !== '').length,
  }
}

const answer = async (engine: Engine, ask: Ask): Promise<unknown> => {
  if (ask.what === 'turn') return engine.keyRing.turn()
  if (ask.what === 'sign') return sign(engine)
  if (ask.what === 'verify') return Promise.all(ask.tokens.map(text => verify(engine, text)))
  if (ask.what === 'list') return engine.keyRing.listPublic().map(({ kid }) => kid)
  if (ask.what === 'rows') return readRows(engine)
  return revokeKey(engine, { kid: ask.kid, origin: commandLineOrigin })
}

const start = JSON.parse(process.argv[2] ?? '') as Start
now = start.now
const engine = await open(start)
process.on('message', async (ask: Ask) => {
  now = ask.now
  death = ask.death
  queries = 0
  const reply = await answer(engine, ask).then(
    value => ({ value: value ?? null }),
    error => ({ error: String(error) }),
  )
  process.send?.(reply)
})
process.on('disconnect', () => process.exit(0))
process.send?.({ value: 'ready' })
