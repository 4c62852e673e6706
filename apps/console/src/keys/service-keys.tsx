import { Stack } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { type Making, useChanges } from '../administration/changes.tsx'
import { PagedRows } from '../administration/paged-rows.tsx'
import { usePages } from '../administration/use-pages.ts'
import type { Service } from '../api/administration-answers.ts'
import type { NewApiKey } from '../api/key-answers.ts'
import { useApi } from '../api/use-api.ts'
import { Section } from '../factors/section.tsx'
import { useUser } from '../session.ts'
import { useTexts } from '../texts/use-texts.tsx'
import { KeyActions } from './key-actions.tsx'
import { KeyForm } from './key-form.tsx'
import { isOpen, KeyRow } from './key-row.tsx'
import { ShownKey } from './shown-key.tsx'

/** What the roles allow, for whoever may read them; for others everything that they could give. */
const useOffered = (roles: readonly string[]): readonly string[] => {
  const { admin } = useApi()
  const { permissions } = useUser()
  const enabled = permissions.includes('roles:write')
  const { data } = useQuery({ queryKey: ['roles'], queryFn: admin.listRoles, enabled })
  if (data === undefined) return permissions
  const allowed = data.filter(({ name }) => roles.includes(name)).flatMap(role => role.permissions)
  return permissions.filter(permission => allowed.includes(permission))
}

type ServiceKeysProps = { readonly service: Service; readonly changes: Making }

/** By what a service is let in: its keys, for whoever administers keys. */
export const ServiceKeys = ({ service: { id, state, roles }, changes }: ServiceKeysProps) => {
  const { text } = useTexts()
  const { admin } = useApi()
  const permissions = useOffered(roles)
  const making = useChanges()
  const [made, setMade] = useState<NewApiKey>()
  const keys = usePages(['service-keys', id], cursor => admin.listKeys(id, cursor))
  const show = (answer: unknown): void => setMade(answer as NewApiKey)
  if (made)
    return (
      <Section title={text('apiKeysTitle')}>
        <ShownKey made={made} onKept={() => setMade(undefined)} />
      </Section>
    )
  return (
    <>
      <Section title={text('apiKeysTitle')}>
        <Stack>
          <PagedRows label={text('apiKeysTitle')} none={text('keysNone')} pages={keys}>
            {key => (
              <KeyRow key={key.id} apiKey={key}>
                {isOpen(key) && (
                  <KeyActions
                    apiKey={key}
                    changes={changes}
                    revoke={() => admin.revokeKey(key.id)}
                    rotate={() => admin.rotateKey(key.id)}
                    onRotated={show}
                  />
                )}
              </KeyRow>
            )}
          </PagedRows>
        </Stack>
      </Section>
      {state === 'enabled' && (
        <Section title={text('keyNew')}>
          <KeyForm
            permissions={permissions}
            hint={text('serviceKeyHint')}
            action={making.changing}
            onMake={request => making.make({ run: () => admin.makeKey(id, request), onDone: show })}
          />
        </Section>
      )}
    </>
  )
}
