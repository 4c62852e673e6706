import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Folder } from './spawned-server.ts'

type Row = Readonly<Record<string, unknown>>

/** Reads from the database beside a running server, by a connection of its own. */
export const query = (folder: Folder, sql: string): readonly Row[] => {
  const database = new DatabaseSync(join(folder.path, 'data/gatewright.db'), { readOnly: true })
  try {
    return database.prepare(sql).all()
  } finally {
    database.close()
  }
}
