import { Button, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useApi } from '../api/use-api.ts'
import { Warning } from '../forms/notice.tsx'
import { ProblemNotice } from '../forms/problem-notice.tsx'
import { useSessionChanged } from '../session.ts'
import { useConfirmed } from '../step-up.tsx'
import { useTexts } from '../texts/use-texts.tsx'
import { Section } from './section.tsx'

/** From here on a new set is a good idea. */
const fewCodes = 3

type RecoveryCodesProps = {
  readonly left: number
  readonly onRenewed: (codes: readonly string[]) => void
}

/** How many recovery codes are left, and a new set of them. */
export const RecoveryCodes = ({ left, onRenewed }: RecoveryCodesProps) => {
  const { text } = useTexts()
  const api = useApi()
  const confirmed = useConfirmed()
  const sessionChanged = useSessionChanged()
  const renew = useMutation({
    mutationFn: () => confirmed(api.renewRecoveryCodes),
    onSuccess: async ({ recovery_codes: codes }) => {
      onRenewed(codes)
      await sessionChanged()
    },
  })
  const told = text('recoveryLeft', { left })
  return (
    <Section title={text('recoveryCodes')}>
      <Text c="dimmed">{text('recoveryIntro')}</Text>
      {left <= fewCodes ? <Warning>{told}</Warning> : <Text>{told}</Text>}
      <ProblemNotice error={renew.error} />
      <div>
        <Button variant="default" loading={renew.isPending} onClick={() => renew.mutate()}>
          {text('recoveryRenew')}
        </Button>
      </div>
    </Section>
  )
}
