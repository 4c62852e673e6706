import { ageOf, type Clock, type Moment, minute, momentOf } from '../ground/clock.ts'
import type { Database } from '../storage/tables.ts'
import { listRoles } from '../users/users.ts'

/** The user whom a subject of another issuer acts for. Frozen, deeply. */
export type LinkedUser = { readonly userId: string; readonly roles: readonly string[] }

type Subject = {
  readonly issuer: string
  readonly subject: string
  /** Stands for both. */
  readonly foreignId: string
}

/** Whom subjects of other issuers act for, read once and then from memory until somebody says that there is news. */
export type LinkedUsers = {
  /**
   * Undefined where none is linked, or who is may not act.
   * @param beforeRead is called before the database is asked, and refuses by throwing
   */
  readonly find: (
    subject: Subject,
    beforeRead?: () => void,
  ) => LinkedUser | undefined | Promise<LinkedUser | undefined>
  /** What was read of this user, or of all, is read anew. A read that began before is kept by nobody. */
  readonly forget: (userId?: string) => void
}

/** Whoever has many subjects pushes out the oldest, and makes this process no larger. */
const mostKnown = 10_000
/** Whatever news may have been missed: it is known here after so long. */
const knownFor = 10 * minute

const readLinked = async (db: Database, { issuer, subject }: Subject): Promise<LinkedUser | undefined> => {
  const row = await db
    .selectFrom('identities')
    .innerJoin('users', 'users.id', 'identities.user_id')
    .select('users.id')
    .where('identities.issuer', '=', issuer)
    .where('identities.subject', '=', subject)
    .where('users.kind', '=', 'user')
    .where('users.disabled_at', 'is', null)
    .where('users.deleted_at', 'is', null)
    .executeTakeFirst()
  if (row === undefined) return undefined
  return Object.freeze({ userId: row.id, roles: Object.freeze(await listRoles(db, row.id)) })
}

type Entry = {
  readonly at: Moment
  readonly reading: Promise<LinkedUser | undefined>
  /** Once it was read. */
  user?: LinkedUser
}

export const createLinkedUsers = (db: Database, clock: Clock): LinkedUsers => {
  const entries = new Map<string, Entry>()

  const readAnew = (subject: Subject): Entry => {
    const entry: Entry = { at: momentOf(clock), reading: readLinked(db, subject) }
    entries.delete(subject.foreignId)
    if (entries.size >= mostKnown) entries.delete(entries.keys().next().value as string)
    entries.set(subject.foreignId, entry)
    const drop = (): void => {
      if (entries.get(subject.foreignId) === entry) entries.delete(subject.foreignId)
    }
    // That there is nobody is not kept: no word comes when a user who was disabled may act again.
    entry.reading.then(user => (user === undefined ? drop() : Object.assign(entry, { user })), drop)
    return entry
  }

  const findEntry = ({ foreignId }: Subject): Entry | undefined => {
    const known = entries.get(foreignId)
    return known !== undefined && ageOf(clock, known.at) < knownFor ? known : undefined
  }

  return {
    find: (subject, beforeRead) => {
      const known = findEntry(subject)
      if (known?.user !== undefined) return known.user
      beforeRead?.()
      return (known ?? readAnew(subject)).reading
    },
    forget: userId => {
      for (const [id, { user }] of entries)
        if (userId === undefined || user === undefined || user.userId === userId) entries.delete(id)
    },
  }
}
