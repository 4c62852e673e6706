import type { ErasureReport } from '../administration/erase-audit.ts'
import type { EraseReason } from '../audit/erase-events.ts'
import type { Engine } from '../compose.ts'
import { toTimestamp, toTimestampOrNull } from '../ground/clock.ts'
import type { Database } from '../storage/tables.ts'
import { defineCommand, WrongUse } from './command.ts'
import { withEngine } from './engine.ts'

/** Runs `use` as the role that owns the tables, which alone may erase where there are two. */
const asOwner = async <T>({ db, settings }: Engine, use: (db: Database) => Promise<T>): Promise<T> => {
  const { databaseAdminUrl } = settings
  if (databaseAdminUrl === undefined) return use(db)
  const { openDatabase } = await import('../storage/database.ts')
  const owner = openDatabase(databaseAdminUrl, { pool: 1, longestQuery: 0 })
  try {
    return await use(owner)
  } finally {
    await owner.destroy()
  }
}

/** A name, or the id of somebody who was deleted. */
const findIds = async (engine: Engine, db: Database, user: string): Promise<readonly string[]> => {
  const { findUserByName } = await import('../users/users.ts')
  const { Refusal } = await import('../ground/refusal.ts')
  const byName = await findUserByName(engine.db, user)
  if (byName !== undefined) return [byName.id]
  const byId = await db.selectFrom('users').select('id').where('id', '=', user).executeTakeFirst()
  if (byId === undefined)
    throw new Refusal('not_found', { detail: `There is no user ${JSON.stringify(user)}.` })
  return [byId.id]
}

const listDeleted = async (_: Engine, db: Database): Promise<readonly string[]> => {
  const { listUnerased } = await import('../administration/erase-audit.ts')
  return listUnerased(db)
}

type Choice = {
  readonly list: (engine: Engine, db: Database) => Promise<readonly string[]>
  readonly reason: EraseReason
}

const eraseEach = ({ list, reason }: Choice): Promise<ReadonlyMap<string, ErasureReport>> =>
  withEngine('must exist', engine =>
    asOwner(engine, async db => {
      const { eraseAudit } = await import('../administration/erase-audit.ts')
      const { commandLineOrigin: origin } = await import('../audit/record.ts')
      const reports = new Map<string, ErasureReport>()
      for (const userId of await list(engine, db))
        reports.set(userId, await eraseAudit({ db, clock: engine.clock }, { userId, reason, origin }))
      return reports
    }),
  )

const toLines = ([userId, { erased, since, exports }]: [string, ErasureReport]): readonly string[] => {
  if (since === undefined) return [`${userId}: the audit log had nothing personal.`]
  return [
    `${userId}: erased what was personal of ${erased} events; the first was at ${toTimestamp(since)}.`,
    ...exports.map(
      ({ id, at, actor }) => `  It may stand in the export of ${toTimestamp(at)} by ${actor} (event ${id}).`,
    ),
    `  It stands in every backup made since ${toTimestamp(since)}, until that is deleted.`,
  ]
}

const toView = ([userId, { erased, since, exports }]: [string, ErasureReport]) => ({
  user_id: userId,
  erased,
  since: toTimestampOrNull(since ?? null),
  exports: exports.map(({ id, at, actor }) => ({ event: String(id), at: toTimestamp(at), actor })),
})

const yes = { kind: 'flag', describe: 'yes, erase it; it can not be undone' } as const

const run = async (isSure: boolean, choice: Choice) => {
  if (!isSure) throw new WrongUse('it can not be undone: write --yes behind it')
  const reports = [...(await eraseEach(choice))]
  return {
    text: reports.length === 0 ? 'Nothing to erase.' : reports.flatMap(toLines).join('\n'),
    json: { users: reports.map(toView) },
  }
}

export const auditErase = defineCommand({
  name: 'audit erase',
  summary:
    'Erases what the audit log has of a person, by username or id: addresses, and words about that person. The events and the chain stay.',
  parameters: { user: 'one' },
  options: { yes },
  example: 'audit erase bob --yes',
  run: ({ user, yes: isSure }) =>
    run(isSure, { reason: 'asked_for', list: (engine, db) => findIds(engine, db, user) }),
})

export const auditEraseDeleted = defineCommand({
  name: 'audit erase-deleted',
  summary:
    'The same for all users who were deleted: for where the role of the server may not erase, and it was not done at once.',
  parameters: {},
  options: { yes },
  example: 'audit erase-deleted --yes',
  run: ({ yes: isSure }) => run(isSure, { reason: 'user_deleted', list: listDeleted }),
})
