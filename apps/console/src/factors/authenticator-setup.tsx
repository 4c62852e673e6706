import { Button, Group, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import type { AuthenticatorSecret, NewFactor } from '../api/answers.ts'
import { useApi } from '../api/use-api.ts'
import { Form } from '../forms/form.tsx'
import { focusOnce } from '../frame/focus.ts'
import { AuthenticatorCodeField, readCode } from '../prove/code-field.tsx'
import { useSessionChanged } from '../session.ts'
import { useConfirmed } from '../step-up.tsx'
import { useTexts } from '../texts/use-texts.tsx'
import styles from './authenticator-setup.module.css'

type AuthenticatorSetupProps = {
  readonly secret: AuthenticatorSecret
  readonly onAdded: (added: NewFactor) => void
  readonly onCancel: () => void
}

/** Shows the secret as a picture and as text, and asks for the first code that the app makes of it. */
export const AuthenticatorSetup = ({ secret, onAdded, onCancel }: AuthenticatorSetupProps) => {
  const { text } = useTexts()
  const api = useApi()
  const confirmed = useConfirmed()
  const sessionChanged = useSessionChanged()
  const confirm = useMutation({
    mutationFn: (code: string) => confirmed(() => api.confirmAuthenticator(code)),
    onSuccess: async added => {
      onAdded(added)
      await sessionChanged()
    },
  })
  return (
    <>
      {/* The button that was pressed is gone: reading goes on here. */}
      <Text ref={focusOnce} tabIndex={-1} className={styles.intro}>
        {text('authenticatorScan')}
      </Text>
      {/* A picture by address, which the policy allows; nothing that was sent becomes markup here. */}
      <img
        className={styles.code}
        src={`data:image/svg+xml,${encodeURIComponent(secret.qr_svg)}`}
        alt={text('authenticatorPicture')}
      />
      <Text>
        {text('authenticatorType')} <code className={styles.secret}>{inGroups(secret.secret)}</code>
      </Text>
      <Form
        action={confirm}
        submit={text('authenticatorConfirm')}
        onSubmit={read => confirm.mutate(readCode(read))}
      >
        <AuthenticatorCodeField description={text('authenticatorCodeHint')} />
      </Form>
      <Group>
        <Button variant="default" onClick={onCancel}>
          {text('cancel')}
        </Button>
      </Group>
    </>
  )
}

/** Easier to type; apps take it with the blanks. */
const inGroups = (secret: string): string => secret.match(/.{1,4}/g)?.join(' ') ?? secret
