import type { Counts } from './manifest.ts'
import { BadFile } from './sealed-file.ts'

/** @throws BadFile where another number of rows came back than was copied */
export const checkCounts = ({ tables: found }: Counts, counts: Counts | undefined): void => {
  const names = new Set([...Object.keys(found), ...Object.keys(counts?.tables ?? {})])
  const wrong = [...names].find(name => found[name] !== counts?.tables[name])
  if (counts === undefined || wrong !== undefined)
    throw new BadFile(
      `its rows are not those that were copied (${wrong}: ${found[wrong ?? ''] ?? 0} of ${counts?.tables[wrong ?? ''] ?? 0})`,
    )
}
