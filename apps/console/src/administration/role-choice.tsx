import { Checkbox, Group } from '@mantine/core'
import { useId } from 'react'
import { useUser } from '../session.ts'
import styles from './choice.module.css'

/** The roles that can be offered here: those held, and those of whoever chooses. */
export const useKnownRoles = (held: readonly string[] = []): readonly string[] => {
  const { roles } = useUser()
  return [...new Set([...builtIn, ...roles, ...held])].sort()
}

const builtIn = ['admin', 'moderator', 'user']

type ChoiceProps = {
  readonly name: string
  readonly label: string
  readonly options: readonly string[]
  readonly chosen?: readonly string[]
  readonly hint?: string
}

/** Any number of names out of a list, as boxes of a form. */
export const Choice = ({ name, label, options, chosen = [], hint }: ChoiceProps) => {
  const id = useId()
  return (
    <fieldset className={styles.choice} aria-describedby={hint === undefined ? undefined : id}>
      <legend>{label}</legend>
      {hint !== undefined && (
        <p id={id} className={styles.hint}>
          {hint}
        </p>
      )}
      <Group gap="sm">
        {options.map(option => (
          <Checkbox
            key={option}
            name={name}
            value={option}
            label={option}
            defaultChecked={chosen.includes(option)}
          />
        ))}
      </Group>
    </fieldset>
  )
}
