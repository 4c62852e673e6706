import { Button, Group } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Done } from '../forms/notice.tsx'
import { ProblemNotice, type Words } from '../forms/problem-notice.tsx'
import { focusHeading } from '../frame/focus.ts'
import { useConfirmed } from '../step-up.tsx'
import { useTexts } from '../texts/use-texts.tsx'
import { AskFirst } from './ask-first.tsx'
import type { Change, Question } from './change.ts'

/** Does what is asked for, after a confirmation where the server wants one, and keeps what came of it. */
export const useChanges = () => {
  const confirmed = useConfirmed()
  const client = useQueryClient()
  const [question, setQuestion] = useState<Question>()
  const [isGone, setGone] = useState(false)
  const changing = useMutation({
    mutationFn: ({ run }: Change) => confirmed(run),
    onSuccess: async (answer, { onDone, isEnd }) => {
      // Before everything is read again: what is gone would be looked for.
      setGone(isEnd === true)
      await client.invalidateQueries()
      onDone?.(answer)
      focusHeading()
    },
  })
  return { changing, isGone, question, ask: setQuestion, make: changing.mutate }
}

export type Making = ReturnType<typeof useChanges>

/** What these codes mean to whoever administers. */
const words: Words = {
  insufficient_permission: 'errorNoWayUp',
  last_administrator: 'errorLastAdministrator',
  not_found: 'errorGone',
  conflict: 'errorConflict',
  invalid_link: 'errorUndoLate',
  second_factor_required: 'errorSecondFactor',
}

/** The question that is open, and what came of the last change, with the way back. */
export const Changes = ({ of: { changing, question, ask, make } }: { readonly of: Making }) => (
  <>
    <AskFirst
      question={question}
      onAnswer={change => {
        ask(undefined)
        if (change) make(change)
      }}
    />
    <ProblemNotice error={changing.error} words={words} />
    {changing.isSuccess && changing.variables.done !== undefined && (
      <Told change={changing.variables} answer={changing.data} onUndo={make} />
    )}
  </>
)

type ToldProps = {
  readonly change: Change
  readonly answer: unknown
  readonly onUndo: (change: Change) => void
}

const Told = ({ change: { done, undo }, answer, onUndo }: ToldProps) => {
  const { text } = useTexts()
  return (
    <Done>
      <Group gap="sm">
        <span>{typeof done === 'function' ? done(answer) : done}</span>
        {undo && (
          <Button
            variant="default"
            size="xs"
            onClick={() => onUndo(typeof undo === 'function' ? undo(answer) : undo)}
          >
            {text('undo')}
          </Button>
        )}
      </Group>
    </Done>
  )
}
