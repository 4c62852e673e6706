import { type Checkpoint, parseCheckpoint } from '../../audit/checkpoint.ts'
import { type ChainSource, type Entry, leftOut, type Personal, type Pruning } from './entry.ts'
import { readLines } from './lines.ts'

const pageSize = 2_000

/** The line of an export can't be read. The message names it. */
class UnreadableLine extends Error {
  override readonly name = 'UnreadableLine'
  readonly line: number

  constructor(line: number) {
    super(`line ${line} is not one of a whole export`)
    this.line = line
  }
}

type Line =
  | { readonly entry: Entry }
  | { readonly checkpoint: Checkpoint }
  | { readonly key: readonly [string, string] }
  | { readonly pruning: Pruning }

type Fields = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null
const isPlace = (value: unknown): value is number => Number.isSafeInteger(value)

const toEntry = ({ position, event_id, hash, previous_hash, row, personal }: Fields): Entry | undefined =>
  isPlace(position) && isPlace(event_id) && typeof hash === 'string' && typeof previous_hash === 'string'
    ? {
        position,
        eventId: event_id,
        hash,
        previousHash: previous_hash,
        // Whatever stands in it is hashed: what is not the event is found out by that.
        row: isObject(row) ? (row as unknown as Entry['row']) : undefined,
        personal: isObject(personal)
          ? (personal as unknown as Personal)
          : personal === leftOut
            ? leftOut
            : undefined,
      }
    : undefined

const toLine = (value: unknown): Line | undefined => {
  if (!isObject(value)) return undefined
  const { audit, id, public_key, from, to, hash, chain, ...shown } = value
  if (isObject(chain)) {
    const entry = toEntry(chain)
    return entry && { entry: { ...entry, shown: id === undefined ? shown : { id, ...shown } } }
  }
  if (audit === 'key') return { key: [String(id), String(public_key)] }
  if (audit === 'pruning') return { pruning: { from: Number(from), to: Number(to), hash: String(hash) } }
  const checkpoint = parseCheckpoint(value)
  return checkpoint && { checkpoint }
}

const parse = (text: string, number: number): Line => {
  try {
    const line = toLine(JSON.parse(text))
    if (line !== undefined) return line
  } catch {
    // Said below.
  }
  throw new UnreadableLine(number)
}

async function* readParsed(file: string): AsyncIterable<Line> {
  let number = 0
  for await (const text of readLines(file)) {
    number += 1
    if (text !== '') yield parse(text, number)
  }
}

/** What stands before the first event. */
const readHead = async (file: string) => {
  const keys = new Map<string, string>()
  const prunings: Pruning[] = []
  const checkpoints: Checkpoint[] = []
  for await (const line of readParsed(file)) {
    if ('entry' in line) break
    if ('key' in line) keys.set(...line.key)
    else if ('pruning' in line) prunings.push(line.pruning)
    else checkpoints.push(line.checkpoint)
  }
  return { keys, prunings, checkpoints }
}

/** A whole export (`sealing/export-lines.ts`), read as it comes. @throws UnreadableLine */
export const openExportSource = async (file: string): Promise<ChainSource> => {
  const { keys, prunings, checkpoints: first } = await readHead(file)
  const last = prunings.at(-1)?.to ?? 0
  /** Of positions that no entry has come for. */
  const outside: Checkpoint[] = []
  return {
    keys,
    prunings,
    pages: async function* () {
      let entries: Entry[] = []
      let checkpoints: Checkpoint[] = []
      for await (const line of readParsed(file)) {
        if ('entry' in line && entries.length === pageSize) {
          yield { entries, checkpoints }
          ;[entries, checkpoints] = [[], []]
        }
        if ('entry' in line) entries.push(line.entry)
        else if ('checkpoint' in line && entries.length > 0) {
          const { position } = line.checkpoint
          if (entries.some(entry => entry.position === position)) checkpoints.push(line.checkpoint)
          else outside.push(line.checkpoint)
        }
      }
      if (entries.length > 0) yield { entries, checkpoints }
    },
    checkpointsOutside: async (from, to) =>
      [...first.filter(({ position }) => position <= last), ...outside].filter(
        ({ position }) => position >= from && position <= to,
      ),
    unsealed: async () => [],
  }
}
