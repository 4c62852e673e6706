import { Button, Group, Stack, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import type { NewFactor, Passkey } from '../api/answers.ts'
import { useApi } from '../api/use-api.ts'
import { Field } from '../forms/field.tsx'
import { Form } from '../forms/form.tsx'
import { Warning } from '../forms/notice.tsx'
import { focusOnce } from '../frame/focus.ts'
import { hasPasskeys, makePasskey } from '../passkeys.ts'
import { useSessionChanged } from '../session.ts'
import { useConfirmed } from '../step-up.tsx'
import { useTexts } from '../texts/use-texts.tsx'
import styles from './factor-list.module.css'
import { Section } from './section.tsx'

type PasskeysProps = {
  readonly passkeys: readonly Passkey[]
  readonly onAdded: (added: NewFactor) => void
  readonly onRemove: (passkey: Passkey) => void
}

/** The own passkeys: add, name, remove. */
export const Passkeys = ({ passkeys, onAdded, onRemove }: PasskeysProps) => {
  const { text } = useTexts()
  return (
    <Section title={text('passkeys')}>
      <Text c="dimmed">{text('passkeysIntro')}</Text>
      {passkeys.length > 0 && (
        <ul className={styles.list}>
          {passkeys.map(passkey => (
            <PasskeyRow key={passkey.id} passkey={passkey} onRemove={() => onRemove(passkey)} />
          ))}
        </ul>
      )}
      {hasPasskeys() ? <AddPasskey onAdded={onAdded} /> : <Warning>{text('passkeysUnknown')}</Warning>}
    </Section>
  )
}

type PasskeyRowProps = { readonly passkey: Passkey; readonly onRemove: () => void }

const PasskeyRow = ({ passkey, onRemove }: PasskeyRowProps) => {
  const { text, time } = useTexts()
  const [isRenaming, setRenaming] = useState<boolean>()
  const { name, created_at: created, last_used_at: used, refused_since: refused } = passkey
  if (isRenaming)
    return (
      <li className={styles.row}>
        <RenamePasskey passkey={passkey} onDone={() => setRenaming(false)} />
      </li>
    )
  return (
    <li className={styles.row}>
      <div className={styles.about}>
        <span className={styles.name}>{name}</span>
        <Text size="sm" c="dimmed">
          {text('addedAt', { time: time(created) })}
        </Text>
        <Text size="sm" c="dimmed">
          {used === null ? text('neverUsed') : text('lastUsed', { time: time(used) })}
        </Text>
        {refused !== null && (
          <Text size="sm" c="red">
            {text('refusedSince', { time: time(refused) })}
          </Text>
        )}
      </div>
      <Group gap="xs">
        <Button
          variant="default"
          size="xs"
          aria-label={text('renameOf', { name })}
          // Undefined until it is pressed: then the focus comes back to it.
          ref={isRenaming === false ? focusOnce : undefined}
          onClick={() => setRenaming(true)}
        >
          {text('rename')}
        </Button>
        <Button variant="default" size="xs" aria-label={text('removeOf', { name })} onClick={onRemove}>
          {text('remove')}
        </Button>
      </Group>
    </li>
  )
}

type RenamePasskeyProps = { readonly passkey: Passkey; readonly onDone: () => void }

const RenamePasskey = ({ passkey: { id, name }, onDone }: RenamePasskeyProps) => {
  const { text } = useTexts()
  const api = useApi()
  const confirmed = useConfirmed()
  const sessionChanged = useSessionChanged()
  const rename = useMutation({
    mutationFn: (next: string) => confirmed(() => api.renamePasskey(id, next)),
    onSuccess: async () => {
      await sessionChanged()
      onDone()
    },
  })
  return (
    <Form
      action={rename}
      submit={text('rename')}
      fields={['name']}
      onSubmit={read => rename.mutate(read('name'))}
    >
      <Field
        name="name"
        label={text('passkeyName')}
        defaultValue={name}
        maxLength={60}
        problem={rename.error}
        ref={focusOnce}
      />
      <Button variant="default" onClick={onDone}>
        {text('cancel')}
      </Button>
    </Form>
  )
}

const AddPasskey = ({ onAdded }: Pick<PasskeysProps, 'onAdded'>) => {
  const { text } = useTexts()
  const api = useApi()
  const confirmed = useConfirmed()
  const sessionChanged = useSessionChanged()
  const add = useMutation({
    mutationFn: async (name: string) => {
      const response = await makePasskey(await confirmed(api.findPasskeyOptions))
      return api.addPasskey({ name, response })
    },
    onSuccess: async added => {
      onAdded(added)
      await sessionChanged()
    },
  })
  return (
    <Stack>
      <Form
        key={add.isSuccess ? add.submittedAt : 'open'}
        action={add}
        submit={text('passkeyAdd')}
        fields={['name']}
        onSubmit={read => add.mutate(read('name'))}
      >
        <Field
          name="name"
          label={text('passkeyName')}
          description={text('passkeyNameHint')}
          maxLength={60}
          problem={add.error}
        />
      </Form>
    </Stack>
  )
}
