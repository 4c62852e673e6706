import { Button, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Changes, useChanges } from '../../administration/changes.tsx'
import { RoleForm } from '../../administration/role-form.tsx'
import { RoleRow } from '../../administration/role-row.tsx'
import type { Role } from '../../api/administration-answers.ts'
import { useApi } from '../../api/use-api.ts'
import { Section } from '../../factors/section.tsx'
import { Loaded } from '../../forms/loaded.tsx'
import { Rows } from '../../frame/rows.tsx'
import { useTexts } from '../../texts/use-texts.tsx'

/** Every role with what it allows; those that were made here are changed and deleted here. */
export const Roles = () => {
  const { text } = useTexts()
  const { admin } = useApi()
  const changes = useChanges()
  const roles = useQuery({ queryKey: ['roles'], queryFn: admin.listRoles })
  const permissions = useQuery({ queryKey: ['permissions'], queryFn: admin.listPermissions })
  const [changed, setChanged] = useState<Role>()
  return (
    <>
      <Text c="dimmed">{text('rolesIntro')}</Text>
      <Changes of={changes} />
      <Loaded query={roles}>
        {found => (
          <Rows label={text('roles')} items={found} none={text('noRoles')}>
            {role => <RoleRow key={role.name} role={role} changes={changes} onChange={setChanged} />}
          </Rows>
        )}
      </Loaded>
      <Loaded query={permissions}>
        {known => (
          <Section title={changed ? text('roleChangeOf', { name: changed.name }) : text('roleNew')}>
            <RoleForm
              key={changed?.name}
              role={changed}
              permissions={known}
              changes={changes}
              onDone={() => setChanged(undefined)}
            />
            {changed && (
              <div>
                <Button variant="default" size="xs" onClick={() => setChanged(undefined)}>
                  {text('cancel')}
                </Button>
              </div>
            )}
          </Section>
        )}
      </Loaded>
    </>
  )
}
