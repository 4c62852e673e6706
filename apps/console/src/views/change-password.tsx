import { Text } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useApi } from '../api/use-api.ts'
import { UsernameOf } from '../forms/field.tsx'
import { Form } from '../forms/form.tsx'
import { Done } from '../forms/notice.tsx'
import { NewPasswordField, PasswordField } from '../forms/password-field.tsx'
import { focusHeading } from '../frame/focus.ts'
import { useSessionChanged, useUser } from '../session.ts'
import { useConfirmed } from '../step-up.tsx'
import { useTexts } from '../texts/use-texts.tsx'

type Passwords = { readonly current: string; readonly next: string }

/** Changes the own password, which ends every other device. */
export const ChangePassword = () => {
  const { text } = useTexts()
  const api = useApi()
  const { id, username } = useUser()
  const factors = useQuery({ queryKey: ['factors', id], queryFn: api.findFactors })
  const confirmed = useConfirmed()
  const sessionChanged = useSessionChanged()
  const change = useMutation({
    mutationFn: ({ current, next }: Passwords) => confirmed(() => api.changePassword(current, next)),
    onSuccess: async () => {
      await sessionChanged()
      focusHeading()
    },
  })
  return (
    <>
      <Text c="dimmed">{text('passwordIntro')}</Text>
      {change.isSuccess && <Done>{text('passwordChanged')}</Done>}
      <Form
        // A form that has done its work begins anew, empty.
        key={change.isSuccess ? change.submittedAt : 'open'}
        action={change}
        submit={text('passwordSubmit')}
        fields={['new_password']}
        words={{ invalid_credentials: 'errorWrongPassword' }}
        onSubmit={read => change.mutate({ current: read('current_password'), next: read('new_password') })}
      >
        <UsernameOf username={username} />
        <PasswordField
          name="current_password"
          label={text('currentPassword')}
          autoComplete="current-password"
        />
        <NewPasswordField
          name="new_password"
          label={text('newPassword')}
          problem={change.error}
          hasFactor={(factors.data?.methods.length ?? 0) > 0}
        />
      </Form>
    </>
  )
}
