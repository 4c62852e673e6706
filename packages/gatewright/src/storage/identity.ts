import { type Kysely, sql } from 'kysely'
import { type FeedPlace, placeFile, readPlaceFile, writePlaceFile } from './place-file.ts'
import { isMixed } from './sqlite-file.ts'
import { isForbidden } from './sqlstate.ts'
import type { Database } from './tables.ts'

/** What a start says that finds another database than the one it knew. */
const adopt = 'gatewright restore --adopt (it ends every session and API key, and replaces the signing keys)'

const put = `put the right one back, or, if this is the one to go on with: ${adopt}`

/** The database is not the one that it was. The message says what to do. */
class OtherDatabase extends Error {
  override readonly name = 'OtherDatabase'
}

/** What a server of PostgreSQL says of itself. A copy of it has another one of these, but for the timeline. */
type ServerIdentity = { readonly identity: string; readonly timeline: string }

/** Undefined where the role may not ask: some who offer PostgreSQL as a service take that away. */
const readServer = <T>(db: Kysely<T>): Promise<ServerIdentity | undefined> =>
  askServer(db).catch(error => {
    if (isForbidden(error)) return undefined
    throw error
  })

const askServer = async <T>(db: Kysely<T>): Promise<ServerIdentity | undefined> => {
  const { rows } = await sql<ServerIdentity>`
    select concat((select system_identifier from pg_control_system()), '/', oid) as identity,
      substr(pg_walfile_name(pg_current_wal_flush_lsn()), 1, 8) as timeline
    from pg_database where datname = current_database()`.execute(db)
  return rows[0]
}

export const readPlace = async (db: Database): Promise<FeedPlace | undefined> => {
  const { rows } = await sql<FeedPlace>`
    select epoch, coalesce((select seq from sqlite_sequence where name = 'cut_offs'), 0) as place
    from installation where id = 1`.execute(db)
  return rows[0]
}

/**
 * Before a file of SQLite is opened: what was read of a wrong log can't be told from the database's own.
 * @throws OtherDatabase
 */
export const checkLog = (file: string): void => {
  const kept = readPlaceFile(file)
  if (kept !== undefined && isMixed(file, kept.pair))
    throw new OtherDatabase(
      `another database was put in the place of ${file}, and ${file}-wal beside it is still the log of the one before, which would be mixed into it: delete ${file}-wal and ${file}-shm`,
    )
}

/**
 * Compares a SQLite database with what was noted beside it: the newest place of its feed. Before anything is
 * made in it.
 * @throws OtherDatabase
 */
export const checkPlace = async (db: Database, file: string): Promise<void> => {
  // Before the database is asked: a running process goes on with both.
  const kept = readPlaceFile(file)
  if (kept === undefined) return
  const found = await readPlace(db)
  const note = `as ${placeFile(file)} has noted`
  if (found === undefined)
    throw new OtherDatabase(
      `there was a database at ${file}, ${note}, and it is gone: put it back from a backup, or, to begin anew, delete that note`,
    )
  if (found.epoch !== kept.epoch)
    throw new OtherDatabase(`the database at ${file} is another one than there was, ${note}: ${put}`)
  if (found.place < kept.place)
    throw new OtherDatabase(
      `the database at ${file} is older than it was, ${note}: sign-outs and other changes since then are not in it; ${put}`,
    )
}

const noteServer = async (db: Database, found: ServerIdentity): Promise<void> => {
  await db.updateTable('installation').set(found).where('id', '=', 1).execute()
}

/**
 * Compares a PostgreSQL database with what it has noted of itself: the server, the database on it and the
 * timeline. The first start notes it.
 * @returns what a start should warn of
 * @throws OtherDatabase
 */
export const checkServer = async (db: Database): Promise<readonly string[]> => {
  const [kept] = await db.selectFrom('installation').select(['identity', 'timeline']).execute()
  const found = await readServer(db)
  if (kept === undefined || found === undefined) return []
  if (kept.identity !== null && found.identity !== kept.identity)
    throw new OtherDatabase(
      `the database of DATABASE_URL stands on another server, or is a copy under another name, as it has noted of itself: ${put}`,
    )
  if (found.timeline === kept.timeline) return []
  await noteServer(db, found)
  return kept.timeline === null
    ? []
    : [
        'another server of PostgreSQL has taken over since the last start: what it lacked of the last commits is undone',
      ]
}

/** In the place of what a database says of itself, from when a backup is in it until it was adopted. */
export const beingRestored = 'being restored'

/**
 * A restore that was broken off has brought back everything that ended since the backup.
 * @throws OtherDatabase
 */
export const checkRestored = async (db: Database): Promise<void> => {
  const row = await db.selectFrom('installation').select('identity').executeTakeFirst()
  if (row?.identity === beingRestored)
    throw new OtherDatabase(
      `the restore of this database was broken off before it was finished: do it again (gatewright restore --from <file> --erase-what-stands-there), or go on with the backup as it is: ${adopt}`,
    )
}

/** Notes what the database is from now on, whatever was noted before. */
export const noteIdentity = async (db: Database, file: string | undefined): Promise<void> => {
  if (file === undefined) {
    const found = await readServer(db)
    if (found !== undefined) await noteServer(db, found)
    return
  }
  const found = await readPlace(db)
  if (found !== undefined) writePlaceFile(file, { ...found, pair: '' })
}
