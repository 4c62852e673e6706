import { type Origin, recordEvent, systemOrigin } from '../audit/record.ts'
import { day } from '../ground/clock.ts'
import { sha256 } from '../ground/encoding.ts'
import { newSecret } from '../ground/random.ts'
import { Refusal } from '../ground/refusal.ts'
import { administratorRole } from '../permissions/roles.ts'
import { lockInstallation } from '../storage/installation.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import { hasHadAdministrator } from '../users/administrators.ts'
import type { User } from '../users/users.ts'
import { toQueueCaller } from './check-password.ts'
import { addUser, prepareUser, type RegisterDependencies, type Registration } from './register.ts'

const lifetime = day

type MadeLink = { readonly state: 'made'; readonly token: string; readonly expiresAt: number }
/** An administrator exists or has existed: there will never be a link again. */
type Closed = { readonly state: 'closed' }

/** The address that a link is shown as. The token stands after `#`, so that no server ever logs it. */
export const toSetupAddress = (base: string, token: string): string => `${base}/console/setup#${token}`

export type SetupLink =
  | MadeLink
  | Closed
  /** One is open: its token was shown when it was made, and is known to nobody now. */
  | { readonly state: 'open already'; readonly expiresAt: number }

type LinkDependencies = Pick<RegisterDependencies, 'db' | 'clock' | 'random'>

const makeLink = async (dependencies: LinkDependencies, work: Work, origin: Origin): Promise<MadeLink> => {
  const token = newSecret(dependencies.random)
  const expiresAt = dependencies.clock.now() + lifetime
  await work.db.deleteFrom('setup_links').execute()
  await work.db
    .insertInto('setup_links')
    .values({ id: 1, token_hash: sha256(token), expires_at: expiresAt })
    .execute()
  await recordEvent(dependencies, work, 'setup-link.made', { origin })
  return { state: 'made', token, expiresAt }
}

/** Makes the set-up link where no administrator has ever existed and none is open. */
export const openSetupLink = (dependencies: LinkDependencies): Promise<SetupLink> =>
  inTransaction(dependencies.db, async (work): Promise<SetupLink> => {
    if (await hasHadAdministrator(work)) return { state: 'closed' }
    const open = await work.db.selectFrom('setup_links').select('expires_at').executeTakeFirst()
    if (open !== undefined && open.expires_at > dependencies.clock.now())
      return { state: 'open already', expiresAt: open.expires_at }
    return makeLink(dependencies, work, systemOrigin)
  })

/** Makes the set-up link where no administrator has ever existed; one that is open opens nothing any more. */
export const replaceSetupLink = (
  dependencies: LinkDependencies,
  origin: Origin,
): Promise<MadeLink | Closed> =>
  inTransaction(
    dependencies.db,
    async (work): Promise<MadeLink | Closed> =>
      (await hasHadAdministrator(work)) ? { state: 'closed' } : makeLink(dependencies, work, origin),
  )

/**
 * Makes the first administrator. The link is looked at before the password is hashed and consumed with
 * the user's insertion, so of two who use it at once one gets `invalid_link`. Who makes or replaces links, or
 * makes another administrator, holds the installation's row first, and so does this.
 */
export const completeSetup = async (
  dependencies: RegisterDependencies,
  { token, ...registration }: Registration & { readonly token: string },
  origin: Origin,
  gone?: AbortSignal,
): Promise<User> => {
  const hash = sha256(token)
  const { db, clock } = dependencies
  const isOpen = await db
    .selectFrom('setup_links')
    .select('id')
    .where('token_hash', '=', hash)
    .where('expires_at', '>', clock.now())
    .executeTakeFirst()
  if (isOpen === undefined) throw new Refusal('invalid_link')
  const prepared = await prepareUser(
    dependencies,
    registration,
    'allow',
    toQueueCaller(origin, { isKnown: true, gone }),
  )
  return inTransaction(db, async work => {
    await lockInstallation(work)
    const { numDeletedRows } = await work.db
      .deleteFrom('setup_links')
      .where('token_hash', '=', hash)
      .where('expires_at', '>', clock.now())
      .executeTakeFirst()
    if (numDeletedRows !== 1n) throw new Refusal('invalid_link')
    return addUser(dependencies, work, prepared, {
      roles: [administratorRole],
      origin,
      secretId: await dependencies.processes.secretInForce(work),
      event: 'administrator.set-up',
    })
  })
}
