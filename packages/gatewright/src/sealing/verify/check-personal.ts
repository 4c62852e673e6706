import { toCommitments } from '../../audit/commitments.ts'
import { type Entry, leftOut, type Personal } from './entry.ts'
import type { Fault } from './fault.ts'

type Fields = Readonly<Record<string, string>>

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const parseFields = (text: string): Fields | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** What the personal fields that are there commit to; undefined where they can't be read, or stand in another's place. */
const commit = ({ salt, address, details }: Personal): string | undefined => {
  const fields = parseFields(details)
  return fields && !Object.hasOwn(fields, 'address')
    ? toCommitments(salt, { address, details: fields })
    : undefined
}

const namesOf = (given: Fields, wanted: Fields): readonly string[] =>
  [...new Set([...Object.keys(wanted), ...Object.keys(given)])].filter(name => given[name] !== wanted[name])

/** Whether the personal fields of an event are those that it commits to; `missing` where there are none at all. */
export const checkPersonal = ({ row, personal, position, eventId }: Entry): Fault | 'missing' | undefined => {
  if (row === undefined || personal === leftOut) return undefined
  const { commitments: wanted } = row
  if (personal === undefined) return wanted === '{}' ? undefined : 'missing'
  const given = commit(personal)
  if (personal.at !== undefined && personal.at !== row.at)
    return {
      kind: 'personal-changed',
      position,
      eventId,
      what: `the address of event ${eventId} has another time`,
    }
  if (given === wanted) return undefined
  const names = namesOf(parseFields(given ?? '') ?? {}, parseFields(wanted) ?? {})
  // The same in another order: whoever writes rows may have another idea of it.
  if (given !== undefined && names.length === 0) return undefined
  const what = `the personal fields ${names.join(', ')} of event ${eventId} are not what it has committed to`
  return { kind: 'personal-changed', position, eventId, what }
}
