import { canonicalJson } from '../../ground/canonical-json.ts'
import { type Show, showWith } from '../show-entry.ts'
import { type Entry, leftOut } from './entry.ts'
import type { Fault } from './fault.ts'

const showsAs = (entry: Entry, show: Show): boolean => {
  try {
    return canonicalJson(entry.shown) === canonicalJson(show(entry))
  } catch {
    return false
  }
}

const isAsSealed = (entry: Entry): boolean =>
  (entry.personal !== leftOut && showsAs(entry, showWith(true))) || showsAs(entry, showWith(false))

/** Whether a line of an export shows what was sealed: most who read one look at nothing else. */
export const checkShown = (entry: Entry): Fault | undefined => {
  const { shown = {}, position, eventId } = entry
  if (Object.keys(shown).length === 0 || isAsSealed(entry)) return undefined
  const what = `the line of event ${eventId} does not show what was sealed at ${position}`
  return { kind: 'shown-otherwise', position, eventId, what }
}
