import type { LimitOverride } from '../ground/parse-setting.ts'
import { hasNetwork } from './counter-keys.ts'
import { type Pace, paceOf } from './gcra.ts'
import { overrideRow } from './override.ts'
import { type LimitBy, type LimitRow, policyName } from './table.ts'

/** A row of the table as it is counted: by the settings, and for a network as well as for its groups. */
export type CountedRow = {
  readonly by: LimitBy
  readonly policy: string
  readonly count: number
  /** Milliseconds. */
  readonly window: number
  readonly pace: Pace
  readonly isExact: boolean
  /** Of an exact row: what one process lets through while the store is away. */
  readonly away: { readonly count: number; readonly pace: Pace } | undefined
  /** It counts the /48 of IPv6 addresses; the row that counts their /64 stands right before it. */
  readonly isNetwork: boolean
}

/** A network holds 65,536 groups, and as a rule one customer. */
const networkFactor = 10

const times = (count: number, factor: number): number => Math.max(1, Math.round(count * factor))

const toAway = (away: number, window: number, factor: number): CountedRow['away'] => {
  const count = times(away, factor)
  return { count, pace: paceOf({ count, window }) }
}

const toCounted = (policy: string, row: LimitRow, factor: number, isNetwork: boolean): CountedRow => {
  const { by, window, burst = row.count, kind } = row
  const count = times(row.count, factor)
  return {
    by,
    policy,
    count,
    window,
    pace: paceOf({ count, window, burst: times(burst, factor) }),
    isExact: kind === 'exact',
    isNetwork,
    away: row.kind === 'exact' ? toAway(row.away, window, factor) : undefined,
  }
}

/** How the settings change the table. */
export type Adjustment = { readonly scale: number; readonly overrides: readonly LimitOverride[] }

/**
 * The rows of one limit, in the order of the table, overridden and then scaled; one whose key holds
 * an address is followed by the same for its network, at ten times.
 */
export const toCountedRows = (
  name: string,
  rows: readonly LimitRow[],
  { scale, overrides }: Adjustment,
): readonly CountedRow[] =>
  rows.flatMap(tabled => {
    const policy = policyName(name, tabled)
    const row = overrideRow(policy, tabled, overrides)
    const factor = row.isFixed ? 1 : scale
    const own = toCounted(policy, row, factor, false)
    if (!hasNetwork(row.by)) return [own]
    return [own, toCounted(`${policy}-network`, row, factor * networkFactor, true)]
  })
