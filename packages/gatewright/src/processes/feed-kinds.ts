import { Refusal } from '../ground/refusal.ts'
import { lockInstallation } from '../storage/installation.ts'
import type { Work } from '../storage/transaction.ts'
import { readProcesses } from './live-process.ts'

/**
 * Kinds about which nobody is asked when one is written: every version with a register knows them, or, as with API
 * keys, it was asked when the first thing was made that a cut-off of this kind can name.
 */
const askedBefore: readonly string[] = ['session', 'user', 'signing-key', 'reread-user', 'api-key']

/**
 * A kind of cut-off is written only when every process of the register knows it: one that does not would take itself
 * for stale, and refuse everybody. While it is judged no process takes its place in the register.
 * @throws Refusal `conflict`, which names a process that has to be brought up to date first
 */
export const checkKindsWritten = async (work: Work, kinds: readonly string[]): Promise<void> => {
  const asked = kinds.filter(kind => !askedBefore.includes(kind))
  if (asked.length > 0) await checkKindsKnown(work, asked)
}

/**
 * The same, for who makes what a cut-off of this kind is going to name.
 * @throws Refusal `conflict`
 */
export const checkKindsKnown = async (work: Work, newKinds: readonly string[]): Promise<void> => {
  await lockInstallation(work)
  for (const process of await readProcesses(work.db)) {
    const unknown = newKinds.find(kind => !process.feedKinds.includes(kind))
    if (unknown !== undefined)
      throw new Refusal('conflict', {
        reason: 'kind_unknown_to_process',
        detail: `The ${process.kind} on ${process.host} (version ${process.version}) does not know cut-offs of the kind ${unknown}. Bring every process up to date, then try again.`,
      })
  }
}
