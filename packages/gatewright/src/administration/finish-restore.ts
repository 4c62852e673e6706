import type { Origin } from '../audit/record.ts'
import type { HeldThen } from '../backups/revocations-file.ts'
import { Refusal } from '../ground/refusal.ts'
import type { Database } from '../storage/tables.ts'
import { type Adoption, adoptDatabase } from './adopt-database.ts'
import { eraseAudit } from './erase-audit.ts'

type Dependencies = Parameters<typeof adoptDatabase>[0]

type Restored = {
  readonly origin: Origin
  /** Of a SQLite database. */
  readonly file: string | undefined
  readonly later?: HeldThen | undefined
  /** When the backup was made; without a word the newest thing that somebody did in it. */
  readonly madeAt?: number | undefined
  /** As the role that may erase. */
  readonly owner: Database
}

const readNewest = async (db: Database): Promise<number> => {
  const row = await db
    .selectFrom('audit_events')
    .select('at')
    .where('actor', 'not in', ['system', 'command-line'])
    .orderBy('at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.at ?? 0
}

const checkExport = async (db: Database, { heading }: HeldThen, madeAt: number): Promise<void> => {
  const { created_at } = await db.selectFrom('installation').select('created_at').executeTakeFirstOrThrow()
  const refuse = (why: string): Refusal => new Refusal('conflict', { detail: why })
  if (created_at !== heading.installation)
    throw refuse('The export of --revocations is of another installation.')
  if (Date.parse(heading.made_at) < madeAt)
    throw refuse(
      `The export of --revocations (${heading.made_at}) is older than what was restored: give the newest.`,
    )
}

/** Who asked for it, or was deleted, and stands in the backup again. */
const eraseAgain = async (dependencies: Dependencies, { later, origin, owner }: Restored): Promise<void> => {
  for (const userId of later?.held.erased.keys() ?? [])
    await eraseAudit({ db: owner, clock: dependencies.clock }, { userId, reason: 'asked_for', origin })
  for (const [userId, [, , isDeleted]] of later?.held.users ?? [])
    if (isDeleted === 1)
      await eraseAudit({ db: owner, clock: dependencies.clock }, { userId, reason: 'user_deleted', origin })
}

/**
 * What makes a database that was put back one to go on with. What is erased once more comes first: until all is done no
 * start takes the database, and it can be done again.
 * @throws Refusal `conflict` for an export of another installation, or one from before; `insufficient_permission` for a
 *   role that may not erase
 */
export const finishRestore = async (dependencies: Dependencies, restored: Restored): Promise<Adoption> => {
  const { origin, file, later, madeAt } = restored
  if (later !== undefined) {
    await checkExport(dependencies.db, later, madeAt ?? (await readNewest(dependencies.db)))
    await eraseAgain(dependencies, restored)
  }
  return adoptDatabase(dependencies, { origin, file, later })
}
