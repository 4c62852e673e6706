import { Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useApi, usePageSettings } from '../api/use-api.ts'
import { AccountFields, accountFields, readRegistration } from '../forms/account-fields.tsx'
import { Form } from '../forms/form.tsx'
import { Link } from '../forms/link.tsx'
import { Warning } from '../forms/notice.tsx'
import { useSignInAfter } from '../session.ts'
import { useTexts } from '../texts/use-texts.tsx'

/** Why there is no form. */
const whyNot = { invite: 'registerInviteOnly', closed: 'registerClosed' } as const

/** Makes a user, where anybody may become one, and signs in. */
export const Register = () => {
  const { text } = useTexts()
  const { registration } = usePageSettings()
  return (
    <>
      {registration === 'open' ? <RegisterForm /> : <Warning>{text(whyNot[registration])}</Warning>}
      <Text size="sm">
        {text('registerKnown')} <Link to="/sign-in">{text('signInTitle')}</Link>
      </Text>
    </>
  )
}

const RegisterForm = () => {
  const { text } = useTexts()
  const api = useApi()
  const signInAfter = useSignInAfter()
  const register = useMutation({
    mutationFn: api.register,
    onSuccess: (_, registration) => signInAfter(registration),
  })
  return (
    <Form
      action={register}
      submit={text('registerSubmit')}
      fields={accountFields}
      onSubmit={read => register.mutate(readRegistration(read))}
    >
      <AccountFields problem={register.error} />
    </Form>
  )
}
