import { Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import type { Api } from '../api/api.ts'
import { useApi } from '../api/use-api.ts'
import { UsernameOf } from '../forms/field.tsx'
import { Form } from '../forms/form.tsx'
import { Link } from '../forms/link.tsx'
import { Done, Warning } from '../forms/notice.tsx'
import { NewPasswordField } from '../forms/password-field.tsx'
import { useLinkToken } from '../link-token.ts'
import type { TextName } from '../texts/en.ts'
import { useTexts } from '../texts/use-texts.tsx'

/** What a link in a mail can do. */
type LinkAction = {
  readonly intro: TextName
  readonly submit: TextName
  readonly done: TextName
  /** The link asks for a new password as well. */
  readonly takesPassword?: true
  readonly act: (api: Api, token: string, newPassword: string) => Promise<unknown>
}

/** A link does nothing by being opened: programs that look through mail open it as well. */
const createLinkView =
  ({ intro, submit, done, takesPassword, act }: LinkAction) =>
  () => {
    const { text } = useTexts()
    const api = useApi()
    const token = useLinkToken()
    const action = useMutation({ mutationFn: (newPassword: string) => act(api, token ?? '', newPassword) })
    if (token === undefined) return null
    if (token === '') return <Warning>{text('linkBroken')}</Warning>
    if (action.isSuccess)
      return (
        <>
          <Done>{text(done)}</Done>
          <Link to="/me">{text('toAccount')}</Link>
        </>
      )
    return (
      <>
        <Text c="dimmed">{text(intro)}</Text>
        <Form
          action={action}
          submit={text(submit)}
          fields={['new_password']}
          onSubmit={read => action.mutate(read('new_password'))}
        >
          {takesPassword && (
            <>
              <UsernameOf />
              <NewPasswordField name="new_password" label={text('newPassword')} problem={action.error} />
            </>
          )}
        </Form>
      </>
    )
  }

export const VerifyEmail = createLinkView({
  intro: 'verifyIntro',
  submit: 'verifySubmit',
  done: 'verifyDone',
  act: (api, token) => api.verifyEmail(token),
})

export const NotMe = createLinkView({
  intro: 'notMeIntro',
  submit: 'notMeSubmit',
  done: 'notMeDone',
  act: (api, token) => api.refuseEmail(token),
})

export const ResetPassword = createLinkView({
  intro: 'resetIntro',
  submit: 'resetSubmit',
  done: 'resetDone',
  takesPassword: true,
  act: (api, token, newPassword) => api.resetPassword(token, newPassword),
})
