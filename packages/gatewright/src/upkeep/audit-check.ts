import { day, hour, minute, toTimestamp } from '../ground/clock.ts'
import { readUndelivered, readUnsealed } from '../sealing/read-chain.ts'
import type { DatabaseFacts } from './facts.ts'
import { type Finding, ok, warning } from './finding.ts'

type Facts = Pick<DatabaseFacts, 'db' | 'clock' | 'settings'>

/** Older than this and unsealed: an alarm. A row of counted refusals is written up to a minute after its time. */
const longestUnsealed = 2 * minute
/** A checkpoint that has not left the machine by then. */
const longestUndelivered = hour
/** One pruning a day, and one for a night without a server. */
const latePruning = 2 * day

const findOldUnsealed = async ({ db, clock }: Facts) => {
  const found = await readUnsealed(db)
  return clock.now() - (found.oldestAt ?? clock.now()) > longestUnsealed ? found : undefined
}

const checkSealed = async (facts: Facts): Promise<Finding | undefined> => {
  const old = await findOldUnsealed(facts)
  if (old?.oldestAt === undefined) return undefined
  return warning({
    found: `${old.count === old.most ? `${old.most} or more` : old.count} audit events are not sealed, the oldest of ${toTimestamp(old.oldestAt)}`,
    means: 'Until they are, somebody with the database could change them unseen.',
    do: 'Let a server run for a minute; if that changes nothing, its log says why it can not seal.',
  })
}

const checkAnchored = async ({ db, clock, settings }: Facts): Promise<Finding | undefined> => {
  const waiting = settings.auditAnchor === undefined ? undefined : await readUndelivered(db)
  if (waiting === undefined || clock.now() - waiting.at <= longestUndelivered) return undefined
  return warning({
    found: `a checkpoint of ${toTimestamp(waiting.at)} has not left the machine${waiting.problem === null ? '' : `: ${waiting.problem}`}`,
    means: 'Whoever takes the machine over could make the record since then anew.',
    do: 'Look whether the place that AUDIT_ANCHOR names takes what it is given; it is tried again by itself.',
  })
}

const checkRetained = async ({ db, clock, settings }: Facts): Promise<Finding | undefined> => {
  const oldest = await db.selectFrom('audit_events').select('at').orderBy('at').limit(1).executeTakeFirst()
  if (oldest === undefined || clock.now() - oldest.at <= settings.auditRetention + latePruning)
    return undefined
  return warning({
    found: `the oldest audit event is of ${toTimestamp(oldest.at)}, longer ago than AUDIT_RETENTION`,
    means: 'What should be gone is still there, also what is personal in it.',
    do: 'With DATABASE_ADMIN_URL run: gatewright audit prune. Where one role does all, let a server run for two minutes; its log names what fails.',
  })
}

/** Whether what is recorded is sealed, has left the machine, and is deleted in time. */
export const checkAudit = async (facts: Facts): Promise<Finding> =>
  (await checkSealed(facts)) ??
  (await checkAnchored(facts)) ??
  (await checkRetained(facts)) ??
  ok(
    facts.settings.auditAnchor === undefined
      ? 'sealed; checkpoints go to the log (AUDIT_ANCHOR is not set)'
      : 'sealed, and checkpoints leave this machine',
  )
