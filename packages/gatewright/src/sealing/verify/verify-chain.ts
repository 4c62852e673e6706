import { genesis } from '../../audit/canonical.ts'
import type { Checkpoint } from '../../audit/checkpoint.ts'
import { checkContent, checkLink, type End } from './check-entry.ts'
import { checkPersonal } from './check-personal.ts'
import { checkShown } from './check-shown.ts'
import { checkMet, checkMixed, checkPruning, checkUnsealed } from './check-whole.ts'
import { type Entry, leftOut } from './entry.ts'
import type { Fault } from './fault.ts'
import { createHistory, type Restore } from './history.ts'
import type { Lost, Options, Pass, Verdict } from './pass.ts'
import { checkAgainst, checkSignature } from './signatures.ts'
import { createTally } from './tally.ts'

const checkAnchor = ({ options: { anchor }, unfit, counts }: Pass, { position, hash }: Entry): void => {
  for (const checkpoint of anchor?.checkpoints.get(position) ?? []) {
    if (checkpoint.hash !== hash) unfit.push(checkpoint)
    else counts.anchored = { position, at: checkpoint.at }
  }
}

const checkEntry = (pass: Pass, entry: Entry, before: End, page: readonly Entry[]): void => {
  const { tally, history, missing, counts } = pass
  const broken = checkLink(entry, before)
  const fault = checkContent(entry, page)
  tally.add(fault?.kind === 'reordered' ? fault : (broken ?? fault))
  const personal = checkPersonal(entry)
  if (personal === 'missing') missing.set(entry.eventId, entry.position)
  else tally.add(personal ?? (fault === undefined ? checkShown(entry) : undefined))
  if (entry.personal === leftOut) pass.mixed.left ??= entry.position
  else if (entry.personal !== undefined) pass.mixed.shown ??= entry.position
  if (entry.row !== undefined) {
    counts.events += 1
    counts.newest = Math.max(counts.newest, entry.row.at)
    history.note(entry.row, entry.position)
  }
  checkAnchor(pass, entry)
}

const checkCheckpoints = (
  { options: { anchor }, tally, counts }: Pass,
  checkpoints: readonly Checkpoint[],
  hashes: ReadonlyMap<number, string>,
): void => {
  for (const checkpoint of checkpoints) {
    counts.checkpoints += 1
    const { position } = checkpoint
    const hash = hashes.get(position)
    tally.add(
      checkSignature(checkpoint, anchor) ??
        ((hash && checkAgainst(checkpoint, { position, hash })) || undefined),
    )
  }
}

/** Where the chain begins: at the first of all, or behind what was pruned. */
const findBeginning = async (pass: Pass, first: Entry | undefined): Promise<End> => {
  const { source, anchor } = pass.options
  const last = source.prunings.at(-1)
  if (last === undefined) return { position: 0, hash: genesis }
  const begun = await source.checkpointsOutside(last.to, last.to)
  const signed = begun.find(({ kind, hash }) => kind === 'beginning' && hash === last.hash)
  const fault = signed === undefined ? undefined : checkSignature(signed, anchor)
  if (signed === undefined || fault !== undefined)
    pass.tally.add({
      kind: 'pruning-unsigned',
      position: last.to,
      what: `no signed checkpoint says that everything up to position ${last.to} was pruned`,
    })
  // What a pruning covers is deleted bit by bit: some of it may still be there.
  return first !== undefined && first.position <= last.to && first.position >= last.from
    ? { position: first.position - 1, hash: first.previousHash }
    : { position: last.to, hash: last.hash }
}

const readAll = async (pass: Pass): Promise<End & { readonly first: number }> => {
  const { source, onProgress } = pass.options
  let end: End | undefined
  let first = 0
  for await (const { entries, checkpoints } of source.pages()) {
    end ??= await findBeginning(pass, entries[0])
    first ||= entries[0]?.position ?? 0
    for (const entry of entries) {
      checkEntry(pass, entry, end, entries)
      end = { position: Math.max(entry.position, end.position), hash: entry.hash }
    }
    checkCheckpoints(pass, checkpoints, new Map(entries.map(({ position, hash }) => [position, hash])))
    onProgress?.(end.position)
  }
  return { ...(end ?? (await findBeginning(pass, undefined))), first }
}

