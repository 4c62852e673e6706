import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { createContext, type ReactNode, useCallback, useContext, useState } from 'react'
import { cancelled, isOver, isRefused, Refused } from './api/refused.ts'
import { useApi } from './api/use-api.ts'
import { UsernameOf } from './forms/field.tsx'
import { readField } from './forms/form.tsx'
import { PasswordField } from './forms/password-field.tsx'
import { ProblemNotice } from './forms/problem-notice.tsx'
import { SubmitButton } from './forms/submit-button.tsx'
import { useCurrent, useSessionChanged } from './session.ts'
import styles from './step-up.module.css'
import { useTexts } from './texts/use-texts.tsx'

type Confirmed = <Result>(action: () => Promise<Result>) => Promise<Result>

const StepUp = createContext<Confirmed | undefined>(undefined)

/** Runs an action; where it asks for a recent sign-in, asks for the password and runs it once more. */
export const useConfirmed = (): Confirmed => {
  const confirmed = useContext(StepUp)
  if (confirmed === undefined) throw new TypeError('an action is confirmed inside a StepUpProvider')
  return confirmed
}

type Asking = { readonly answer: (confirmed: boolean) => void }

export const StepUpProvider = ({ children }: { readonly children: ReactNode }) => {
  const [asking, setAsking] = useState<Asking>()
  const askPassword = useCallback(
    () => new Promise<boolean>(resolve => setAsking({ answer: resolve })).finally(() => setAsking(undefined)),
    [],
  )
  const confirmed: Confirmed = useCallback(
    async action => {
      try {
        return await action()
      } catch (error) {
        if (!isRefused(error, 'insufficient_user_authentication')) throw error
        if (!(await askPassword())) throw new Refused({ code: cancelled })
        return action()
      }
    },
    [askPassword],
  )
  return (
    <StepUp value={confirmed}>
      {children}
      <StepUpDialog asking={asking} />
    </StepUp>
  )
}

const StepUpDialog = ({ asking }: { readonly asking: Asking | undefined }) => {
  const { text } = useTexts()
  return (
    <Modal.Root
      opened={asking !== undefined}
      onClose={() => asking?.answer(false)}
      classNames={{ content: styles.dialog }}
      radius="lg"
      centered
    >
      <Modal.Overlay />
      <Modal.Content>
        <Modal.Body p="lg">
          <Group justify="space-between" wrap="nowrap" mb="xs">
            <Modal.Title className={styles.title}>{text('confirmTitle')}</Modal.Title>
            <Modal.CloseButton aria-label={text('close')} />
          </Group>
          {asking && <StepUpForm asking={asking} />}
        </Modal.Body>
      </Modal.Content>
    </Modal.Root>
  )
}

const StepUpForm = ({ asking }: { readonly asking: Asking }) => {
  const { text } = useTexts()
  const api = useApi()
  const { data: current } = useCurrent()
  const sessionChanged = useSessionChanged()
  const stepUp = useMutation({
    mutationFn: api.stepUp,
    onSuccess: async () => {
      await sessionChanged()
      asking.answer(true)
    },
    onError: error => {
      if (isOver(error)) asking.answer(false)
    },
  })
  return (
    <form
      onSubmit={event => {
        event.preventDefault()
        stepUp.mutate(readField(event.currentTarget, 'password'))
      }}
    >
      <Stack>
        <Text>{text('confirmIntro')}</Text>
        <UsernameOf username={current?.user.username} />
        <ProblemNotice error={stepUp.error} words={{ invalid_credentials: 'errorWrongPassword' }} />
        <PasswordField
          name="password"
          label={text('passwordLabel')}
          autoComplete="current-password"
          data-autofocus
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={() => asking.answer(false)}>
            {text('cancel')}
          </Button>
          <SubmitButton action={stepUp}>{text('confirmSubmit')}</SubmitButton>
        </Group>
      </Stack>
    </form>
  )
}
