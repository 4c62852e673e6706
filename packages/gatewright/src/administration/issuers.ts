import type { AuditEventName } from '../audit/events.ts'
import { type Origin, recordEvent } from '../audit/record.ts'
import type { Clock } from '../ground/clock.ts'
import { Refusal } from '../ground/refusal.ts'
import { permissionsGivenBy, type TrustedIssuer } from '../ground/trusted-issuers.ts'
import type { Permission } from '../permissions/access-rule.ts'
import type { Granting } from '../permissions/granted.ts'
import { recordCutOffs } from '../revocation/cut-offs.ts'
import type { Revocations } from '../revocation/revocations.ts'
import type { Caller } from '../sessions/hold-session.ts'
import { lockInstallation } from '../storage/installation.ts'
import type { Database } from '../storage/tables.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import { holdAdministrator } from './hold-administrator.ts'

type Rereading = {
  readonly db: Database
  readonly clock: Clock
  readonly revocations: Pick<Revocations, 'apply'>
}
type Dependencies = Rereading &
  Granting & { readonly settings: { readonly trustedIssuers: readonly TrustedIssuer[] } }

/** Another issuer, as far as this server knows one: by the settings, or because it is blocked. */
export type KnownIssuer = {
  readonly issuer: string
  /** Undefined where the settings don't name it, or no more. */
  readonly entry: TrustedIssuer | undefined
  readonly blockedAt: number | undefined
  /** How many of its subjects are linked to users; 1,000 where there are more. */
  readonly linked: number
}

/** As many as are counted: of a million nobody wants to wait for the number. */
const mostCounted = 1_000

const countLinked = async (db: Database, issuer: string): Promise<number> => {
  const some = db.selectFrom('identities').select('subject').where('issuer', '=', issuer).limit(mostCounted)
  const { count } = await db
    .selectFrom(some.as('some'))
    .select(eb => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return Number(count)
}

/** Those of the settings in their order, then those that are blocked besides. */
export const listIssuers = async (
  db: Database,
  trusted: readonly TrustedIssuer[],
): Promise<readonly KnownIssuer[]> => {
  const blocked = await db.selectFrom('blocked_issuers').selectAll().orderBy('issuer').execute()
  const names = new Set([...trusted, ...blocked].map(({ issuer }) => issuer))
  const known: KnownIssuer[] = []
  for (const issuer of names)
    known.push({
      issuer,
      entry: trusted.find(entry => entry.issuer === issuer),
      blockedAt: blocked.find(row => row.issuer === issuer)?.blocked_at,
      linked: await countLinked(db, issuer),
    })
  return known
}

/** What every process keeps of issuers and links is read again by its next request. */
export const rereadIssuers = (dependencies: Rereading, work: Work, issuer: string): Promise<void> =>
  recordCutOffs(dependencies, work, [{ kind: 'reread-issuers', subject: issuer, promisedUntil: 0 }])

type Named = { readonly issuer: string; readonly origin: Origin }

/**
 * What its tokens may do here at most. Whoever decides whether they are taken may do all of it: no way up leads
 * through another issuer.
 */
const givenBy = ({ settings }: Dependencies, issuer: string): readonly Permission[] => {
  const entry = settings.trustedIssuers.find(one => one.issuer === issuer)
  // The start has checked that there are such permissions.
  return (entry === undefined ? [] : permissionsGivenBy(entry)) as readonly Permission[]
}

const change = (
  dependencies: Dependencies,
  { issuer, origin }: Named,
  caller: Caller | undefined,
  { event, write }: { readonly event: AuditEventName; readonly write: (work: Work) => Promise<boolean> },
): Promise<boolean> =>
  inTransaction(dependencies.db, async work => {
    // Before the caller's row: a cut-off of this kind asks the register of processes, and blocked ones are counted.
    await lockInstallation(work)
    await holdAdministrator(dependencies, work, caller, {
      needed: ['clients:write', ...givenBy(dependencies, issuer)],
    })
    if (!(await write(work))) return false
    await rereadIssuers(dependencies, work, issuer)
    await recordEvent(dependencies, work, event, { origin, details: { issuer } })
    return true
  })

/** As `iss` has it: an address. Whether it is an issuer's, only the settings can tell. */
export const issuerPattern = '^https?://[\\x21-\\x7e]{1,247}$'
export const isIssuerName = (issuer: string): boolean => new RegExp(issuerPattern).test(issuer)

/** Every process keeps them all. */
const mostBlocked = 200

const insertBlocked = async ({ clock }: Dependencies, { db }: Work, issuer: string): Promise<boolean> => {
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('blocked_issuers')
    .values({ issuer, blocked_at: clock.now() })
    .onConflict(conflict => conflict.column('issuer').doNothing())
    .executeTakeFirst()
  if (numInsertedOrUpdatedRows !== 1n) return false
  const { count } = await db
    .selectFrom('blocked_issuers')
    .select(eb => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  if (Number(count) > mostBlocked)
    throw new Refusal('conflict', {
      detail: `At most ${mostBlocked} issuers are blocked: unblock one first.`,
    })
  return true
}

/**
 * Refuses every token of an issuer, remembered ones as well: in this process at once, in every other within the
 * freshness bound. It stands in the database, so no restart and no setting takes it back.
 * @param caller the administrator's session, where there is one; the command line has none
 * @returns whether it was not blocked before
 * @throws Refusal `validation_failed`; `insufficient_permission` where its tokens may do what the caller may not;
 *   `conflict` while a process of an older version runs, or where too many are blocked
 */
export const blockIssuer = async (
  dependencies: Dependencies,
  named: Named,
  caller?: Caller,
): Promise<boolean> => {
  if (!isIssuerName(named.issuer))
    throw new Refusal('validation_failed', { detail: 'Write the issuer exactly as `iss` has it.' })
  return change(dependencies, named, caller, {
    event: 'issuer.blocked',
    write: work => insertBlocked(dependencies, work, named.issuer),
  })
}

/**
 * Takes tokens of an issuer again, if the settings name it: those too that were made before and have not expired.
 * @returns whether it was blocked
 * @throws Refusal as `blockIssuer`
 */
export const unblockIssuer = (dependencies: Dependencies, named: Named, caller?: Caller): Promise<boolean> =>
  change(dependencies, named, caller, {
    event: 'issuer.unblocked',
    write: async ({ db }) => {
      const { numDeletedRows } = await db
        .deleteFrom('blocked_issuers')
        .where('issuer', '=', named.issuer)
        .executeTakeFirst()
      return numDeletedRows === 1n
    },
  })
