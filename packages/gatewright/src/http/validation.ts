import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import type { FastifyInstance } from 'fastify'

const strict = {
  allErrors: true,
  strict: true,
  strictTypes: false,
  useDefaults: true,
  ownProperties: true,
} as const

/** The formats that our schemas name. */
export const withFormats = (ajv: Ajv): Ajv => {
  // Both are CommonJS: the types and the value disagree on where the default export stands.
  const add = addFormats as unknown as (ajv: Ajv, formats: readonly string[]) => void
  add(ajv, ['email', 'date-time'])
  return ajv
}

/**
 * Schemas are strict: nothing is coerced in a body, no unknown field is dropped in silence. A query is
 * text, so numbers and booleans are read from it.
 */
export const useStrictSchemas = (app: FastifyInstance): void => {
  const body = withFormats(new Ajv({ ...strict, coerceTypes: false, removeAdditional: false }))
  // Without it `Infinity` is read as a number that no minimum or maximum holds.
  const coercing = { coerceTypes: true, strictNumbers: false } as const
  const text = withFormats(new Ajv({ ...strict, ...coercing, removeAdditional: false }))
  app.setValidatorCompiler(({ schema, httpPart }) =>
    (httpPart === 'body' ? body : text).compile(schema as Record<string, unknown>),
  )
}
