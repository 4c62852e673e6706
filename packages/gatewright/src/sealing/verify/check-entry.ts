import { hashOf } from '../../audit/canonical.ts'
import type { Entry } from './entry.ts'
import type { Fault } from './fault.ts'

/** How far from its place a sealed event is looked for that was moved. */
const near = 16

const isSealOf = ({ position, hash, previousHash }: Entry, row: Entry['row']): boolean =>
  row !== undefined && hashOf({ position, previousHash }, row) === hash

const faultOf = ({ position, eventId }: Entry, kind: Fault['kind'], what: string): Fault => ({
  kind,
  position,
  eventId,
  what,
})

/** The position that an event was sealed at, where its own seal was moved and not changed. */
const findSealedAt = (entry: Entry): number | undefined => {
  for (let away = 1; away <= near; away++)
    for (const position of [entry.position + away, entry.position - away])
      if (isSealOf({ ...entry, position }, entry.row)) return position
  return undefined
}

/** Why the seal is not of the event that it names. */
const explainContent = (entry: Entry, page: readonly Entry[]): Fault => {
  const { position, eventId } = entry
  const at = page.indexOf(entry)
  const other = page.slice(Math.max(0, at - near), at + near + 1).find(({ row }) => isSealOf(entry, row))
  if (other !== undefined)
    return faultOf(entry, 'reordered', `what was sealed at ${position} stands at ${other.position}`)
  const sealedAt = findSealedAt(entry)
  if (sealedAt === undefined) return faultOf(entry, 'edited', `event ${eventId} is not what was sealed`)
  return sealedAt > position
    ? faultOf(
        entry,
        'deleted',
        `what stands at ${position} was sealed at ${sealedAt}: there were more before it`,
      )
    : faultOf(
        entry,
        'inserted',
        `what stands at ${position} was sealed at ${sealedAt}: there were fewer before it`,
      )
}

/** Whether the event is the one that was sealed. */
export const checkContent = (entry: Entry, page: readonly Entry[]): Fault | undefined => {
  const { row, position, eventId } = entry
  if (row === undefined)
    return faultOf(entry, 'deleted', `event ${eventId}, sealed at ${position}, is not there`)
  if (row.id !== eventId)
    return faultOf(
      entry,
      'edited',
      `what was sealed at ${position} is not event ${eventId}, as is said there`,
    )
  return isSealOf(entry, row) ? undefined : explainContent(entry, page)
}

/** Where the chain stands before an entry. */
export type End = { readonly position: number; readonly hash: string }

/** Whether an entry hangs on the one before it. */
export const checkLink = (entry: Entry, { position: before, hash }: End): Fault | undefined => {
  const { position, previousHash } = entry
  if (position <= before) return faultOf(entry, 'fork', `position ${position} is there twice`)
  if (position > before + 1) {
    const missing = position === before + 2 ? `${before + 1}` : `${before + 1} to ${position - 1}`
    const fault = faultOf(entry, 'deleted', `sealed at ${missing}, not there any more`)
    return { ...fault, position: before + 1 }
  }
  if (previousHash === hash) return undefined
  return faultOf(entry, 'rewritten', `position ${position} does not hang on position ${before}`)
}
