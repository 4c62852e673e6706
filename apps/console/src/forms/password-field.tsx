import { PasswordInput, type PasswordInputProps } from '@mantine/core'
import { useState } from 'react'
import { usePageSettings } from '../api/use-api.ts'
import { useTexts } from '../texts/use-texts.tsx'
import { useFieldError } from './field.tsx'

type PasswordFieldProps = PasswordInputProps & {
  readonly name: string
  readonly problem?: unknown
}

/** A password, with a button that shows it. */
export const PasswordField = ({ problem = null, ...props }: PasswordFieldProps) => {
  const { text } = useTexts()
  const told = useFieldError(props.name, problem)
  const error = props.error ?? told
  return (
    <PasswordInput
      required
      withAsterisk={false}
      visibilityToggleButtonProps={{ 'aria-label': text('showPassword'), tabIndex: 0 }}
      {...props}
      error={error}
      aria-invalid={error ? true : undefined}
    />
  )
}

/** Counted as the server counts: code points of the composed form. */
const lengthOf = (password: string): number => [...password.normalize('NFC')].length

/**
 * A password to be chosen: length is all that is asked of it, so length is what it shows. Where a form was
 * refused for something else first, a password that is too short is told beside it.
 */
export const NewPasswordField = ({ problem = null, ...props }: PasswordFieldProps) => {
  const { text } = useTexts()
  const { password_min_length: minimum } = usePageSettings()
  const [length, setLength] = useState(0)
  const isTooShort = problem !== null && length < minimum
  const hint = length === 0 ? 'passwordHint' : length < minimum ? 'passwordProgress' : 'passwordLongEnough'
  return (
    <PasswordField
      autoComplete="new-password"
      inputWrapperOrder={['label', 'input', 'description', 'error']}
      description={text(hint, { minimum, length })}
      onChange={event => setLength(lengthOf(event.currentTarget.value))}
      problem={problem}
      error={isTooShort ? text('errorPasswordTooShort', { minimum }) : undefined}
      {...props}
    />
  )
}
