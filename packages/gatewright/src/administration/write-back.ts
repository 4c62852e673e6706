import { endApiKeys } from '../api-keys/api-keys.ts'
import { recordEvent, systemOrigin } from '../audit/record.ts'
import type { HookDependencies } from '../hooks/emit.ts'
import type { RingDependencies } from '../keys/turn-ring.ts'
import type { KnownCutOff } from '../revocation/cut-off-set.ts'
import { insertCutOffs } from '../revocation/cut-offs.ts'
import type { Revocations } from '../revocation/revocations.ts'
import { forgetDevices } from '../sessions/known-devices.ts'
import { endSessions } from '../sessions/sessions.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import { lockUser } from '../users/users.ts'
import { revokeKey } from './signing-keys.ts'

type Dependencies = RingDependencies & HookDependencies & { readonly revocations: Revocations }

/** So many rows one statement writes, or asks for. */
const batchSize = 100

const inBatches = function* <T>(all: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += batchSize) yield all.slice(at, at + batchSize)
}

/** As they were: for as long as any token that they name may live. */
const insertAgain = async (
  dependencies: Dependencies,
  work: Work,
  cutOffs: readonly KnownCutOff[],
): Promise<void> => {
  const created_at = dependencies.clock.now()
  await insertCutOffs(
    dependencies,
    work,
    cutOffs.map(cutOff => ({ ...cutOff, created_at })),
  )
  await recordEvent(dependencies, work, 'cut-offs.written-back', {
    origin: systemOrigin,
    details: { count: cutOffs.length },
  })
}

const subjectsOf = (cutOffs: readonly KnownCutOff[], kind: string): readonly string[] =>
  cutOffs.filter(cutOff => cutOff.kind === kind).map(({ subject }) => subject)

const endOne = async (dependencies: Dependencies, work: Work, userId: string, only: string) =>
  endSessions(dependencies, work, { userId, only }, { reason: 'cut_off_written_back', origin: systemOrigin })

/** Their rows may be live again, and would then be refreshed once the cut-off no longer matters. */
const endAgain = async (dependencies: Dependencies, ids: readonly string[]): Promise<void> => {
  if (ids.length === 0) return
  const live = await dependencies.db
    .selectFrom('sessions')
    .select(['id', 'user_id'])
    .where('id', 'in', ids)
    .where('ended_at', 'is', null)
    .execute()
  for (const { id: sessionId, user_id: userId } of live)
    await inTransaction(dependencies.db, async work => {
      await lockUser(work, userId)
      await endOne(dependencies, work, userId, sessionId)
    })
}

/** Their rows may be live again, and would be read again once the cut-off no longer matters. */
const endKeysAgain = async (dependencies: Dependencies, ids: readonly string[]): Promise<void> => {
  if (ids.length === 0) return
  const live = await dependencies.db
    .selectFrom('api_keys')
    .select(['id', 'user_id'])
    .where('id', 'in', ids)
    .where('ended_at', 'is', null)
    .execute()
  for (const { id, user_id: userId } of live)
    await inTransaction(dependencies.db, async work => {
      await lockUser(work, userId)
      const why = { reason: 'cut_off_written_back', origin: systemOrigin } as const
      await endApiKeys(dependencies, work, { userId, only: [id] }, why)
    })
}

/** The version stays where the event had raised it: what is born from now on must not count as ended. */
const raiseVersionTo = async (work: Work, userId: string, version: number): Promise<void> => {
  work.beforeLock('user')
  await work.db
    .updateTable('users')
    .set({ version })
    .where('id', '=', userId)
    .where('version', '<', version)
    .execute()
}

const endUserAgain = (dependencies: Dependencies, { subject: userId, version }: KnownCutOff): Promise<void> =>
  inTransaction(dependencies.db, async work => {
    await lockUser(work, userId)
    if (version === null) return
    await raiseVersionTo(work, userId, version)
    const older = await work.db
      .selectFrom('sessions')
      .select('id')
      .where('user_id', '=', userId)
      .where('user_version', '<', version)
      .where('ended_at', 'is', null)
      .execute()
    for (const { id } of older) await endOne(dependencies, work, userId, id)
    await forgetDevices(work, userId)
  })

/** One that the database has live again would sign what everybody refuses. */
const revokeAgain = async (dependencies: Dependencies, kid: string): Promise<void> => {
  const row = await dependencies.db
    .selectFrom('signing_keys')
    .select('kid')
    .where('kid', '=', kid)
    .where('state', '!=', 'gone')
    .executeTakeFirst()
  if (row === undefined) return
  await revokeKey(dependencies, { kid, origin: systemOrigin })
}

/**
 * Makes hold in a database that went back, or is another one, what it lacks of the cut-offs that this process
 * knows: they stand in its feed again, with the same time until which they matter, and the sessions, versions
 * and signing keys that they name are as the events had left them. What each event did beside that (a role, a
 * password, a disabled user) is not known here.
 */
export const writeBackCutOffs = async (
  dependencies: Dependencies,
  lacking: readonly KnownCutOff[],
): Promise<void> => {
  for (const batch of inBatches(lacking)) {
    await inTransaction(dependencies.db, work => insertAgain(dependencies, work, batch))
    await endAgain(dependencies, subjectsOf(batch, 'session'))
    await endKeysAgain(dependencies, subjectsOf(batch, 'api-key'))
  }
  for (const cutOff of lacking.filter(({ kind }) => kind === 'user')) await endUserAgain(dependencies, cutOff)
  for (const kid of subjectsOf(lacking, 'signing-key')) await revokeAgain(dependencies, kid)
}
