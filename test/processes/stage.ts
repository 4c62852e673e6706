import type { Settings } from 'gatewright/settings'
import { defaultSettings } from 'gatewright/settings'
import { inTransaction, type Work } from 'gatewright/transaction'
import { newId, systemRandom } from '../../packages/gatewright/src/ground/random.ts'
import { createSecrets, type Secrets } from '../../packages/gatewright/src/ground/secrets.ts'
import { beatInterval } from '../../packages/gatewright/src/processes/live-process.ts'
import {
  createProcesses,
  type Processes,
  type Self,
} from '../../packages/gatewright/src/processes/processes.ts'
import { cutOffKinds } from '../../packages/gatewright/src/revocation/cut-offs.ts'
import { openDatabase } from '../../packages/gatewright/src/storage/database.ts'
import { ensureInstallation } from '../../packages/gatewright/src/storage/installation.ts'
import { engineMigrations, migrate } from '../../packages/gatewright/src/storage/migrate.ts'
import type { Database, NewSessionRow } from '../../packages/gatewright/src/storage/tables.ts'
import type { FakeClock } from '../../packages/gatewright/src/testing/fake-clock.ts'
import { newTestDatabase } from '../database.ts'
import { createFakeClock } from '../harness.ts'

/** Thirty-two bytes, the same for the same number. */
export const secretText = (number: number): string => Buffer.alloc(32, number).toString('base64url')
export const secretId = (number: number): string => createSecrets([secretText(number)], systemRandom).newestId

export type Node = {
  readonly processes: Processes
  readonly secrets: Secrets
  /** Numbers of its secrets, newest first. */
  readonly list: readonly number[]
}

export type Stage = {
  readonly url: string
  readonly db: Database
  readonly clock: FakeClock
  /** A process with these secrets that has not started. */
  readonly newNode: (list: readonly number[], self?: Partial<Self>, settings?: Partial<Settings>) => Node
  readonly startNode: (...node: Parameters<Stage['newNode']>) => Promise<Node>
  /** Makes what rests on a secret for weeks: a session. Gives the number of the secret. */
  readonly makeSession: (node: Node, work?: Work) => Promise<string>
  readonly insertSession: (db: Database, secretId: string) => Promise<string>
  /** Lets time pass, while these beat. */
  readonly pass: (milliseconds: number, ...beating: readonly Node[]) => Promise<void>
  readonly inForce: () => Promise<string>
  readonly close: () => Promise<void>
}

const firstSecret = 1

const toSession = (secretId: string, now: number): NewSessionRow => ({
  id: newId(systemRandom),
  user_id: 'u',
  user_version: 1,
  generation: 1,
  generation_since: now,
  refresh_key: '',
  secret_id: secretId,
  former_secret_id: null,
  secret_hash: null,
  amr: 'pwd',
  auth_time: now,
  device: '',
  address: '',
  created_at: now,
  last_used_at: now,
  expires_at: now + 30 * 86_400_000,
  token_expires_at: now,
  ended_at: null,
  end_reason: null,
  replaced_by: null,
})

/** A database of the first secret with one user on it, and processes that beat when they are told to. */
export const openStage = async (): Promise<Stage> => {
  const database = await newTestDatabase()
  const db = openDatabase(database.url, { durability: 'off' })
  const clock = createFakeClock()
  const parts = { db, clock, random: systemRandom }
  await migrate(db, engineMigrations)
  await ensureInstallation({ ...parts, secrets: createSecrets([secretText(firstSecret)], systemRandom) })
  const user = { id: 'u', username: 'u', username_key: 'u', version: 1, created_at: 0 }
  const nobody = { email: null, email_key: null, email_verified_at: null, password_hash: null }
  await db
    .insertInto('users')
    .values({ ...user, ...nobody, disabled_at: null })
    .execute()

  const newNode: Stage['newNode'] = (list, self = {}, overrides = {}) => {
    const secrets = createSecrets(list.map(secretText), systemRandom)
    const settings = defaultSettings({ databaseUrl: database.url, ...overrides })
    const processes = createProcesses(
      { ...parts, watch: db, secrets, settings, sources: {} },
      {
        kind: 'server',
        version: '1.0.0',
        feedKinds: cutOffKinds,
        machine: { id: 'this', host: 'here' },
        ...self,
      },
    )
    return { processes, secrets, list }
  }
  const insertSession = async (on: Database, secret: string): Promise<string> => {
    await on.insertInto('sessions').values(toSession(secret, clock.now())).execute()
    return secret
  }
  return {
    url: database.url,
    db,
    clock,
    newNode,
    startNode: async (...node) => {
      const started = newNode(...node)
      await started.processes.start()
      return started
    },
    insertSession,
    makeSession: ({ processes }) =>
      inTransaction(db, async work => insertSession(work.db, await processes.secretInForce(work))),
    pass: async (milliseconds, ...beating) => {
      for (let left = milliseconds; left > 0; left -= beatInterval) {
        clock.advance(Math.min(left, beatInterval))
        for (const { processes } of beating) await processes.beat()
      }
    },
    inForce: async () =>
      (await db.selectFrom('installation').select('secret_id').executeTakeFirstOrThrow()).secret_id,
    close: async () => {
      await db.destroy()
      await database.drop()
    },
  }
}
