import { Button } from '@mantine/core'
import type { Making } from '../administration/changes.tsx'
import type { ApiKey } from '../api/key-answers.ts'
import { useTexts } from '../texts/use-texts.tsx'

type KeyActionsProps = {
  readonly apiKey: ApiKey
  readonly changes: Making
  readonly revoke: () => Promise<unknown>
  readonly rotate?: () => Promise<unknown>
  readonly onRotated?: (answer: unknown) => void
}

/** Another key in its place while this one goes on for a while, or its end at once. */
export const KeyActions = ({
  apiKey: { name, state },
  changes,
  revoke,
  rotate,
  onRotated,
}: KeyActionsProps) => {
  const { text } = useTexts()
  return (
    <>
      {rotate && state === 'live' && (
        <Button
          variant="default"
          size="xs"
          aria-label={text('keyRotateOf', { name })}
          onClick={() =>
            changes.make({
              run: rotate,
              done: text('keyRotated', { name }),
              ...(onRotated && { onDone: onRotated }),
            })
          }
        >
          {text('keyRotate')}
        </Button>
      )}
      <Button
        variant="light"
        color="red"
        size="xs"
        aria-label={text('keyRevokeOf', { name })}
        onClick={() =>
          changes.ask({
            title: text('keyRevokeOf', { name }),
            ends: [text('keyRevokeEnds'), text('keyRevokeLast')],
            submit: text('keyRevoke'),
            toChange: () => ({ run: revoke, done: text('keyRevoked', { name }) }),
          })
        }
      >
        {text('keyRevoke')}
      </Button>
    </>
  )
}
