import { Button, Group } from '@mantine/core'
import { useTexts } from '../texts/use-texts.tsx'
import type { Action } from './actions.ts'
import type { Change } from './change.ts'
import type { Making } from './changes.tsx'

type ActOnProps<Thing> = {
  readonly thing: Thing
  /** What people call it. */
  readonly username: string
  readonly actions: readonly Action<Thing>[]
  readonly send: (name: string, reason?: string) => Promise<unknown>
  readonly changes: Making
}

/** What may be done to it: who may not is told so by the server. */
export const ActOn = <Thing,>({ thing, username, actions, send, changes }: ActOnProps<Thing>) => {
  const { text } = useTexts()
  const toChange = ({ name, done, undo }: Action<Thing>, reason?: string): Change => ({
    run: () => send(name, reason),
    done: text(done, { username }),
    ...(undo && { undo: toChange(undo) }),
    ...(name === 'delete' && { isEnd: true }),
  })
  const press = (action: Action<Thing>): void => {
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
      {actions
        .filter(({ isOffered }) => isOffered(thing))
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
