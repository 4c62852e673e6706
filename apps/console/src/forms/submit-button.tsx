import { Button } from '@mantine/core'
import { type ReactNode, useEffect, useState } from 'react'
import { problemOf } from '../api/refused.ts'
import { useTexts } from '../texts/use-texts.tsx'

/** What a button must know of its action. */
export type Action = { readonly isPending: boolean; readonly error: unknown }

/** Seconds until the server takes the action again, counted down. */
const useWait = (error: unknown): number => {
  const [seconds, setSeconds] = useState(0)
  useEffect(() => {
    setSeconds(error === null ? 0 : (problemOf(error).retryAfter ?? 0))
    const timer = setInterval(() => setSeconds(left => Math.max(0, left - 1)), 1_000)
    return () => clearInterval(timer)
  }, [error])
  return seconds
}

type SubmitButtonProps = {
  readonly action: Action
  readonly fullWidth?: boolean
  /** Nothing stands before it: a dialog gives it the focus. */
  readonly isFirst?: boolean
  readonly children: ReactNode
}

/** Submits its form. While the limit of the action is reached, it says when it can be tried again. */
export const SubmitButton = ({ action, fullWidth = false, isFirst = false, children }: SubmitButtonProps) => {
  const { text } = useTexts()
  const wait = useWait(action.error)
  return (
    <Button
      type="submit"
      loading={action.isPending}
      disabled={wait > 0}
      fullWidth={fullWidth}
      data-autofocus={isFirst || undefined}
    >
      {wait > 0 ? text('tryAgainIn', { seconds: wait }) : children}
    </Button>
  )
}
