import type { Origin } from '../audit/record.ts'
import { day } from '../ground/clock.ts'
import { tellOwner } from '../mail/notices.ts'
import { isAdministrative, type RoleTable } from '../permissions/roles.ts'
import type { SessionRow, UserRow } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'
import { countFailures, forgetFailureAt, type WatchDependencies } from './failed-sign-in.ts'
import { rememberNetwork } from './networks.ts'
import { isNewDevice } from './new-device.ts'
import type { PatternName } from './patterns.ts'
import { raise, type Seen } from './raise.ts'

/** A session that has just begun. */
export type Begun = {
  readonly user: UserRow
  readonly roles: readonly string[]
  readonly session: Pick<SessionRow, 'id' | 'device' | 'address'>
  readonly origin: Origin
  /** It began in a known browser of the user. */
  readonly isKnown: boolean
  /** By what nobody can guess. */
  readonly isOwner: boolean
  readonly secretId: string
}

type Dependencies = WatchDependencies & { readonly roleTable: Pick<RoleTable, 'administrative'> }

/** What is said of a sign-in, in one mail: of what was raised the first of these. */
const letters = ['success-after-failures', 'administrator-from-new-network', 'new-device'] as const

/** Whoever knows the password could else fill the mailbox. */
const mostADay = 5

const mayBeTold = async (
  { clock }: Dependencies,
  { db }: Work,
  userId: string,
  kind: (typeof letters)[number],
): Promise<boolean> => {
  const told = await db
    .selectFrom('mails')
    .select('id')
    .where('user_id', '=', userId)
    .where('kind', '=', kind)
    .where('created_at', '>', clock.now() - day)
    .limit(mostADay)
    .execute()
  return told.length < mostADay
}

const find = async (
  dependencies: Dependencies,
  work: Work,
  { user, roles, session, isKnown, isOwner }: Begun,
): Promise<readonly (readonly [PatternName, number?])[]> => {
  const isNew = !isKnown && (await isNewDevice(dependencies, work, { user, session }))
  const failures = isKnown || isOwner ? undefined : await countFailures(dependencies, work, user.id)
  const isFromNewNetwork =
    isAdministrative(dependencies.roleTable, roles) &&
    (await rememberNetwork(dependencies, work, { userId: user.id, address: session.address }))
  return [
    ...(isNew ? [['new-device'] as const] : []),
    ...(failures === undefined ? [] : [['success-after-failures', failures] as const]),
    ...(isFromNewNetwork ? [['administrator-from-new-network'] as const] : []),
  ]
}

/**
 * Looks at a session that has begun, in its transaction, which holds the user's row: what is unusual is raised, and
 * its owner told in one mail.
 */
export const noteBegunSession = async (
  dependencies: Dependencies,
  work: Work,
  begun: Begun,
): Promise<void> => {
  const { user, session, origin, isKnown, secretId } = begun
  const userId = user.id
  if (!isKnown) await forgetFailureAt(dependencies, work, { user, origin })
  const found = await find(dependencies, work, begun)
  if (found.length === 0) return
  const seen = found.map(
    ([pattern, count]): Seen => ({
      pattern,
      subject: userId,
      userId,
      sessionId: session.id,
      origin: { ...origin, actor: userId },
      ...(count !== undefined && { count }),
    }),
  )
  const raised = await raise(dependencies, work, seen)
  const notice = letters.find(each => raised.includes(each))
  if (notice === undefined || !(await mayBeTold(dependencies, work, userId, notice))) return
  const values = session.device === '' ? {} : { device: session.device }
  await tellOwner(dependencies, work, { userId, notice, origin, values, secretId })
}
