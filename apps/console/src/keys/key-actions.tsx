import type { Making } from '../administration/changes.tsx'
import type { ApiKey } from '../api/key-answers.ts'
import { RowButton } from '../frame/rows.tsx'
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
        <RowButton
          label={text('keyRotateOf', { name })}
          onClick={() =>
            changes.make({
              run: rotate,
              done: text('keyRotated', { name }),
              ...(onRotated && { onDone: onRotated }),
            })
          }
        >
          {text('keyRotate')}
        </RowButton>
      )}
      <RowButton
        ends
        label={text('keyRevokeOf', { name })}
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
      </RowButton>
    </>
  )
}
