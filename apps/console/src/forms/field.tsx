import { TextInput, type TextInputProps } from '@mantine/core'
import { problemOf } from '../api/refused.ts'
import { fieldsOf } from '../problem-text.ts'
import { useProblemText } from './problem-notice.tsx'

/** What is wrong with a field, if it is this one. */
export const useFieldError = (name: string, error: unknown): string | undefined => {
  const problemText = useProblemText()
  const isAbout = error !== null && fieldsOf(problemOf(error)).includes(name)
  return isAbout ? problemText(error, { field: name }) : undefined
}

type FieldProps = Omit<TextInputProps, 'error'> & { readonly name: string; readonly problem?: unknown }

/**
 * One line of text. `problem` is what the action of the form was refused with; what is wrong with the field
 * takes the place of its hint, which says the same.
 */
export const Field = ({ problem = null, description, ...props }: FieldProps) => {
  const error = useFieldError(props.name, problem)
  return (
    <TextInput
      required
      withAsterisk={false}
      error={error}
      description={error ? null : description}
      {...props}
    />
  )
}

/** A username to be chosen or known; a phone's keyboard leaves it as it is written. */
export const usernameProps = {
  name: 'username',
  autoComplete: 'username',
  autoCapitalize: 'none',
  autoCorrect: 'off',
  spellCheck: false,
} as const

/** Tells a password manager whose password it is that a form asks for. */
export const UsernameOf = ({ username = '' }: { readonly username?: string | undefined }) => (
  <input hidden readOnly name="username" autoComplete="username" value={username} />
)
