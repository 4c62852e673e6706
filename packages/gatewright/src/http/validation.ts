import type { ValidateFunction } from 'ajv'
import buildSerializer, { type Schema } from 'fast-json-stringify'
import type { FastifyInstance } from 'fastify'
import { byText, compileJson, createCompiler, strictSchemas } from '../ground/json-schema.ts'

type Validator = { (value: unknown): boolean; errors?: NonNullable<ValidateFunction['errors']> | null }

const validateLazily = (compile: () => ValidateFunction): Validator => {
  let validate: ValidateFunction | undefined
  const run: Validator = value => {
    validate ??= compile()
    const isValid = validate(value)
    run.errors = validate.errors ?? null
    return isValid
  }
  return run
}

const serializeLazily = (schema: Schema): ((value: unknown) => string) => {
  let serialize: ((value: unknown) => string) | undefined
  return value => {
    serialize ??= toSerializer(schema)
    return serialize(value)
  }
}

const toSerializer = byText((schema: Schema) => buildSerializer(schema))

// Without strictNumbers `Infinity` is read as a number that no minimum or maximum holds.
const coercing = { coerceTypes: true, strictNumbers: false } as const
const compileText = createCompiler({ ...strictSchemas, ...coercing, removeAdditional: false })

/**
 * Schemas are strict: nothing is coerced in a body, no unknown field is dropped in silence. A query is
 * text, so numbers and booleans are read from it.
 *
 * Each schema is compiled when a request first needs it: all of them together cost a start a tenth of
 * its time and memory. A test sends a good request to every route, so a mistake in a schema is found there.
 */
export const useStrictSchemas = (app: FastifyInstance): void => {
  app.setValidatorCompiler(({ schema, httpPart }) => {
    const compile = httpPart === 'body' ? compileJson : compileText
    return validateLazily(() => compile(schema as object))
  })
  app.setSerializerCompiler(({ schema }) => serializeLazily(schema as Schema))
}
