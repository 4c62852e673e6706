import { Button, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import type { NewFactor } from '../api/answers.ts'
import { useApi } from '../api/use-api.ts'
import { ProblemNotice } from '../forms/problem-notice.tsx'
import { focusHeading } from '../frame/focus.ts'
import { useConfirmed } from '../step-up.tsx'
import { useTexts } from '../texts/use-texts.tsx'
import { AuthenticatorSetup } from './authenticator-setup.tsx'
import styles from './factor-list.module.css'
import { Section } from './section.tsx'

type AuthenticatorProps = {
  /** Since when; null where there is none. */
  readonly addedAt: string | null
  readonly onAdded: (added: NewFactor) => void
  readonly onRemove: () => void
}

/** The authenticator app: set up, remove. */
export const Authenticator = ({ addedAt, onAdded, onRemove }: AuthenticatorProps) => {
  const { text, time } = useTexts()
  return (
    <Section title={text('authenticator')}>
      {addedAt === null ? (
        <AddAuthenticator onAdded={onAdded} />
      ) : (
        <div className={styles.row}>
          <Text>{text('addedAt', { time: time(addedAt) })}</Text>
          <Button
            variant="default"
            size="xs"
            aria-label={text('removeOf', { name: text('authenticator') })}
            onClick={onRemove}
          >
            {text('remove')}
          </Button>
        </div>
      )}
    </Section>
  )
}

const AddAuthenticator = ({ onAdded }: Pick<AuthenticatorProps, 'onAdded'>) => {
  const { text } = useTexts()
  const api = useApi()
  const confirmed = useConfirmed()
  const start = useMutation({ mutationFn: () => confirmed(api.startAuthenticator) })
  const cancel = (): void => {
    start.reset()
    focusHeading()
  }
  if (start.data) return <AuthenticatorSetup secret={start.data} onAdded={onAdded} onCancel={cancel} />
  return (
    <>
      <Text c="dimmed">{text('authenticatorIntro')}</Text>
      <ProblemNotice error={start.error} />
      <div>
        <Button loading={start.isPending} onClick={() => start.mutate()}>
          {text('authenticatorAdd')}
        </Button>
      </div>
    </>
  )
}
