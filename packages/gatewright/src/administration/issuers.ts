import type { AuditEventName } from '../audit/events.ts'
import { type Origin, recordEvent } from '../audit/record.ts'
import type { Clock } from '../ground/clock.ts'
import { Refusal } from '../ground/refusal.ts'
import type { TrustedIssuer } from '../ground/trusted-issuers.ts'
import { recordCutOffs } from '../revocation/cut-offs.ts'
import type { Revocations } from '../revocation/revocations.ts'
import type { Database } from '../storage/tables.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'

type Dependencies = {
  readonly db: Database
  readonly clock: Clock
  readonly revocations: Pick<Revocations, 'apply'>
}

/** Another issuer, as far as this server knows one: by the settings, or because it is blocked. */
export type KnownIssuer = {
  readonly issuer: string
  /** Undefined where the settings don't name it, or no more. */
  readonly entry: TrustedIssuer | undefined
  readonly blockedAt: number | undefined
  /** How many of its subjects are linked to users. */
  readonly linked: number
}

/** Those of the settings in their order, then those that are blocked besides. */
export const listIssuers = async (
  db: Database,
  trusted: readonly TrustedIssuer[],
): Promise<readonly KnownIssuer[]> => {
  const blocked = await db.selectFrom('blocked_issuers').selectAll().orderBy('issuer').execute()
  const linked = await db
    .selectFrom('identities')
    .select(['issuer', eb => eb.fn.countAll<number>().as('count')])
    .groupBy('issuer')
    .execute()
  const names = new Set([...trusted, ...blocked].map(({ issuer }) => issuer))
  return [...names].map(issuer => ({
    issuer,
    entry: trusted.find(entry => entry.issuer === issuer),
    blockedAt: blocked.find(row => row.issuer === issuer)?.blocked_at,
    linked: Number(linked.find(row => row.issuer === issuer)?.count ?? 0),
  }))
}

/** What every process keeps of issuers and links is read again by its next request. */
export const rereadIssuers = (dependencies: Dependencies, work: Work, issuer: string): Promise<void> =>
  recordCutOffs(dependencies, work, [{ kind: 'reread-issuers', subject: issuer, promisedUntil: 0 }])

type Named = { readonly issuer: string; readonly origin: Origin }

const change = (
  dependencies: Dependencies,
  { issuer, origin }: Named,
  event: AuditEventName,
  write: (work: Work) => Promise<boolean>,
): Promise<boolean> =>
  inTransaction(dependencies.db, async work => {
    if (!(await write(work))) return false
    await rereadIssuers(dependencies, work, issuer)
    await recordEvent(dependencies, work, event, { origin, details: { issuer } })
    return true
  })

/** As `iss` has it; whether it is one, only the settings can tell. */
const namePattern = /^[\x21-\x7e]{1,255}$/

/**
 * Refuses every token of an issuer, remembered ones as well: in this process at once, in every other within the
 * freshness bound. It stands in the database, so no restart and no setting takes it back.
 * @returns whether it was not blocked before
 * @throws Refusal `validation_failed`; `conflict` while a process of an older version runs
 */
export const blockIssuer = async (dependencies: Dependencies, named: Named): Promise<boolean> => {
  if (!namePattern.test(named.issuer))
    throw new Refusal('validation_failed', { detail: 'Write the issuer exactly as `iss` has it.' })
  return change(dependencies, named, 'issuer.blocked', async ({ db }) => {
    const { numInsertedOrUpdatedRows } = await db
      .insertInto('blocked_issuers')
      .values({ issuer: named.issuer, blocked_at: dependencies.clock.now() })
      .onConflict(conflict => conflict.column('issuer').doNothing())
      .executeTakeFirst()
    return numInsertedOrUpdatedRows === 1n
  })
}

/**
 * Takes tokens of an issuer again, if the settings name it: those too that were made before and have not expired.
 * @returns whether it was blocked
 */
export const unblockIssuer = (dependencies: Dependencies, named: Named): Promise<boolean> =>
  change(dependencies, named, 'issuer.unblocked', async ({ db }) => {
    const { numDeletedRows } = await db
      .deleteFrom('blocked_issuers')
      .where('issuer', '=', named.issuer)
      .executeTakeFirst()
    return numDeletedRows === 1n
  })
