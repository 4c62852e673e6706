import { Button, Divider, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { isRefused, problemOf } from '../api/refused.ts'
import { useApi, usePageSettings } from '../api/use-api.ts'
import { Field, usernameProps } from '../forms/field.tsx'
import { Form } from '../forms/form.tsx'
import { PasswordField } from '../forms/password-field.tsx'
import { ProblemNotice } from '../forms/problem-notice.tsx'
import { hasPasskeys, showPasskey } from '../passkeys.ts'
import { useSessionChanged } from '../session.ts'
import { useTexts } from '../texts/use-texts.tsx'

/** The password was right, and a second proof is due. */
export type HalfSignedIn = {
  readonly username: string
  readonly mfaToken: string
  readonly methods: readonly string[]
}

type Written = { readonly username: string; readonly password: string }

type FirstStepProps = {
  /** What was written before, where the sign-in begins again. */
  readonly username: string
  readonly onHalf: (half: HalfSignedIn) => void
  /** All was right, and a new password is due. */
  readonly onPasswordDue: (error: unknown, username: string) => void
}

/** A password or a passkey. */
export const FirstStep = ({ username, onHalf, onPasswordDue }: FirstStepProps) => {
  const { text } = useTexts()
  const api = useApi()
  const { sends_mail: sendsMail } = usePageSettings()
  const sessionChanged = useSessionChanged()
  const signIn = useMutation({
    mutationFn: (written: Written) => api.signIn(written.username, written.password),
    onSuccess: sessionChanged,
    onError: (error, written) => {
      onPasswordDue(error, written.username)
      const { mfa_token: mfaToken, methods } = problemOf(error)
      if (!isRefused(error, 'mfa_required') || mfaToken === undefined) return
      onHalf({ username: written.username, mfaToken, methods: methods ?? [] })
    },
  })
  const problem = isRefused(signIn.error, 'mfa_required') ? null : signIn.error
  return (
    <>
      <Form
        action={{ ...signIn, error: problem }}
        submit={text('signInSubmit')}
        onSubmit={read => signIn.mutate({ username: read('username'), password: read('password') })}
      >
        <Field {...usernameProps} label={text('username')} defaultValue={username} />
        <PasswordField name="password" label={text('passwordLabel')} autoComplete="current-password" />
      </Form>
      {sendsMail && isRefused(problem, 'invalid_credentials') && (
        <Text size="sm" c="dimmed">
          {text('signInHeld')}
        </Text>
      )}
      {hasPasskeys() && <PasskeySignIn onPasswordDue={onPasswordDue} />}
    </>
  )
}

/** Nobody says first who it is: the passkey does. */
const PasskeySignIn = ({ onPasswordDue }: Pick<FirstStepProps, 'onPasswordDue'>) => {
  const { text } = useTexts()
  const api = useApi()
  const sessionChanged = useSessionChanged()
  const signIn = useMutation({
    mutationFn: async () => api.signInByPasskey(await showPasskey(await api.findSignInOptions())),
    onSuccess: sessionChanged,
    onError: error => onPasswordDue(error, ''),
  })
  return (
    <>
      <Divider label={text('or')} />
      <ProblemNotice error={signIn.error} words={{ invalid_credentials: 'errorPasskey' }} />
      <Button variant="default" fullWidth loading={signIn.isPending} onClick={() => signIn.mutate()}>
        {text('signInByPasskey')}
      </Button>
    </>
  )
}
