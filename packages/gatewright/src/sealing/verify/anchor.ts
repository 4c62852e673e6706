import { type Checkpoint, isSignedCheckpoint, parseCheckpoint } from '../../audit/checkpoint.ts'
import { readLines } from './lines.ts'

/** Checkpoints that have left the machine. */
export type Anchor = {
  /** By their positions, those of one position in the order of the file. */
  readonly checkpoints: ReadonlyMap<number, readonly Checkpoint[]>
  readonly newest: Checkpoint | undefined
  /** Public halves that have signed them. */
  readonly publicKeys: ReadonlySet<string>
  /** Lines that are checkpoints, and that their own key has not signed. */
  readonly forged: readonly number[]
}

const readLine = (line: string): Checkpoint | undefined => {
  const start = line.indexOf('{')
  if (start < 0) return undefined
  try {
    return parseCheckpoint(JSON.parse(line.slice(start)))
  } catch {
    return undefined
  }
}

/**
 * Reads a file of checkpoints, one in a line: as AUDIT_ANCHOR=file: writes it, the log, or bodies of mails or of
 * webhooks that somebody kept. Lines that are none are passed over.
 */
export const readAnchor = async (file: string): Promise<Anchor> => {
  const checkpoints = new Map<number, Checkpoint[]>()
  const publicKeys = new Set<string>()
  const forged: number[] = []
  let newest: Checkpoint | undefined
  let number = 0
  for await (const line of readLines(file)) {
    number += 1
    const checkpoint = readLine(line)
    if (checkpoint === undefined) continue
    if (!isSignedCheckpoint(checkpoint)) {
      forged.push(number)
      continue
    }
    const { position, public_key } = checkpoint
    checkpoints.set(position, [...(checkpoints.get(position) ?? []), checkpoint])
    publicKeys.add(public_key)
    if (newest === undefined || checkpoint.at >= newest.at) newest = checkpoint
  }
  return { checkpoints, newest, publicKeys, forged }
}
