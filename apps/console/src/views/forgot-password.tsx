import { Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useApi } from '../api/use-api.ts'
import { Field } from '../forms/field.tsx'
import { Form } from '../forms/form.tsx'
import { Done } from '../forms/notice.tsx'
import { focusHeading } from '../frame/focus.ts'
import { useTexts } from '../texts/use-texts.tsx'

/** Asks for a link to a new password. The answer is the same whether the address is known or not. */
export const ForgotPassword = () => {
  const { text } = useTexts()
  const api = useApi()
  const forgot = useMutation({ mutationFn: api.forgotPassword, onSuccess: focusHeading })
  if (forgot.isSuccess) return <Done>{text('forgotDone')}</Done>
  return (
    <>
      <Text c="dimmed">{text('forgotIntro')}</Text>
      <Form
        action={forgot}
        submit={text('forgotSubmit')}
        fields={['email']}
        onSubmit={read => forgot.mutate(read('email'))}
      >
        <Field name="email" type="email" autoComplete="email" label={text('email')} problem={forgot.error} />
      </Form>
    </>
  )
}
