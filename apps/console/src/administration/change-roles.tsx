import { Form } from '../forms/form.tsx'
import { useTexts } from '../texts/use-texts.tsx'
import type { Making } from './changes.tsx'
import { Choice, useKnownRoles } from './role-choice.tsx'

type ChangeRolesProps = {
  /** Whose they are, by name. */
  readonly of: string
  readonly roles: readonly string[]
  readonly give: (roles: readonly string[]) => Promise<unknown>
  readonly changes: Making
}

/** The roles of a user or service; those before can be given back. */
export const ChangeRoles = ({ of: name, roles, give, changes: { changing, make } }: ChangeRolesProps) => {
  const { text } = useTexts()
  const options = useKnownRoles(roles)
  const change = (chosen: readonly string[]): void =>
    make({
      run: () => give(chosen),
      done: text('rolesChanged', { name }),
      undo: { run: () => give(roles), done: text('rolesGivenBack', { name }) },
    })
  return (
    <Form
      key={roles.join()}
      action={{ isPending: changing.isPending, error: null }}
      submit={text('changeRoles')}
      onSubmit={(_, readAll) => change(readAll('roles'))}
    >
      <Choice name="roles" label={text('roles')} options={options} chosen={roles} hint={text('rolesHint')} />
    </Form>
  )
}