/** What was signed behind the end, here or outside. */
const checkEnd = async (pass: Pass, { position }: End): Promise<void> => {
  const { source, anchor } = pass.options
  const behind = await source.checkpointsOutside(position + 1, Number.MAX_SAFE_INTEGER)
  checkCheckpoints(pass, behind, new Map())
  const most = Math.max(0, ...behind.map(other => other.position))
  if (most > position) pass.tally.add(truncated(position, most, 'a checkpoint beside it'))
  for (const [at, checkpoints] of anchor?.checkpoints ?? [])
    if (at > position) pass.unfit.push(...checkpoints)
}

const truncated = (position: number, to: number, by: string): Fault => ({
  kind: 'truncated',
  position: position + 1,
  what: `the chain ends at position ${position}, and was longer: ${by} is of position ${to}`,
})

const isLostBy = ({ at, position }: Checkpoint, restore: Restore): boolean =>
  position > restore.sealedTo && Date.parse(at) <= restore.at

/** Checkpoints from outside that do not fit are told by the restore that lost them, or are a fault. */
const explainUnfit = (pass: Pass, end: End): readonly Lost[] => {
  const { unfit, history, tally, options } = pass
  const lost = new Map<Restore, number>()
  const left: Checkpoint[] = []
  for (const checkpoint of unfit) {
    const restore = history.restores().find(each => isLostBy(checkpoint, each))
    if (restore === undefined) left.push(checkpoint)
    else lost.set(restore, Math.max(lost.get(restore) ?? 0, checkpoint.position))
  }
  const [contradicted] = left.filter(({ position }) => position <= end.position).toSorted(byPosition)
  const longest = left
    .filter(({ position }) => position > end.position)
    .toSorted(byPosition)
    .at(-1)
  if (contradicted !== undefined)
    tally.add(checkAgainst(contradicted, { position: contradicted.position, hash: '' }))
  if (longest !== undefined)
    tally.add(truncated(end.position, longest.position, `the checkpoint of ${longest.at} from outside`))
  const told = [...lost].map(([restore, to]) => ({ ...restore, from: restore.sealedTo + 1, to }))
  for (const each of told) if (!options.knownRestores?.includes(each.position)) tally.add(toRestored(each))
  return told
}

const byPosition = (a: Checkpoint, b: Checkpoint): number => a.position - b.position

const toRestored = ({ position, from, to }: Lost): Fault => ({
  kind: 'restored',
  position: from,
  what: `the restore recorded at position ${position} has lost what was sealed at ${from} to ${to}`,
})

const checkMissing = ({ missing, history, tally }: Pass): number => {
  let erased = 0
  for (const [eventId, position] of missing) {
    if (history.isErased(eventId)) erased += 1
    else
      tally.add({
        kind: 'personal-missing',
        position,
        eventId,
        what: `the personal fields of event ${eventId} are gone, and no erasure names it`,
      })
  }
  return erased
}

/**
 * Verifies a chain from its beginning to its end: every event, every link, every personal field, every signature. In
 * one pass in the order of the chain; what it keeps meanwhile are the checkpoints from outside, and the numbers of
 * events that were erased.
 */
export const verifyChain = async (options: Options): Promise<Verdict> => {
  const counts: Pass['counts'] = { events: 0, checkpoints: 0, anchored: undefined, newest: 0 }
  const parts = { tally: createTally(), history: createHistory() }
  const pass: Pass = { options, ...parts, missing: new Map(), unfit: [], mixed: {}, counts }
  const { first, ...end } = await readAll(pass)
  await checkEnd(pass, end)
  checkMet(pass, end)
  const lost = explainUnfit(pass, end)
  checkMixed(pass)
  await checkPruning(pass)
  const erased = checkMissing(pass)
  const waiting = await checkUnsealed(pass, end)
  for (const line of options.anchor?.forged ?? [])
    pass.tally.add({
      kind: 'checkpoint-forged',
      position: end.position,
      what: `line ${line} of the anchor was not signed by its key`,
    })
  return {
    beginning: first,
    position: end.position,
    events: counts.events,
    checkpoints: counts.checkpoints,
    anchored: counts.anchored,
    erased,
    waiting,
    restores: pass.history.restores(),
    lost,
    faults: pass.tally.list(),
    faultCount: pass.tally.count(),
  }
}
