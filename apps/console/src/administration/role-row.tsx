import { Badge } from '@mantine/core'
import type { Role } from '../api/administration-answers.ts'
import { useApi } from '../api/use-api.ts'
import { Link } from '../forms/link.tsx'
import { Row, RowButton } from '../frame/rows.tsx'
import { useUser } from '../session.ts'
import type { TextName } from '../texts/en.ts'
import { useTexts } from '../texts/use-texts.tsx'
import type { Making } from './changes.tsx'

const kinds = {
  'built-in': 'roleBuiltIn',
  declared: 'roleDeclared',
  made: 'roleMadeHere',
} as const satisfies Readonly<Record<Role['kind'], TextName>>

type RoleRowProps = {
  readonly role: Role
  readonly changes: Making
  readonly onChange: (role: Role) => void
}

/** One role: where it comes from, what it allows, who has it. */
export const RoleRow = ({ role, changes, onChange }: RoleRowProps) => {
  const { text } = useTexts()
  const { admin } = useApi()
  const { name, kind, description, permissions, holders } = role
  const remove = (): void =>
    changes.ask({
      title: text('roleDeleteOf', { name }),
      ends: [text('roleDeleteEnds'), text('keyRevokeLast')],
      submit: text('deleteUser'),
      toChange: () => ({ run: () => admin.deleteRole(name), done: text('userDeleted', { username: name }) }),
    })
  return (
    <Row
      title={name}
      badges={
        <>
          <Badge variant="light" color={kind === 'made' ? 'blue' : 'gray'}>
            {text(kinds[kind])}
          </Badge>
          <Holders name={name} holders={holders} />
        </>
      }
      lines={[
        ...(description === '' ? [] : [description]),
        permissions.join(', ') || text('keyAllowsNothing'),
      ]}
    >
      {kind === 'made' && (
        <>
          <RowButton label={text('roleChangeOf', { name })} onClick={() => onChange(role)}>
            {text('roleChange')}
          </RowButton>
          <RowButton ends label={text('roleDeleteOf', { name })} onClick={remove}>
            {text('deleteUser')}
          </RowButton>
        </>
      )}
    </Row>
  )
}

/** How many have it, and the way to them. */
const Holders = ({ name, holders }: Pick<Role, 'name' | 'holders'>) => {
  const { text } = useTexts()
  const { permissions } = useUser()
  const count = text('roleHolders', { count: holders })
  return permissions.includes('users:write') && holders > 0 ? (
    <Link to="/admin/users" memory={{ search: { role: name } }}>
      {count}
    </Link>
  ) : (
    <span>{count}</span>
  )
}
