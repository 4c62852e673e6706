import { Refusal } from '../ground/refusal.ts'

/** As the routes check it. @throws Refusal `validation_failed` */
export const checkEmail = async (email: string): Promise<void> => {
  const [{ Ajv }, { withFormats }, schemas] = await Promise.all([
    import('ajv'),
    import('../ground/json-schema.ts'),
    import('../http/schemas.ts'),
  ])
  if (withFormats(new Ajv()).validate(schemas.email, email)) return
  const message = 'must be an e-mail address, such as alice@example.org'
  throw new Refusal('validation_failed', { errors: [{ path: '/email', message }] })
}
