import { Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import type { LinkAnswer } from '../api/answers.ts'
import type { Api } from '../api/api.ts'
import { useApi } from '../api/use-api.ts'
import { Form } from '../forms/form.tsx'
import { Link } from '../forms/link.tsx'
import { Done } from '../forms/notice.tsx'
import { focusHeading } from '../frame/focus.ts'
import { NewPassword } from '../recovery/new-password.tsx'
import { WithToken } from '../recovery/with-token.tsx'
import { useSessionChanged } from '../session.ts'
import type { TextName } from '../texts/en.ts'
import { useTexts } from '../texts/use-texts.tsx'

/** What a link in a mail can do. */
type LinkAction = {
  readonly intro: TextName
  readonly submit: TextName
  readonly done: TextName
  /** Said in its place where no new password can be chosen. */
  readonly withoutReset?: TextName
  readonly act: (api: Api, token: string) => Promise<LinkAnswer>
  /** Where it goes on; the account without a word. */
  readonly next?: { readonly path: string; readonly text: TextName }
}

/** A link does nothing by being opened: programs that look through mail open it as well. */
const createLinkView = (action: LinkAction) => () => (
  <WithToken>{token => <LinkForm key={token} token={token} action={action} />}</WithToken>
)

type LinkFormProps = { readonly token: string; readonly action: LinkAction }

const LinkForm = ({
  token,
  action: { intro, submit, done, withoutReset = done, act, next },
}: LinkFormProps) => {
  const { text } = useTexts()
  const api = useApi()
  const sessionChanged = useSessionChanged()
  const action = useMutation({
    mutationFn: () => act(api, token),
    onSuccess: async () => {
      focusHeading()
      await sessionChanged()
    },
  })
  if (!action.isSuccess)
    return (
      <>
        <Text c="dimmed">{text(intro)}</Text>
        <Form action={action} submit={text(submit)} onSubmit={() => action.mutate()} />
      </>
    )
  const resetToken = action.data?.reset_token
  return (
    <>
      <Done>{text(resetToken === undefined ? withoutReset : done)}</Done>
      {resetToken === undefined ? (
        <Link to={next?.path ?? '/me'}>{text(next?.text ?? 'toAccount')}</Link>
      ) : (
        <NewPassword token={resetToken} />
      )}
    </>
  )
}

export const VerifyEmail = createLinkView({
  intro: 'verifyIntro',
  submit: 'verifySubmit',
  done: 'verifyDone',
  act: (api, token) => api.verifyEmail(token),
})

export const UndoEmail = createLinkView({
  intro: 'undoIntro',
  submit: 'undoSubmit',
  done: 'undoDone',
  withoutReset: 'undoTaken',
  act: (api, token) => api.undoEmail(token),
})

export const NotMe = createLinkView({
  intro: 'notMeIntro',
  submit: 'notMeSubmit',
  done: 'notMeDone',
  withoutReset: 'notMeElsewhere',
  act: (api, token) => api.refuseEvent(token),
})

/** Whoever has the address may sign in here, whatever strangers have tried meanwhile. */
export const ProveAddress = createLinkView({
  intro: 'proveAddressIntro',
  submit: 'proveAddressSubmit',
  done: 'proveAddressDone',
  next: { path: '/sign-in', text: 'signInTitle' },
  act: (api, token) => api.proveAddress(token),
})

export const ResetPassword = () => {
  const { text } = useTexts()
  return (
    <WithToken>
      {token => (
        <>
          <Text c="dimmed">{text('resetIntro')}</Text>
          <NewPassword key={token} token={token} />
        </>
      )}
    </WithToken>
  )
}
