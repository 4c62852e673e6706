import type { TextInputProps } from '@mantine/core'
import { Field } from '../forms/field.tsx'
import { useTexts } from '../texts/use-texts.tsx'

const keepAsWritten = {
  autoCapitalize: 'none',
  autoCorrect: 'off',
  spellCheck: false,
} as const

type CodeFieldProps = Pick<TextInputProps, 'description'> & { readonly problem?: unknown }

/** The six digits that an authenticator app shows now. */
export const AuthenticatorCodeField = (props: CodeFieldProps) => {
  const { text } = useTexts()
  return (
    <Field
      name="code"
      label={text('authenticatorCode')}
      inputMode="numeric"
      autoComplete="one-time-code"
      {...keepAsWritten}
      data-autofocus
      {...props}
    />
  )
}

/** One of the codes that were kept for the day when nothing else is at hand. */
export const RecoveryCodeField = (props: CodeFieldProps) => {
  const { text } = useTexts()
  return (
    <Field
      name="code"
      label={text('recoveryCode')}
      autoComplete="off"
      {...keepAsWritten}
      data-autofocus
      {...props}
    />
  )
}

/** As people write it: with blanks between groups. */
export const readCode = (read: (name: string) => string): string => read('code').replaceAll(/\s/g, '')
