import { Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useApi, usePageSettings } from '../api/use-api.ts'
import { Field, usernameProps } from '../forms/field.tsx'
import { Form } from '../forms/form.tsx'
import { Link } from '../forms/link.tsx'
import { Notice } from '../forms/notice.tsx'
import { PasswordField } from '../forms/password-field.tsx'
import { readMemory } from '../router.ts'
import { useSessionChanged } from '../session.ts'
import { useTexts } from '../texts/use-texts.tsx'

/** Signs in, and goes back to where somebody was who had to. */
export const SignIn = () => {
  const { text } = useTexts()
  const api = useApi()
  const { registration, sends_mail: sendsMail, awaits_administrator: awaitsAdministrator } = usePageSettings()
  const { notice } = readMemory()
  const sessionChanged = useSessionChanged()
  const signIn = useMutation({
    mutationFn: ({ username, password }: { readonly username: string; readonly password: string }) =>
      api.signIn(username, password),
    onSuccess: sessionChanged,
  })
  return (
    <>
      {notice !== undefined && signIn.isIdle && <Notice>{text(notice)}</Notice>}
      {awaitsAdministrator && <Notice>{text('signInFirst')}</Notice>}
      <Form
        action={signIn}
        submit={text('signInSubmit')}
        onSubmit={read => signIn.mutate({ username: read('username'), password: read('password') })}
      >
        <Field {...usernameProps} label={text('username')} />
        <PasswordField name="password" label={text('passwordLabel')} autoComplete="current-password" />
      </Form>
      {sendsMail && (
        <Text size="sm">
          <Link to="/forgot">{text('forgotTitle')}</Link>
        </Text>
      )}
      {registration === 'open' && (
        <Text size="sm">
          {text('signInNew')} <Link to="/register">{text('signInRegister')}</Link>
        </Text>
      )}
    </>
  )
}
