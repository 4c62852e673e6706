import { Button, Group, Stack, Text } from '@mantine/core'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import type { Proof } from '../api/answers.ts'
import { Form } from '../forms/form.tsx'
import type { Words } from '../forms/problem-notice.tsx'
import type { Action } from '../forms/submit-button.tsx'
import { hasPasskeys } from '../passkeys.ts'
import { useTexts } from '../texts/use-texts.tsx'
import { findWay, type WayName, wayNames } from './ways.tsx'

type ProveProps = {
  /** Those that the server takes; the first of ours among them is shown first. */
  readonly methods: readonly string[]
  readonly action: Action & { readonly reset: () => void }
  /** Takes what makes the proof, so that waiting for it is a part of the action. */
  readonly onProve: (prove: () => Promise<Proof>) => void
  readonly findOptions: () => Promise<unknown>
  readonly words?: Words
  /** What stands below the form, beside the other ways. */
  readonly children?: ReactNode
}

/** What this browser can show of what the server takes. */
const usableWays = (methods: readonly string[]): readonly WayName[] =>
  wayNames.filter(name => methods.includes(name) && (name !== 'passkey' || hasPasskeys()))

/** Where typing goes on: the first field of the way, or its button. */
const focusWay = (place: HTMLElement | null): void =>
  place?.querySelector<HTMLElement>('input:not([hidden]), button[type="submit"]')?.focus()

/** Asks for a proof of who it is, in the way that somebody chooses among those that there are. */
export const Prove = ({ methods, action, onProve, findOptions, words = {}, children }: ProveProps) => {
  const { text } = useTexts()
  const usable = usableWays(methods)
  const [chosen, setChosen] = useState(usable[0])
  const place = useRef<HTMLDivElement>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: another way has other fields
  useEffect(() => focusWay(place.current), [chosen])
  if (chosen === undefined) return <Text>{text('proveNothing')}</Text>
  const { intro, submit, Fields, prove } = findWay(chosen)
  return (
    <Stack ref={place}>
      <Text c="dimmed">{text(intro)}</Text>
      <Form
        key={chosen}
        action={action}
        submit={text(submit)}
        words={words}
        onSubmit={read => onProve(() => prove({ read, findOptions }))}
      >
        {Fields && <Fields />}
      </Form>
      <Group gap="xs">
        {usable
          .filter(name => name !== chosen)
          .map(name => (
            <Button
              key={name}
              variant="default"
              size="xs"
              onClick={() => {
                action.reset()
                setChosen(name)
              }}
            >
              {text(findWay(name).choose)}
            </Button>
          ))}
        {children}
      </Group>
    </Stack>
  )
}
