import { sql } from 'kysely'
import { isIndexedEvent } from '../audit/indexed-events.ts'
import { day, toTimestamp } from '../ground/clock.ts'
import type { Database } from '../storage/tables.ts'
import type { DatabaseFacts } from './facts.ts'
import { type Finding, warning } from './finding.ts'

/** For so long at most values are made with one secret: then doctor asks for another. */
const longestInForce = 366 * day

/** Since when the secret in force is. */
const readSince = async (db: Database): Promise<number> => {
  const changed = await db
    .selectFrom('audit_events')
    .select('at')
    .where('event', '=', 'secret.put-in-force')
    .where(isIndexedEvent)
    .orderBy('at', 'desc')
    .limit(1)
    .executeTakeFirst()
  if (changed !== undefined) return changed.at
  const installation = await db.selectFrom('installation').select('created_at').executeTakeFirst()
  return installation?.created_at ?? Number.POSITIVE_INFINITY
}

/** A warning where the secret has expired: it goes on, and is to be changed. */
export const judgeAgeOfSecret = async ({
  db,
  clock,
}: Pick<DatabaseFacts, 'db' | 'clock'>): Promise<Finding | undefined> => {
  const since = await readSince(db)
  if (clock.now() - since <= longestInForce) return undefined
  return warning({
    found: `values are made with one secret since ${toTimestamp(since)}, for more than a year`,
    means: 'The longer it is in use, the more places it may have got to.',
    do: 'Change it, while all goes on: docs/changing-the-secret.md.',
  })
}

const warnedBefore = 20 * day

/** A warning where the password of the server's role ends soon, or has: no new connection is made then. */
export const judgePasswordOfRole = async ({
  db,
  clock,
}: Pick<DatabaseFacts, 'db' | 'clock'>): Promise<Finding | undefined> => {
  const { rows } = await sql<{ role: string; until: number | null }>`
    select rolname::text as role,
      case when isfinite(rolvaliduntil) then (extract(epoch from rolvaliduntil) * 1000)::float8 end as until
    from pg_roles where rolname = current_user`.execute(db)
  const { role, until } = rows[0] ?? { role: '', until: null }
  if (until === null || until > clock.now() + warnedBefore) return undefined
  return warning({
    found: `the password of the role ${role} ends at ${toTimestamp(until)}`,
    means: 'PostgreSQL refuses new connections with it from then on.',
    do: 'Change it, while all goes on: docs/changing-the-secret.md, "The password of the database".',
  })
}
