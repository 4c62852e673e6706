import { Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import type { Registration } from '../api/answers.ts'
import { useApi } from '../api/use-api.ts'
import { AccountFields, accountFields, readRegistration } from '../forms/account-fields.tsx'
import { Form } from '../forms/form.tsx'
import { Link } from '../forms/link.tsx'
import { Warning } from '../forms/notice.tsx'
import { useLinkToken } from '../link-token.ts'
import { useSignInAfter } from '../session.ts'
import { useTexts } from '../texts/use-texts.tsx'

/** Makes the first administrator from the link that the first start prints, and signs in. */
export const SetUp = () => {
  const { text } = useTexts()
  const token = useLinkToken()
  if (token === undefined) return null
  return (
    <>
      {token === '' ? <Warning>{text('setUpNoLink')}</Warning> : <SetUpForm token={token} />}
      <Text size="sm">
        {text('registerKnown')} <Link to="/sign-in">{text('signInTitle')}</Link>
      </Text>
    </>
  )
}

const SetUpForm = ({ token }: { readonly token: string }) => {
  const { text } = useTexts()
  const api = useApi()
  const signInAfter = useSignInAfter()
  const setUp = useMutation({
    mutationFn: (registration: Registration) => api.setUp(token, registration),
    onSuccess: (_, registration) => signInAfter(registration),
  })
  return (
    <>
      <Text c="dimmed">{text('setUpIntro')}</Text>
      <Form
        action={setUp}
        submit={text('setUpSubmit')}
        fields={accountFields}
        onSubmit={read => setUp.mutate(readRegistration(read))}
      >
        <AccountFields problem={setUp.error} />
      </Form>
    </>
  )
}
