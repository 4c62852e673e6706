import { Checkbox } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useId } from 'react'
import { useApi } from '../api/use-api.ts'
import { useUser } from '../session.ts'
import styles from './choice.module.css'

const builtIn = ['admin', 'moderator', 'user']

/** The roles that can be offered here: all for whoever may read them, else those that are known anyhow. */
export const useKnownRoles = (held: readonly string[] = []): readonly string[] => {
  const { admin } = useApi()
  const { roles: own, permissions } = useUser()
  const mayRead = permissions.includes('roles:write')
  const { data: all = [] } = useQuery({ queryKey: ['roles'], queryFn: admin.listRoles, enabled: mayRead })
  return [...new Set([...builtIn, ...own, ...held, ...all.map(({ name }) => name)])].sort()
}

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
      <div className={styles.options}>
        {options.map(option => (
          <Checkbox
            key={option}
            name={name}
            value={option}
            label={option}
            defaultChecked={chosen.includes(option)}
          />
        ))}
      </div>
    </fieldset>
  )
}
