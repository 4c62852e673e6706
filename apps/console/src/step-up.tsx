import { Button, Stack, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { createContext, type ReactNode, useCallback, useContext, useState } from 'react'
import type { Proof } from './api/answers.ts'
import { cancelled, isOver, isRefused, Refused } from './api/refused.ts'
import { useApi } from './api/use-api.ts'
import { UsernameOf } from './forms/field.tsx'
import { Dialog } from './frame/dialog.tsx'
import { Prove } from './prove/prove.tsx'
import { useCurrent, useSessionChanged } from './session.ts'
import { useTexts } from './texts/use-texts.tsx'

type Confirmed = <Result>(action: () => Promise<Result>) => Promise<Result>

const StepUp = createContext<Confirmed | undefined>(undefined)

/** Runs an action; where it asks for a recent sign-in, asks who it is and runs it once more. */
export const useConfirmed = (): Confirmed => {
  const confirmed = useContext(StepUp)
  if (confirmed === undefined) throw new TypeError('an action is confirmed inside a StepUpProvider')
  return confirmed
}

type Asking = {
  readonly methods: readonly string[]
  readonly answer: (confirmed: boolean) => void
}

export const StepUpProvider = ({ children }: { readonly children: ReactNode }) => {
  const api = useApi()
  const [asking, setAsking] = useState<Asking>()
  const ask = useCallback(
    (methods: readonly string[]) =>
      new Promise<boolean>(resolve => setAsking({ methods, answer: resolve })).finally(() =>
        setAsking(undefined),
      ),
    [],
  )
  const confirmed: Confirmed = useCallback(
    async action => {
      try {
        return await action()
      } catch (error) {
        if (!isRefused(error, 'insufficient_user_authentication')) throw error
        const { methods, passkey } = await api.findStepUpOptions()
        const usable = methods.filter(method => method !== 'passkey' || passkey !== undefined)
        if (!(await ask(usable))) throw new Refused({ code: cancelled })
        return action()
      }
    },
    [api, ask],
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
    <Dialog title={text('confirmTitle')} isOpen={asking !== undefined} onClose={() => asking?.answer(false)}>
      {asking && <StepUpForm asking={asking} />}
    </Dialog>
  )
}

const StepUpForm = ({ asking }: { readonly asking: Asking }) => {
  const { text } = useTexts()
  const api = useApi()
  const { data: current } = useCurrent()
  const sessionChanged = useSessionChanged()
  const stepUp = useMutation({
    mutationFn: async (prove: () => Promise<Proof>) => api.stepUp(await prove()),
    onSuccess: async () => {
      await sessionChanged()
      asking.answer(true)
    },
    onError: error => {
      if (isOver(error)) asking.answer(false)
    },
  })
  return (
    <Stack>
      <Text>{text('confirmIntro')}</Text>
      <UsernameOf username={current?.user.username} />
      <Prove
        methods={asking.methods}
        action={stepUp}
        onProve={stepUp.mutate}
        findOptions={async () => (await api.findStepUpOptions()).passkey}
        words={{ invalid_credentials: 'errorWrongPassword' }}
      >
        <Button variant="default" size="xs" onClick={() => asking.answer(false)}>
          {text('cancel')}
        </Button>
      </Prove>
    </Stack>
  )
}
