import { Badge, Group, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import type { User } from '../api/answers.ts'
import { useApi, usePageSettings } from '../api/use-api.ts'
import { Field } from '../forms/field.tsx'
import { Form } from '../forms/form.tsx'
import { Link } from '../forms/link.tsx'
import { Done, Warning } from '../forms/notice.tsx'
import { focusHeading } from '../frame/focus.ts'
import { useUser } from '../session.ts'
import { useConfirmed } from '../step-up.tsx'
import { useTexts } from '../texts/use-texts.tsx'

/** The own address: where a link goes when the password is forgotten, and word of whatever happens here. */
export const Email = () => {
  const { text } = useTexts()
  const { sends_mail: sendsMail } = usePageSettings()
  const user = useUser()
  return (
    <>
      <Text c="dimmed">{text('emailIntro')}</Text>
      <PresentEmail user={user} />
      {user.email_verified || <WithoutEmail />}
      {sendsMail && <ChangeEmail user={user} />}
    </>
  )
}

/** Where no mail is sent, nobody could verify an address, so nobody is told to have missed it. */
export const PresentEmail = ({ user: { email, email_verified: isVerified } }: { readonly user: User }) => {
  const { text } = useTexts()
  const { sends_mail: sendsMail } = usePageSettings()
  if (email === null) return <Text>{text('noEmail')}</Text>
  return (
    <Group gap="xs">
      <span>{email}</span>
      {(isVerified || sendsMail) && (
        <Badge variant="light" color={isVerified ? 'green' : 'gray'}>
          {text(isVerified ? 'emailVerified' : 'emailUnverified')}
        </Badge>
      )}
    </Group>
  )
}

/** Nobody can be sent a link: what else opens the account again. */
const WithoutEmail = () => {
  const { text } = useTexts()
  const { sends_mail: sendsMail } = usePageSettings()
  return (
    <Warning>
      {text(sendsMail ? 'emailMissing' : 'noMailSent')}{' '}
      <Link to="/me/security">{text('toRecoveryCodes')}</Link>
    </Warning>
  )
}

const ChangeEmail = ({ user: { email, email_verified: isVerified } }: { readonly user: User }) => {
  const { text } = useTexts()
  const api = useApi()
  const confirmed = useConfirmed()
  const change = useMutation({
    mutationFn: (address: string) => confirmed(() => api.changeEmail(address)),
    onSuccess: focusHeading,
  })
  return (
    <>
      {email !== null && !isVerified && <ResendLink email={email} />}
      {change.isSuccess && <Done>{text('emailSent', { email: change.variables })}</Done>}
      <Form
        key={change.isSuccess ? change.submittedAt : 'open'}
        action={change}
        submit={text('emailSubmit')}
        fields={['email']}
        onSubmit={read => change.mutate(read('email'))}
      >
        <Field
          name="email"
          type="email"
          autoComplete="email"
          label={text('newEmail')}
          problem={change.error}
        />
      </Form>
    </>
  )
}

const ResendLink = ({ email }: { readonly email: string }) => {
  const { text } = useTexts()
  const api = useApi()
  const resend = useMutation({ mutationFn: api.resendVerification })
  return (
    <>
      {resend.isSuccess && <Done>{text('emailSent', { email })}</Done>}
      <Form action={resend} submit={text('emailResend')} onSubmit={() => resend.mutate()} />
    </>
  )
}
