import { canonicalJson } from '../ground/canonical-json.ts'
import { isSignedBy } from '../ground/ed25519.ts'

/** What is said of the chain: that it has this hash at this position. */
type Statement = {
  readonly audit: 'checkpoint'
  /** `beginning`: everything up to the position was pruned, and the chain begins behind it. */
  readonly kind: 'checkpoint' | 'beginning'
  readonly position: number
  readonly hash: string
  /** RFC 3339, UTC. */
  readonly at: string
  /** The id of the key that signs. */
  readonly key: string
  /** Its public half, 32 bytes in base64url: whoever keeps checkpoints keeps the keys with them. */
  readonly public_key: string
}

/** A checkpoint as it leaves the machine: one line of JSON. */
export type Checkpoint = Statement & { readonly signature: string }

/** A text that nothing else of ours is signed as. */
const toText = (statement: Statement): string => `gatewright audit checkpoint 1\n${canonicalJson(statement)}`

export const signCheckpoint = (statement: Statement, sign: (text: string) => string): Checkpoint => ({
  ...statement,
  signature: sign(toText(statement)),
})

/** Whether its own key has signed it: whose key that is, another has to know. */
export const isSignedCheckpoint = ({ signature, ...statement }: Checkpoint): boolean =>
  isSignedBy(statement.public_key, toText(statement), signature)
const isText = (value: unknown): value is string => typeof value === 'string'

/** The members that are signed, and no others. */
const toCheckpoint = (value: Readonly<Record<string, unknown>>): Checkpoint | undefined => {
  const { audit, kind, position, hash, at, key, public_key, signature } = value
  if (audit !== 'checkpoint' || (kind !== 'checkpoint' && kind !== 'beginning')) return undefined
  if (typeof position !== 'number' || !Number.isSafeInteger(position)) return undefined
  if (!isText(hash) || !isText(at) || !isText(key) || !isText(public_key) || !isText(signature))
    return undefined
  return { audit, kind, position, hash, at, key, public_key, signature }
}

/** A checkpoint, or the line of a log that has one as its member `checkpoint`; undefined for anything else. */
export const parseCheckpoint = (value: unknown): Checkpoint | undefined => {
  if (typeof value !== 'object' || value === null) return undefined
  const { checkpoint } = value as { readonly checkpoint?: unknown }
  return (
    toCheckpoint(value as Record<string, unknown>) ??
    (checkpoint === undefined ? undefined : parseCheckpoint(checkpoint))
  )
}
