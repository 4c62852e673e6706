import type { ValidateFunction } from 'ajv'
import type { JSONSchema } from 'json-schema-to-ts'
import { compileJson } from '../ground/json-schema.ts'

/** Who sees a field: everybody who sees the user, the user, or administrators only. Each sees what those before do. */
const readers = ['public', 'self', 'administrator'] as const
/** Who changes a field over HTTP: the user, administrators, or nobody. The application's own code changes each. */
const writers = ['self', 'administrator', 'nobody'] as const
/** Whoever writes. */
export type Writer = 'self' | 'administrator' | 'application'

export type FieldReader = (typeof readers)[number]
export type FieldWriter = (typeof writers)[number]

/** A field of the application on every user, as plain JSON Schema, with who may read and write it. */
export type UserField = {
  readonly schema: JSONSchema
  readonly read: FieldReader
  readonly write: FieldWriter
}

/**
 * The fields that an application declares, by name.
 *
 *     const userFields = {
 *       display_name: { schema: { type: 'string', maxLength: 80 }, read: 'public', write: 'self' },
 *     } as const satisfies UserFields
 */
export type UserFields = Readonly<Record<string, UserField>>

/** Names that mean something else in an account, or in every JavaScript object. */
const taken = new Set(
  'id username email email_verified roles permissions password version fields created_at disabled_at'.split(
    ' ',
  ),
)

const findFaultOfName = (name: string): string | undefined => {
  if (!/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(name) || name.length > 64)
    return 'write a name in snake_case of at most 64 characters'
  return taken.has(name) || name in {} ? 'this name means something else already' : undefined
}

const orNull = (schema: JSONSchema) => ({ anyOf: [schema, { type: 'null' }] }) as const

type Validators = ReadonlyMap<string, ValidateFunction>

const compile = (declared: UserFields): Validators => {
  const compileOne = (name: string, { schema }: UserField): ValidateFunction => {
    try {
      return compileJson(orNull(schema) as object)
    } catch (error) {
      throw new Error(`the user field "${name}": its schema can not be used: ${error}`, { cause: error })
    }
  }
  return new Map(Object.entries(declared).map(([name, field]) => [name, compileOne(name, field)]))
}

const validators = new WeakMap<UserFields, Validators>()

/** Made once for each declaration. Each takes null as well: as a change it removes the field. */
export const validatorsOf = (declared: UserFields): Validators => {
  const known = validators.get(declared) ?? compile(declared)
  validators.set(declared, known)
  return known
}

const findFault = (name: string, { schema, read, write }: UserField): string | undefined => {
  if (!readers.includes(read)) return `"read" must be one of ${readers.join(', ')}`
  if (!writers.includes(write)) return `"write" must be one of ${writers.join(', ')}`
  if (typeof schema !== 'object' || Object.keys(schema).length === 0)
    return '"schema" must say what values there are: an empty one takes everything'
  // It would be written in the name of whoever sends a body without the field.
  if (JSON.stringify(schema).includes('"default":'))
    return 'its schema may have no default: the application writes what nobody has given'
  return findFaultOfName(name)
}

/** Checks a declaration at the start. @throws Error naming the field and what is wrong with it */
export const checkUserFields = <Declared extends UserFields>(declared: Declared): Declared => {
  for (const [name, field] of Object.entries(declared)) {
    const fault = findFault(name, field)
    if (fault !== undefined) throw new Error(`the user field "${name}": ${fault}`)
  }
  validatorsOf(declared)
  return declared
}

export const isSeenBy = ({ read }: UserField, reader: FieldReader): boolean =>
  readers.indexOf(read) <= readers.indexOf(reader)
export const isWrittenBy = ({ write }: UserField, writer: Writer): boolean =>
  writer === 'application' || (write !== 'nobody' && writers.indexOf(write) <= writers.indexOf(writer))

/** A plain JSON Schema whose properties are known only when it runs. */
export type FieldsSchema = { readonly type: 'object' }

/** A schema that lists exactly the fields of which `has` is true, all of them optional. */
const schemaOf = (
  declared: UserFields,
  has: (field: UserField) => boolean,
  toSchema: (schema: JSONSchema) => JSONSchema,
): FieldsSchema => {
  const listed = Object.entries(declared).filter(([, field]) => has(field))
  const properties = Object.fromEntries(listed.map(([name, { schema }]) => [name, toSchema(schema)]))
  const strict = { type: 'object' as const, additionalProperties: false, properties }
  return strict
}

const same = (schema: JSONSchema): JSONSchema => schema

/** What an answer to such a reader lists. */
export const shownFieldsSchema = (declared: UserFields, reader: FieldReader): FieldsSchema =>
  schemaOf(declared, field => isSeenBy(field, reader), same)

/** What a body of such a writer may name: what may not be written is refused later, where it may be seen. */
const takenFieldsSchema =
  (toSchema: (schema: JSONSchema) => JSONSchema) =>
  (declared: UserFields, writer: 'self' | 'administrator'): FieldsSchema =>
    schemaOf(declared, field => isSeenBy(field, writer) || isWrittenBy(field, writer), toSchema)

/** The fields that such a writer gives a new user. */
export const newFieldsSchema = takenFieldsSchema(same)
/** The changes that such a writer makes: null removes a field. */
export const fieldChangesSchema = takenFieldsSchema(orNull)
