import { Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useApi } from '../api/use-api.ts'
import { AccountFields, readRegistration } from '../forms/account-fields.tsx'
import { Form } from '../forms/form.tsx'
import { Link } from '../forms/link.tsx'
import { WithToken } from '../recovery/with-token.tsx'
import { useSignInAfter } from '../session.ts'
import { useTexts } from '../texts/use-texts.tsx'

/** Makes a user of whoever was invited, and signs in. The address is the one that the link was sent to. */
export const Invitation = () => {
  const { text } = useTexts()
  return (
    <>
      <WithToken>{token => <InvitationForm key={token} token={token} />}</WithToken>
      <Text size="sm">
        {text('registerKnown')} <Link to="/sign-in">{text('signInTitle')}</Link>
      </Text>
    </>
  )
}

const InvitationForm = ({ token }: { readonly token: string }) => {
  const { text } = useTexts()
  const api = useApi()
  const signInAfter = useSignInAfter()
  const register = useMutation({
    mutationFn: api.register,
    onSuccess: (_, registration) => signInAfter(registration),
  })
  return (
    <>
      <Text c="dimmed">{text('invitationIntro')}</Text>
      <Form
        action={register}
        submit={text('registerSubmit')}
        fields={['username', 'password']}
        onSubmit={read => register.mutate({ ...readRegistration(read), invitation: token })}
      >
        <AccountFields problem={register.error} hasAddress />
      </Form>
    </>
  )
}
