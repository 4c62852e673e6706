import { checkForm } from './check-form.ts'

/** @throws Refusal `validation_failed` */
export const checkEmail = async (email: string): Promise<void> => {
  const schemas = await import('../http/schemas.ts')
  const message = 'must be an e-mail address, such as alice@example.org'
  await checkForm(schemas.email, email, { path: '/email', message })
}
