import { Badge } from '@mantine/core'
import type { ListedUser } from '../api/administration-answers.ts'
import { useTexts } from '../texts/use-texts.tsx'

type UserStateProps = { readonly user: Pick<ListedUser, 'state' | 'password_change_due'> }

/** Only what is out of the ordinary. */
export const UserState = ({ user: { state, password_change_due: isDue } }: UserStateProps) => {
  const { text } = useTexts()
  return (
    <>
      {state === 'disabled' && (
        <Badge variant="light" color="red">
          {text('disabled')}
        </Badge>
      )}
      {isDue && (
        <Badge variant="light" color="yellow">
          {text('passwordDue')}
        </Badge>
      )}
    </>
  )
}
