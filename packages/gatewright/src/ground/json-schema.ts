import type { Ajv } from 'ajv'
import addFormats from 'ajv-formats'

/** How every schema is read: nothing unknown in it, every mistake told, names of prototypes never looked at. */
export const strictSchemas = {
  allErrors: true,
  strict: true,
  strictTypes: false,
  useDefaults: true,
  ownProperties: true,
} as const

/** What came as JSON is taken as it is: nothing is converted and nothing dropped. */
export const jsonSchemas = { ...strictSchemas, coerceTypes: false, removeAdditional: false } as const

/** The formats that our schemas name. */
export const withFormats = (ajv: Ajv): Ajv => {
  // Both are CommonJS: the types and the value disagree on where the default export stands.
  const add = addFormats as unknown as (ajv: Ajv, formats: readonly string[]) => void
  add(ajv, ['email', 'date-time'])
  return ajv
}
