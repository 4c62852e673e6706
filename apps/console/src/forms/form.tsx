import { Stack } from '@mantine/core'
import type { ReactNode } from 'react'
import { problemOf } from '../api/refused.ts'
import { fieldsOf } from '../problem-text.ts'
import styles from './form.module.css'
import { ProblemNotice, type Words } from './problem-notice.tsx'
import { type Action, SubmitButton } from './submit-button.tsx'

/** What stands in a field of a form; browsers give text for every field that we have. */
const readField = (form: HTMLFormElement, name: string): string => String(new FormData(form).get(name) ?? '')

/** The boxes of one name that are ticked. */
const readBoxes = (form: HTMLFormElement, name: string): readonly string[] =>
  new FormData(form).getAll(name).map(String)

type FormProps = {
  readonly action: Action
  /** Takes what was filled in, by name. */
  readonly onSubmit: (read: (name: string) => string, readAll: (name: string) => readonly string[]) => void
  readonly submit: string
  /** Without fields the button is where the focus belongs. */
  readonly children?: ReactNode
  /** The names of its fields: what is wrong with one of them is said there and not above. */
  readonly fields?: readonly string[]
  readonly words?: Words
}

/** A form of one action: fields, what went wrong, and its button. */
export const Form = ({ action, onSubmit, submit, children, fields = [], words = {} }: FormProps) => {
  const about = action.error === null ? [] : fieldsOf(problemOf(action.error))
  const untold = about.find(name => !fields.includes(name))
  const isToldAtFields = about.length > 0 && untold === undefined
  return (
    <form
      className={styles.form}
      onSubmit={event => {
        event.preventDefault()
        const form = event.currentTarget
        onSubmit(
          name => readField(form, name),
          name => readBoxes(form, name),
        )
      }}
    >
      <Stack>
        <ProblemNotice error={isToldAtFields ? null : action.error} field={untold} words={words} />
        {children}
        <SubmitButton action={action} fullWidth isFirst={!children}>
          {submit}
        </SubmitButton>
      </Stack>
    </form>
  )
}
