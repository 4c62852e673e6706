import { Ajv, type Options, type ValidateFunction } from 'ajv'
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

/** What a schema is compiled to is the same for each text of it: kept for all routes, and all apps of a process. */
export const byText = <Schema extends object, Compiled>(
  compile: (schema: Schema) => Compiled,
): ((schema: Schema) => Compiled) => {
  const known = new Map<string, Compiled>()
  return schema => {
    const text = JSON.stringify(schema)
    const compiled = known.get(text) ?? compile(schema)
    known.set(text, compiled)
    return compiled
  }
}

/** Compiles schemas to functions, each text once. @throws Error where it is no schema */
export const createCompiler = (options: Options): ((schema: object) => ValidateFunction) => {
  let ajv: Ajv | undefined
  return byText(schema => {
    // Two apps may each have a schema of the same `$id`.
    ajv ??= withFormats(new Ajv({ ...options, addUsedSchema: false }))
    return ajv.compile(schema)
  })
}

export const compileJson = createCompiler(jsonSchemas)
