import type { UserFields } from 'gatewright/declared-fields'
import { text } from 'gatewright/schemas'

/** The blog's own fields on every user. */
export const userFields = {
  display_name: { schema: { ...text(1, 80), examples: ['Ann'] }, read: 'public', write: 'self' },
} as const satisfies UserFields
