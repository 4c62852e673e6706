import type { FromSchema, JSONSchema } from 'json-schema-to-ts'
import { type FieldError, Refusal } from '../ground/refusal.ts'
import type { Database } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import {
  type FieldReader,
  isSeenBy,
  isWrittenBy,
  type UserFields,
  validatorsOf,
  type Writer,
} from './declared-fields.ts'

/** Values as they are stored: of any declaration, perhaps an older one. */
export type UserFieldValues = Readonly<Record<string, unknown>>

/** What a schema takes, where the compiler knows the schema. */
type ValueOf<Schema extends JSONSchema> = JSONSchema extends Schema ? unknown : FromSchema<Schema>

/** What a user has of the declared fields. */
export type FieldsOf<Declared extends UserFields> = {
  readonly [Name in keyof Declared]?: ValueOf<Declared[Name]['schema']>
}
/** New values; null removes one. */
export type FieldChanges<Declared extends UserFields> = {
  readonly [Name in keyof Declared]?: ValueOf<Declared[Name]['schema']> | null
}

/** All fields of one user together, as JSON, in UTF-16 units. */
const mostStored = 16_384

/** The fields as they are stored. */
export const parseUserFields = (text: string): UserFieldValues => JSON.parse(text)

/** The declared fields of a user that such a reader may see. What no longer fits its declaration is left out. */
export const showUserFields = <Declared extends UserFields>(
  declared: Declared,
  stored: UserFieldValues,
  reader: FieldReader,
): FieldsOf<Declared> => {
  const shown = Object.entries(declared).filter(
    ([name, field]) =>
      isSeenBy(field, reader) &&
      Object.hasOwn(stored, name) &&
      validatorsOf(declared).get(name)?.(stored[name]),
  )
  return Object.fromEntries(shown.map(([name]) => [name, stored[name]])) as FieldsOf<Declared>
}

const pathOf = (name: string): string => `/fields/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`

const errorsOf = (declared: UserFields, name: string, value: unknown): readonly FieldError[] => {
  const validate = validatorsOf(declared).get(name)
  if (validate?.(value)) return []
  const own = validate?.errors?.filter(({ schemaPath }) => schemaPath.startsWith('#/anyOf/0')) ?? []
  const errors = own.map(({ instancePath, message = '' }) => ({ path: pathOf(name) + instancePath, message }))
  return errors.length > 0 ? errors : [{ path: pathOf(name), message: 'is not valid' }]
}

/** Refuses what a writer may not name, as if it were not there where the writer may not see it either. */
const checkWriter = (declared: UserFields, name: string, writer: Writer): void => {
  const field = Object.hasOwn(declared, name) ? declared[name] : undefined
  if (field !== undefined && isWrittenBy(field, writer)) return
  if (field !== undefined && writer !== 'application' && isSeenBy(field, writer))
    throw new Refusal('insufficient_permission', {
      reason: 'user_field_not_writable',
      detail: `You may not change the field ${name}.`,
    })
  throw new Refusal('validation_failed', { errors: [{ path: pathOf(name), message: 'is not known' }] })
}

const checkSize = (values: UserFieldValues): void => {
  if (JSON.stringify(values).length <= mostStored) return
  const message = `all fields together may have ${mostStored} characters as JSON`
  throw new Refusal('validation_failed', { errors: [{ path: '/fields', message }] })
}

const merge = (stored: UserFieldValues, changes: UserFieldValues): UserFieldValues => {
  const merged = Object.entries({ ...stored, ...changes }).filter(([, value]) => value !== null)
  return Object.fromEntries(merged)
}

/**
 * The values of a new user.
 * @throws Refusal `validation_failed`, `insufficient_permission`
 */
export const checkUserFieldValues = (
  declared: UserFields,
  given: UserFieldValues,
  writer: Writer,
): UserFieldValues => {
  for (const name of Object.keys(given)) checkWriter(declared, name, writer)
  const errors = Object.entries(given).flatMap(([name, value]) => errorsOf(declared, name, value))
  if (errors.length > 0) throw new Refusal('validation_failed', { errors })
  const values = merge({}, given)
  checkSize(values)
  return values
}

/**
 * Changes the fields named and leaves the others; null removes one. The row is locked while it is merged,
 * so two changes at once both survive.
 * @throws Refusal `validation_failed`, `insufficient_permission`, `not_found`
 */
export const changeUserFields = async <Declared extends UserFields>(
  { db }: { readonly db: Database },
  declared: Declared,
  {
    userId,
    fields,
    writer = 'application',
  }: {
    readonly userId: string
    readonly fields: FieldChanges<Declared>
    readonly writer?: Writer
  },
): Promise<void> => {
  checkUserFieldValues(declared, fields, writer)
  await inTransaction(db, async work => {
    work.beforeLock('user')
    const row = await work.db
      .updateTable('users')
      .set({ id: userId })
      .where('id', '=', userId)
      .where('deleted_at', 'is', null)
      .returning('fields')
      .executeTakeFirst()
    if (row === undefined) throw new Refusal('not_found')
    const merged = merge(parseUserFields(row.fields), fields)
    checkSize(merged)
    await work.db
      .updateTable('users')
      .set({ fields: JSON.stringify(merged) })
      .where('id', '=', userId)
      .execute()
  })
}

const getStored = async (db: Database, userId: string): Promise<UserFieldValues> => {
  const row = await db
    .selectFrom('users')
    .select('fields')
    .where('id', '=', userId)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  if (row === undefined) throw new Refusal('not_found')
  return parseUserFields(row.fields)
}

/** What a user has of the declared fields, for the application's own code. @throws Refusal `not_found` */
export const readUserFields = async <const Declared extends UserFields>(
  db: Database,
  declared: Declared,
  userId: string,
): Promise<FieldsOf<Declared>> => {
  const stored = await getStored(db, userId)
  // The compiler would follow every schema that there could be.
  return showUserFields(declared, stored, 'administrator') as never
}
