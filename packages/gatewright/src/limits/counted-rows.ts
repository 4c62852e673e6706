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

const toCounted = (policy: string, row: LimitRow, scale: number): CountedRow => {
  const { by, window, burst = row.count, kind } = row
  const count = times(row.count, scale)
  const away = row.kind === 'exact' ? times(row.away, scale) : undefined
  return {
    by,
    policy,
    count,
    window,
    pace: paceOf({ count, window, burst: times(burst, scale) }),
    isExact: kind === 'exact',
    isNetwork: false,
    away: away === undefined ? undefined : { count: away, pace: paceOf({ count: away, window }) },
  }
}

/** Ten times what was rounded, so that a small scale leaves a network more than one of its groups. */
const toNetwork = ({ policy, count, window, pace, away, ...row }: CountedRow): CountedRow => {
  const burst = (pace.capacity / pace.step) * networkFactor
  const [all, allAway] = [count * networkFactor, away && away.count * networkFactor]
  return {
    ...row,
    policy: `${policy}-network`,
    count: all,
    window,
    pace: paceOf({ count: all, window, burst }),
    isNetwork: true,
    away: allAway === undefined ? undefined : { count: allAway, pace: paceOf({ count: allAway, window }) },
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
    const own = toCounted(policy, row, scale)
    return hasNetwork(row.by) ? [own, toNetwork(own)] : [own]
  })
