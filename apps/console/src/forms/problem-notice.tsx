import { Alert } from '@mantine/core'
import { cancelled, problemOf } from '../api/refused.ts'
import { usePageSettings } from '../api/use-api.ts'
import { toTextName } from '../problem-text.ts'
import type { TextName } from '../texts/en.ts'
import { useTexts } from '../texts/use-texts.tsx'

type Telling = {
  /** Other words for a code, where a form knows better what it means. */
  readonly words?: Words
  /** The field that they are about. */
  readonly field?: string | undefined
}

/** The words for whatever was thrown; undefined for a dialog that was closed. */
export const useProblemText = (): ((error: unknown, telling?: Telling) => string | undefined) => {
  const { text } = useTexts()
  const { password_min_length: minimum, public_url: address } = usePageSettings()
  return (error, { words = {}, field } = {}) => {
    if (error === null) return undefined
    const problem = problemOf(error)
    if (problem.code === cancelled) return undefined
    return text(words[problem.code] ?? toTextName(problem, field), {
      minimum,
      address: `${address}/console`,
      code: problem.code,
    })
  }
}

export type Words = Readonly<Record<string, TextName>>

/** Says what went wrong, aloud as well. */
export const ProblemNotice = ({ error, ...telling }: Telling & { readonly error: unknown }) => {
  const problemText = useProblemText()(error, telling)
  return problemText === undefined ? null : (
    <Alert color="red" role="alert">
      {problemText}
    </Alert>
  )
}
