import type { LimitOverride } from '../ground/parse-setting.ts'
import { productionReasons } from '../ground/production-rules.ts'
import type { Settings } from '../ground/settings.ts'
import { type LimitName, type LimitRow, limits, policyName } from './table.ts'

/** A burst of its own, and what passes while the store is away, stay the part of the count that they were. */
const part = (of: number, count: number, before: number): number =>
  Math.max(1, Math.round((of * count) / before))

/** The row as `LIMITS_OVERRIDE` has it. */
export const overrideRow = (policy: string, row: LimitRow, overrides: readonly LimitOverride[]): LimitRow => {
  const found = overrides.find(override => override.policy === policy)
  if (found === undefined) return row
  const { count, window = row.window } = found
  const changed = {
    ...row,
    count,
    window,
    ...(row.burst !== undefined && { burst: part(row.burst, count, row.count) }),
  }
  return changed.kind === 'fast' ? changed : { ...changed, away: part(changed.away, count, row.count) }
}

/** Limits without which secrets can be guessed. */
const guarding: readonly LimitName[] = ['sign-in', 'failed-sign-in', 'codes', 'confirm-password']

const isLoosened = (now: LimitRow, before: LimitRow): boolean =>
  now.count / now.window > before.count / before.window ||
  (now.burst ?? now.count) > (before.burst ?? before.count)

/** What a start should say of limits that protect against guessing and were made looser. */
export const warnOfLoosened = (settings: Settings): readonly string[] => {
  if (productionReasons(settings).length === 0) return []
  const rows = guarding.flatMap(name =>
    limits[name].map((row: LimitRow) => ({ policy: policyName(name, row), row })),
  )
  return rows
    .filter(({ policy, row }) => isLoosened(overrideRow(policy, row, settings.limitsOverride), row))
    .map(
      ({ policy }) =>
        `LIMITS_OVERRIDE makes ${policy} looser, which keeps passwords and codes from being guessed`,
    )
}

/** @throws Error that names what is no row, and the rows that there are */
export const checkOverrides = (overrides: readonly LimitOverride[], policies: readonly string[]): void => {
  const unknown = overrides.find(({ policy }) => !policies.includes(policy))
  if (unknown !== undefined)
    throw new Error(
      `LIMITS_OVERRIDE names ${unknown.policy}, which is no limit: write one of ${policies.join(', ')}`,
    )
}
