import { setImmediate as immediate } from 'node:timers/promises'
import type { Database } from '../storage/tables.ts'
import type { HolderKind } from './write-permission-uses.ts'

/** Days by permission. */
export type DaysOfUse = ReadonlyMap<string, number>

const none: DaysOfUse = new Map()
const atOnce = 500

/** Reads in parts, so that requests have their turn where the database answers at once. */
export const inParts = async <Item, Row>(
  items: readonly Item[],
  read: (part: readonly Item[]) => Promise<readonly Row[]>,
): Promise<readonly Row[]> => {
  const rows: Row[] = []
  for (let at = 0; at < items.length; at += atOnce) {
    rows.push(...(await read(items.slice(at, at + atOnce))))
    await immediate()
  }
  return rows
}

/** When these holders last used what. */
export const readUses = async (
  db: Database,
  kind: HolderKind,
  ids: readonly string[],
): Promise<(id: string) => DaysOfUse> => {
  const rows = await inParts([...new Set(ids)], part =>
    db
      .selectFrom('permission_uses')
      .select(['holder_id', 'permission', 'last_day'])
      .where('holder_kind', '=', kind)
      .where('holder_id', 'in', part)
      .execute(),
  )
  const byHolder = new Map<string, Map<string, number>>()
  for (const { holder_id, permission, last_day } of rows) {
    const days = byHolder.get(holder_id) ?? new Map<string, number>()
    byHolder.set(holder_id, days.set(permission, last_day))
  }
  return id => byHolder.get(id) ?? none
}

/** The latest of these days; null where there is none. */
export const latest = (days: readonly (number | null | undefined)[]): number | null => {
  const known = days.filter(day => day !== null && day !== undefined)
  return known.length === 0 ? null : Math.max(...known)
}
