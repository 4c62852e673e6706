import type { KnownPermission, Role } from '../api/administration-answers.ts'
import { useApi } from '../api/use-api.ts'
import { Field } from '../forms/field.tsx'
import { Form } from '../forms/form.tsx'
import { focusOnce } from '../frame/focus.ts'
import { useTexts } from '../texts/use-texts.tsx'
import type { Change } from './change.ts'
import type { Making } from './changes.tsx'
import { Choice } from './role-choice.tsx'

type RoleFormProps = {
  /** The one that is changed; none where one is made. */
  readonly role: Role | undefined
  readonly permissions: readonly KnownPermission[]
  readonly changes: Making
  readonly onDone: () => void
}

/** What a role is called, is for and allows. */
export const RoleForm = ({ role, permissions, changes: { changing, make }, onDone }: RoleFormProps) => {
  const { text } = useTexts()
  const { admin } = useApi()
  const toChange = (name: string, asked: Pick<Role, 'description' | 'permissions'>): Change =>
    role === undefined
      ? { run: () => admin.createRole({ name, ...asked }), done: text('roleMade', { name }) }
      : {
          run: () => admin.changeRole(role.name, asked),
          done: text('roleChanged', { name: role.name }),
          undo: {
            run: () =>
              admin.changeRole(role.name, { description: role.description, permissions: role.permissions }),
            done: text('roleBack', { name: role.name }),
          },
        }
  return (
    <Form
      key={changing.isSuccess ? changing.submittedAt : 'open'}
      action={{ isPending: changing.isPending, error: null }}
      submit={text(role ? 'roleChange' : 'roleMake')}
      onSubmit={(read, readAll) => {
        const asked = { description: read('description'), permissions: readAll('permissions') }
        make({ ...toChange(read('name'), asked), onDone })
      }}
    >
      {role === undefined && (
        <Field
          name="name"
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          maxLength={32}
          label={text('keyName')}
          description={text('roleNameHint')}
        />
      )}
      <Field
        ref={role && focusOnce}
        name="description"
        autoComplete="off"
        required={false}
        maxLength={200}
        label={text('description')}
        defaultValue={role?.description}
      />
      <Choice
        name="permissions"
        label={text('keyPermissions')}
        options={permissions.map(({ name }) => name)}
        chosen={role?.permissions ?? []}
        hint={text('serviceRolesHint')}
      />
    </Form>
  )
}
