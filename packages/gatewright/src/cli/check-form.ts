import type { FieldError } from '../ground/refusal.ts'
import { Refusal } from '../ground/refusal.ts'

/** As the routes check it. @throws Refusal `validation_failed` with this error */
export const checkForm = async (schema: object, value: unknown, error: FieldError): Promise<void> => {
  const [{ Ajv }, { withFormats }] = await Promise.all([import('ajv'), import('../ground/json-schema.ts')])
  if (!withFormats(new Ajv()).validate(schema, value))
    throw new Refusal('validation_failed', { errors: [error] })
}
