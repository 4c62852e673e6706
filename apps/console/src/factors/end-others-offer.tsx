import { Button, Group, Stack, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useApi } from '../api/use-api.ts'
import { Notice } from '../forms/notice.tsx'
import { ProblemNotice } from '../forms/problem-notice.tsx'
import { useSessionChanged } from '../session.ts'
import { useConfirmed } from '../step-up.tsx'
import { useTexts } from '../texts/use-texts.tsx'

type EndOthersOfferProps = { readonly onDone: (areEnded: boolean) => void }

/** Other devices signed in without the new factor and stay, unless their owner says otherwise. */
export const EndOthersOffer = ({ onDone }: EndOthersOfferProps) => {
  const { text } = useTexts()
  const api = useApi()
  const confirmed = useConfirmed()
  const sessionChanged = useSessionChanged()
  const end = useMutation({
    mutationFn: () => confirmed(api.endOtherDevices),
    onSuccess: async () => {
      await sessionChanged()
      onDone(true)
    },
  })
  return (
    <Notice>
      <Stack gap="sm">
        <Text>{text('offerIntro')}</Text>
        <ProblemNotice error={end.error} />
        <Group gap="xs">
          <Button loading={end.isPending} onClick={() => end.mutate()}>
            {text('endOthers')}
          </Button>
          <Button variant="default" onClick={() => onDone(false)}>
            {text('offerKeep')}
          </Button>
        </Group>
      </Stack>
    </Notice>
  )
}
