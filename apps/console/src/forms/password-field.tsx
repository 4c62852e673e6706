import { PasswordInput, type PasswordInputProps } from '@mantine/core'
import { useState } from 'react'
import { usePageSettings } from '../api/use-api.ts'
import { useTexts } from '../texts/use-texts.tsx'
import { useFieldError } from './field.tsx'
import { PasswordStrength } from './password-strength.tsx'

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

/** As the server has it. */
const leastBesideFactor = 8

type NewPasswordFieldProps = PasswordFieldProps & {
  /** A second factor stands beside the password, which may then be shorter. */
  readonly hasFactor?: boolean
}

type Typed = { readonly password: string; readonly username?: string }

const usernameBeside = (input: HTMLInputElement): string | undefined =>
  input.form?.querySelector<HTMLInputElement>('input[name="username"]')?.value || undefined

/**
 * A password to be chosen: it shows how long it is and, once it is long enough, how easily it is guessed. Where a
 * form was refused for something else first, a password that is too short is told beside it.
 */
export const NewPasswordField = ({ problem = null, hasFactor = false, ...props }: NewPasswordFieldProps) => {
  const { text } = useTexts()
  const { password_min_length: alone } = usePageSettings()
  const minimum = hasFactor ? Math.min(leastBesideFactor, alone) : alone
  const [{ password, username }, setTyped] = useState<Typed>({ password: '' })
  const length = lengthOf(password)
  const isTooShort = problem !== null && length < minimum
  const hint = length === 0 ? 'passwordHint' : length < minimum ? 'passwordProgress' : 'passwordLongEnough'
  return (
    <div>
      <PasswordField
        autoComplete="new-password"
        inputWrapperOrder={['label', 'input', 'description', 'error']}
        description={text(hint, { minimum, length })}
        onChange={({ currentTarget }) => {
          const beside = usernameBeside(currentTarget)
          setTyped({ password: currentTarget.value, ...(beside !== undefined && { username: beside }) })
        }}
        problem={problem}
        error={isTooShort ? text('errorPasswordTooShort', { minimum }) : undefined}
        {...props}
      />
      <PasswordStrength password={length < minimum ? '' : password} username={username} />
    </div>
  )
}
