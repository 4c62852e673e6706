import { startPostgres } from '../test/postgres/server.ts'
import { measureSizes } from '../test/sizing/measure-sizes.ts'
import { toHead, toRow } from './table.ts'

/** Bytes of one of each kind, with indexes, on SQLite and PostgreSQL. */
export const measureBytes = async ([count = 5_000]: readonly number[]): Promise<void> => {
  const server = await startPostgres()
  try {
    const [sqlite, postgres] = [await measureSizes(undefined, count), await measureSizes(server.url, count)]
    console.log(toHead(['one more', 'SQLite bytes', 'PostgreSQL bytes']))
    for (const [what, bytes] of Object.entries(sqlite))
      console.log(toRow([what, Math.round(bytes), Math.round(postgres[what] ?? Number.NaN)]))
  } finally {
    await server.stop()
  }
}
