import { Alert } from '@mantine/core'
import { cancelled, problemOf } from '../api/refused.ts'
import { usePageSettings } from '../api/use-api.ts'
import { toTextName } from '../problem-text.ts'
import type { TextName } from '../texts/en.ts'
import { useTexts } from '../texts/use-texts.tsx'

/** The words for whatever was thrown; undefined for a dialog that was closed. */
export const useProblemText = (): ((error: unknown, words?: Words) => string | undefined) => {
  const { text } = useTexts()
  const { password_min_length: minimum, public_url: address } = usePageSettings()
  return (error, words = {}) => {
    if (error === null) return undefined
    const problem = problemOf(error)
    if (problem.code === cancelled) return undefined
    return text(words[problem.code] ?? toTextName(problem), {
      minimum,
      address: `${address}/console`,
      code: problem.code,
    })
  }
}

/** Other words for a code, where a form knows better what it means. */
export type Words = Readonly<Record<string, TextName>>

/** Says what went wrong, aloud as well. */
export const ProblemNotice = ({ error, words = {} }: { readonly error: unknown; readonly words?: Words }) => {
  const problemText = useProblemText()(error, words)
  return problemText === undefined ? null : (
    <Alert color="red" role="alert">
      {problemText}
    </Alert>
  )
}
