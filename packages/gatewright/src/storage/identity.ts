import { type Kysely, sql } from 'kysely'
import { type KeptPlace, placeFile, readPlaceFile, writePlaceFile } from './place-file.ts'
import type { Database } from './tables.ts'

/** What a start says that finds another database than the one it knew. */
const adopt = 'gatewright restore --adopt (it ends every session and replaces the signing keys)'

const put = `put the right one back, or, if this is the one to go on with: ${adopt}`

/** The database is not the one that it was. The message says what to do. */
export class OtherDatabase extends Error {
  override readonly name = 'OtherDatabase'
}

/** What a server of PostgreSQL says of itself. A copy of it has another one of these, but for the timeline. */
type ServerIdentity = { readonly identity: string; readonly timeline: string }

const readServer = async <T>(db: Kysely<T>): Promise<ServerIdentity | undefined> => {
  const { rows } = await sql<ServerIdentity>`
    select concat((select system_identifier from pg_control_system()), '/', oid) as identity,
      substr(pg_walfile_name(pg_current_wal_flush_lsn()), 1, 8) as timeline
    from pg_database where datname = current_database()`.execute(db)
  return rows[0]
}

export const readPlace = async (db: Database): Promise<KeptPlace | undefined> => {
  const { rows } = await sql<KeptPlace>`
    select epoch, coalesce((select seq from sqlite_sequence where name = 'cut_offs'), 0) as place
    from installation where id = 1`.execute(db)
  return rows[0]
}

const checkFile = async (db: Database, file: string): Promise<void> => {
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

const checkServer = async (db: Database): Promise<readonly string[]> => {
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

/**
 * Compares the database with what was noted of it: on SQLite the newest place of its feed, in a small file
 * beside it; on PostgreSQL the server, the database on it and the timeline, in its one row.
 * @returns what a start should warn of
 * @throws OtherDatabase
 */
export const checkIdentity = async (db: Database, file: string | undefined): Promise<readonly string[]> => {
  if (file === undefined) return checkServer(db)
  await checkFile(db, file)
  return []
}

/** Notes what the database is from now on, whatever was noted before. */
export const noteIdentity = async (db: Database, file: string | undefined): Promise<void> => {
  if (file === undefined) {
    const found = await readServer(db)
    if (found !== undefined) await noteServer(db, found)
    return
  }
  const found = await readPlace(db)
  if (found !== undefined) writePlaceFile(file, found)
}

export type PlaceKeeper = {
  /** A read of the feed has come so far. */
  readonly note: (place: KeptPlace) => void
  readonly flush: () => void
}

/** Not at every read: so many milliseconds apart. */
const distance = 1_000

/**
 * Keeps the file beside a SQLite database up to date. Never back, and never for another epoch than the file's:
 * that is for who adopts a database. A disk that can't be written keeps nobody out.
 */
export const createPlaceKeeper = (file: string, monotonic: () => number): PlaceKeeper => {
  let newest: KeptPlace | undefined
  let kept = -1
  let at = Number.NEGATIVE_INFINITY
  const write = (): void => {
    if (newest === undefined || newest.place <= kept) return
    at = monotonic()
    try {
      const there = readPlaceFile(file)
      if (there === undefined || (there.epoch === newest.epoch && there.place < newest.place))
        writePlaceFile(file, newest)
      kept = newest.place
    } catch {}
  }
  return {
    note: place => {
      newest = place
      if (place.place > kept && monotonic() - at >= distance) write()
    },
    flush: write,
  }
}
