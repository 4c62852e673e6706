import { minute } from '../../ground/clock.ts'
import type { End } from './check-entry.ts'
import type { Pass } from './pass.ts'

/** Later than this after its time an event is sealed; one that is counted is written up to a minute after it. */
const longestUnsealed = 2 * minute

/** An export has what is personal, or leaves all of it out. */
export const checkMixed = ({ mixed: { left, shown }, tally }: Pass): void => {
  if (left === undefined || shown === undefined) return
  const what = `what is personal was left out at position ${left}, and not at position ${shown}`
  tally.add({ kind: 'personal-missing', position: left, what })
}

/** Each pruning is an event as well, which is sealed within a minute. */
export const checkPruning = async ({ options: { source }, history, tally, counts }: Pass): Promise<void> => {
  const last = source.prunings.at(-1)
  if (last === undefined || history.isPruned(last)) return
  const signed = await source.checkpointsOutside(last.to, last.to)
  const times = signed.filter(({ kind }) => kind === 'beginning').map(({ at }) => Date.parse(at))
  if (counts.newest - Math.max(0, ...times) <= longestUnsealed) return
  const what = `no event tells that everything up to position ${last.to} was pruned`
  tally.add({ kind: 'pruning-unrecorded', position: last.to, what })
}

/** Checkpoints from outside that are of nothing here prove nothing, and whoever gave them thinks they do. */
export const checkMet = ({ options: { anchor }, counts, unfit, tally }: Pass, { position }: End): void => {
  if (anchor === undefined || counts.anchored !== undefined || unfit.length > 0) return
  const what = `of ${anchor.checkpoints.size} checkpoints from outside none is of a position that is there`
  tally.add({ kind: 'anchor-unmet', position, what })
}

export const checkUnsealed = async ({ options, tally, counts }: Pass, { position }: End): Promise<number> => {
  const unsealed = await options.source.unsealed(counts.events)
  const isLate = ({ at }: { readonly at: number }): boolean => options.now - at > longestUnsealed
  for (const { id } of unsealed.filter(isLate))
    tally.add({
      kind: 'unsealed',
      position: position + 1,
      eventId: id,
      what: `event ${id} has no seal`,
    })
  return unsealed.filter(each => !isLate(each)).length
}
