import { NativeSelect, Textarea } from '@mantine/core'
import { Choice } from '../administration/role-choice.tsx'
import type { KeyRequest } from '../api/key-answers.ts'
import { daysFromNow } from '../clock.ts'
import { Field, useFieldError } from '../forms/field.tsx'
import { Form } from '../forms/form.tsx'
import type { TextName } from '../texts/en.ts'
import { useTexts } from '../texts/use-texts.tsx'

/** After how many days a key ends by itself; the empty one never does. */
const lifetimes = {
  '30': 'keyMonth',
  '90': 'keyQuarter',
  '365': 'keyYear',
  '': 'keyForever',
} as const satisfies Readonly<Record<string, TextName>>

const usual = '90'

const toExpiry = (days: string): string | null => (days === '' ? null : daysFromNow(Number(days)))

/** One address or network a line. */
const toLines = (written: string): readonly string[] =>
  written
    .split(/[\s,]+/)
    .map(line => line.trim())
    .filter(line => line !== '')

type KeyFormProps = {
  /** What the key may be given. */
  readonly permissions: readonly string[]
  /** How far they reach. */
  readonly hint: string
  readonly action: { readonly isPending: boolean; readonly error: unknown }
  readonly onMake: (request: KeyRequest) => void
}

/** What a new key is called, may do, and from where and how long. */
export const KeyForm = ({ permissions, hint, action, onMake }: KeyFormProps) => {
  const { text } = useTexts()
  const addressError = useFieldError('allowed_addresses', action.error)
  return (
    <Form
      action={action}
      submit={text('keyMake')}
      fields={['name', 'allowed_addresses']}
      onSubmit={(read, readAll) =>
        onMake({
          name: read('name'),
          permissions: readAll('permissions'),
          expires_at: toExpiry(read('days')),
          allowed_addresses: toLines(read('allowed_addresses')),
        })
      }
    >
      <Field
        name="name"
        autoComplete="off"
        maxLength={100}
        label={text('keyName')}
        description={text('keyNameHint')}
        problem={action.error}
      />
      <Choice name="permissions" label={text('keyPermissions')} options={permissions} hint={hint} />
      <NativeSelect
        name="days"
        label={text('keyLifetime')}
        defaultValue={usual}
        data={Object.entries(lifetimes).map(([value, name]) => ({ value, label: text(name) }))}
      />
      <Textarea
        name="allowed_addresses"
        rows={2}
        spellCheck={false}
        label={text('keyAddresses')}
        description={addressError ? null : text('keyAddressesHint')}
        error={addressError}
      />
    </Form>
  )
}
