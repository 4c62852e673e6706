import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import type { Proof } from '../api/answers.ts'
import { isRefused, problemOf } from '../api/refused.ts'
import { useApi } from '../api/use-api.ts'
import { UsernameOf } from '../forms/field.tsx'
import { Form } from '../forms/form.tsx'
import { Link } from '../forms/link.tsx'
import { Done, Warning } from '../forms/notice.tsx'
import { NewPasswordField } from '../forms/password-field.tsx'
import { focusHeading } from '../frame/focus.ts'
import { Prove } from '../prove/prove.tsx'
import { useSessionChanged } from '../session.ts'
import { useTexts } from '../texts/use-texts.tsx'

type Wanted = { readonly password: string; readonly prove?: () => Promise<Proof> }

/** A link is shown with a code: passkeys sign in without any password. */
const noOptions = (): Promise<never> => Promise.reject(new TypeError('no passkey is asked for here'))

type NewPasswordProps = {
  readonly token: string
  /** Whose it is, where that is known. */
  readonly username?: string
  /** Takes the place of what is said when it is set. */
  readonly onDone?: () => void
  /** Takes the place of what is said when the token is good no more. */
  readonly onOver?: () => void
}

/** Sets a new password by a token, with a second factor where one is due. Signs nobody in. */
export const NewPassword = ({ token, username, onDone, onOver }: NewPasswordProps) => {
  const { text } = useTexts()
  const api = useApi()
  const sessionChanged = useSessionChanged()
  const [password, setPassword] = useState<string>()
  const [methods, setMethods] = useState<readonly string[]>([])
  const reset = useMutation({
    mutationFn: async (wanted: Wanted) =>
      api.resetPassword({ token, new_password: wanted.password, ...(await wanted.prove?.()) }),
    onSuccess: async () => {
      onDone?.()
      focusHeading()
      await sessionChanged()
    },
    onError: (error, wanted) => {
      if (isRefused(error, 'invalid_link')) onOver?.()
      if (!isRefused(error, 'mfa_required')) return
      setMethods((problemOf(error).methods ?? []).filter(method => method !== 'passkey'))
      setPassword(wanted.password)
      reset.reset()
    },
  })
  if (reset.isSuccess)
    return (
      <>
        <Done>{text('resetDone')}</Done>
        <Link to="/sign-in" memory={{ from: '/me/review' }}>
          {text('signInTitle')}
        </Link>
      </>
    )
  if (password !== undefined && methods.length === 0) return <Warning>{text('resetNothing')}</Warning>
  if (password !== undefined)
    return (
      <Prove
        methods={methods}
        action={reset}
        onProve={prove => reset.mutate({ password, prove })}
        findOptions={noOptions}
      />
    )
  return (
    <Form
      action={reset}
      submit={text('resetSubmit')}
      fields={['new_password']}
      onSubmit={read => reset.mutate({ password: read('new_password') })}
    >
      <UsernameOf username={username} />
      <NewPasswordField name="new_password" label={text('newPassword')} problem={reset.error} />
    </Form>
  )
}
