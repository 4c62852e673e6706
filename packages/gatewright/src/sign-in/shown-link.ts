import { type Origin, recordEvent } from '../audit/record.ts'
import { type CodeDependencies, consumeCode } from '../codes/codes.ts'
import type { Purpose } from '../codes/purposes.ts'
import { Refusal } from '../ground/refusal.ts'
import type { UserRow } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'
import { emailKey } from '../users/users.ts'

/** A link that was followed: its secret, and from where. */
export type ShownLink = { readonly token: string; readonly origin: Origin }

/** What a link of a mail carries. */
export type TakenLink = {
  readonly user: UserRow
  /** The address that the link was made for. */
  readonly email: string
  /** The session that asked for it. */
  readonly session?: string
  readonly madeAt: number
  /** When what it is about began. */
  readonly since: number
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

/**
 * Takes a link once, and holds its user from then on.
 * @returns undefined for one that was used, has expired, ended or is for something else
 */
export const takeLink = async (
  dependencies: Pick<CodeDependencies, 'clock'>,
  work: Work,
  purpose: Purpose,
  { token }: ShownLink,
): Promise<TakenLink | undefined> => {
  const code = await consumeCode(dependencies, work, { purpose, secret: token })
  const email = textOf(code?.data.email)
  if (code?.user === undefined || email === undefined) return undefined
  const session = textOf(code.data.session)
  const { created_at: madeAt, data } = code
  const since = typeof data.since === 'number' ? data.since : madeAt + 1
  return { user: code.user, email, madeAt, since, ...(session !== undefined && { session }) }
}

/** Ends the user's open links of this purpose that went to the address as it is now. The user is held. */
export const endLinksTo = async (
  { db }: Work,
  purpose: Purpose,
  { id: userId, email_key }: Pick<UserRow, 'id' | 'email_key'>,
): Promise<void> => {
  const open = await db
    .selectFrom('codes')
    .select(['id', 'data'])
    .where('user_id', '=', userId)
    .where('purpose', '=', purpose)
    .execute()
  const ids = open.flatMap(({ id, data }) => (emailKey(JSON.parse(data).email) === email_key ? [id] : []))
  if (ids.length > 0) await db.deleteFrom('codes').where('id', 'in', ids).execute()
}

/** Leaves its trace, and is to be returned by the transaction: nobody is told why. */
export const refuseLink = async (
  dependencies: Pick<CodeDependencies, 'clock'>,
  work: Work,
  purpose: Purpose,
  { origin, user }: { readonly origin: Origin; readonly user?: Pick<UserRow, 'id'> },
): Promise<Refusal> => {
  const whose = user === undefined ? {} : { userId: user.id }
  await recordEvent(dependencies, work, 'link.refused', { origin, reason: purpose, ...whose })
  return new Refusal('invalid_link', { hasEvent: true, reason: `link_${purpose}` })
}
