import { type Expression, type Kysely, type SqlBool, sql } from 'kysely'
import { isSqlite } from './columns.ts'

const toLowerAscii = (text: string): string => text.replace(/[A-Z]+/g, letters => letters.toLowerCase())

/**
 * Whether a text column holds `part`, literally: no character is a wildcard. A to Z are the same in both
 * cases, every other character is only itself, on both databases: `like` would differ, and so would
 * `lower` of PostgreSQL without that collation.
 *
 *     query.where(eb => contains(db, eb.ref('title'), '100%'))
 */
export const contains = <T>(db: Kysely<T>, column: Expression<string>, part: string): Expression<SqlBool> =>
  isSqlite(db)
    ? sql<SqlBool>`instr(lower(${column}), ${toLowerAscii(part)}) > 0`
    : sql<SqlBool>`strpos(lower(${column} collate "C"), ${toLowerAscii(part)}) > 0`
