import { Button } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import type { Proof } from '../api/answers.ts'
import { problemOf } from '../api/refused.ts'
import { useApi } from '../api/use-api.ts'
import { Prove } from '../prove/prove.tsx'
import { useSessionChanged } from '../session.ts'
import { useTexts } from '../texts/use-texts.tsx'
import type { HalfSignedIn } from './first-step.tsx'

type SecondStepProps = {
  readonly half: HalfSignedIn
  /** Begins again; `wasOver` where the half sign-in can't be finished any more. */
  readonly onBack: (wasOver: boolean) => void
  /** All was right, and a new password is due. */
  readonly onPasswordDue: (error: unknown, username: string) => void
}

/** What is due after the password. */
export const SecondStep = ({ half, onBack, onPasswordDue }: SecondStepProps) => {
  const { text } = useTexts()
  const { username, mfaToken, methods } = half
  const api = useApi()
  const sessionChanged = useSessionChanged()
  const finish = useMutation({
    mutationFn: async (prove: () => Promise<Proof>) => api.finishSignIn(mfaToken, await prove()),
    onSuccess: sessionChanged,
    onError: error => {
      onPasswordDue(error, username)
      if (problemOf(error).attempts_left === 0) onBack(true)
    },
  })
  return (
    <Prove
      methods={methods}
      action={finish}
      onProve={finish.mutate}
      findOptions={() => api.findSecondStepOptions(mfaToken)}
    >
      <Button variant="subtle" size="xs" onClick={() => onBack(false)}>
        {text('signInAgain')}
      </Button>
    </Prove>
  )
}
