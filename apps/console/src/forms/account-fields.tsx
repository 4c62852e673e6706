import type { Registration } from '../api/answers.ts'
import { useTexts } from '../texts/use-texts.tsx'
import { Field, usernameProps } from './field.tsx'
import { NewPasswordField } from './password-field.tsx'

export const accountFields = ['username', 'password', 'email'] as const

type AccountFieldsProps = {
  readonly problem: unknown
  /** The address is known already. */
  readonly hasAddress?: boolean
}

/** What somebody fills in who is to become a user. */
export const AccountFields = ({ problem, hasAddress = false }: AccountFieldsProps) => {
  const { text } = useTexts()
  return (
    <>
      <Field
        {...usernameProps}
        label={text('username')}
        description={text('usernameHint')}
        inputWrapperOrder={['label', 'input', 'description', 'error']}
        problem={problem}
      />
      <NewPasswordField name="password" label={text('passwordLabel')} problem={problem} />
      {!hasAddress && (
        <Field
          name="email"
          type="email"
          autoComplete="email"
          required={false}
          label={text('emailOptional')}
          problem={problem}
        />
      )}
    </>
  )
}

export const readRegistration = (read: (name: string) => string): Registration => {
  const email = read('email')
  return { username: read('username'), password: read('password'), ...(email !== '' && { email }) }
}
