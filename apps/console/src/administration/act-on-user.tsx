import { Button, Group } from '@mantine/core'
import type { AdministeredUser } from '../api/administration-answers.ts'
import type { Api } from '../api/api.ts'
import { useApi } from '../api/use-api.ts'
import { useTexts } from '../texts/use-texts.tsx'
import type { Change } from './change.ts'
import type { Making } from './changes.tsx'
import { type UserAction, userActions } from './user-actions.ts'

type Sent = { readonly id: string; readonly name: UserAction['name']; readonly reason?: string }

const send = ({ admin }: Api, { id, name, reason }: Sent): Promise<unknown> =>
  name === 'delete' ? admin.deleteUser(id) : admin.changeUser(id, name, reason)

/** What may be done to this user: who may not is told so by the server. */
export const ActOnUser = ({
  user,
  changes,
}: {
  readonly user: AdministeredUser
  readonly changes: Making
}) => {
  const { text } = useTexts()
  const api = useApi()
  const { id, username } = user
  const toChange = ({ name, done, undo }: UserAction, reason?: string): Change => ({
    run: () => send(api, { id, name, ...(reason !== undefined && { reason }) }),
    done: text(done, { username }),
    ...(undo && { undo: toChange(undo) }),
    ...(name === 'delete' && { isEnd: true }),
  })
  const press = (action: UserAction): void => {
    const { label, ends, asksReason } = action
    if (ends === undefined) changes.make(toChange(action))
    else
      changes.ask({
        title: `${text(label)}: ${username}`,
        ends: ends.map(name => text(name)),
        submit: text(label),
        ...(asksReason && { asksReason }),
        toChange: reason => toChange(action, asksReason && reason),
      })
  }
  return (
    <Group gap="xs">
      {userActions
        .filter(({ isOffered }) => isOffered(user))
        .map(action => (
          <Button
            key={action.name}
            variant={action.ends ? 'light' : 'default'}
            color={action.ends ? 'red' : 'gray'}
            size="xs"
            disabled={changes.changing.isPending}
            onClick={() => press(action)}
          >
            {text(action.label)}
          </Button>
        ))}
    </Group>
  )
}
