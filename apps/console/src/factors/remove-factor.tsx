import { Button, Group, Stack, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { isRefused } from '../api/refused.ts'
import { Link } from '../forms/link.tsx'
import { Done, Warning } from '../forms/notice.tsx'
import { ProblemNotice } from '../forms/problem-notice.tsx'
import { Dialog } from '../frame/dialog.tsx'
import { focusHeading } from '../frame/focus.ts'
import { useSessionChanged } from '../session.ts'
import { useConfirmed } from '../step-up.tsx'
import { useTexts } from '../texts/use-texts.tsx'

/** A factor that its owner wants to be rid of. */
export type Removal = { readonly name: string; readonly remove: () => Promise<unknown> }

export const useRemoveFactor = () => {
  const confirmed = useConfirmed()
  const sessionChanged = useSessionChanged()
  return useMutation({
    mutationFn: ({ remove }: Removal) => confirmed(remove),
    onSuccess: async () => {
      await sessionChanged()
      focusHeading()
    },
  })
}

/** What came of it. The last factor stays until the password is long enough to stand alone. */
export const RemovalOutcome = ({ removing }: { readonly removing: ReturnType<typeof useRemoveFactor> }) => {
  const { text } = useTexts()
  if (removing.isSuccess) return <Done>{text('removed', { name: removing.variables.name })}</Done>
  if (!isRefused(removing.error, 'password_too_short')) return <ProblemNotice error={removing.error} />
  return (
    <Warning>
      {text('removeNeedsPassword')} <Link to="/me/password">{text('passwordSubmit')}</Link>
    </Warning>
  )
}

type AskRemovalProps = {
  readonly removal: Removal | undefined
  readonly onAnswer: (isYes: boolean) => void
}

/** Asks once more before a factor goes. */
export const AskRemoval = ({ removal, onAnswer }: AskRemovalProps) => {
  const { text } = useTexts()
  return (
    <Dialog title={text('removeTitle')} isOpen={removal !== undefined} onClose={() => onAnswer(false)}>
      <Stack>
        <Text>{text('removeIntro', { name: removal?.name ?? '' })}</Text>
        <Group justify="flex-end">
          <Button variant="default" onClick={() => onAnswer(false)} data-autofocus>
            {text('cancel')}
          </Button>
          <Button color="red" onClick={() => onAnswer(true)}>
            {text('remove')}
          </Button>
        </Group>
      </Stack>
    </Dialog>
  )
}
