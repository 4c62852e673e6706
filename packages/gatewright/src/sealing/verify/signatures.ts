import { type Checkpoint, isSignedCheckpoint } from '../../audit/checkpoint.ts'
import type { Anchor } from './anchor.ts'
import type { Fault } from './fault.ts'

/** Whether a checkpoint that stands beside the chain was signed by a key that may sign. */
export const checkSignature = (checkpoint: Checkpoint, anchor: Anchor | undefined): Fault | undefined => {
  const { position, key, public_key } = checkpoint
  const forged = (why: string): Fault => ({
    kind: 'checkpoint-forged',
    position,
    what: `the checkpoint of position ${position} ${why}`,
  })
  if (public_key === '') return forged(`names the key ${key}, which is not there`)
  if (!isSignedCheckpoint(checkpoint)) return forged(`was not signed by the key ${key}`)
  const { newest } = anchor ?? {}
  const isOlder = newest !== undefined && checkpoint.at <= newest.at
  return isOlder && !anchor?.publicKeys.has(public_key)
    ? forged(`was signed by the key ${key}, by which nothing was signed that has left the machine`)
    : undefined
}

/** Whether the chain is what was signed. */
export const checkAgainst = (
  { hash, at }: Checkpoint,
  entry: { readonly position: number; readonly hash: string },
): Fault | undefined =>
  hash === entry.hash
    ? undefined
    : {
        kind: 'checkpoint-contradicted',
        position: entry.position,
        what: `the chain at position ${entry.position} is not what was signed on ${at}: it was sealed anew, up to there`,
      }
