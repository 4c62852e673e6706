import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Changes, useChanges } from '../administration/changes.tsx'
import type { KeyRequest, NewApiKey } from '../api/key-answers.ts'
import { useApi } from '../api/use-api.ts'
import { Section } from '../factors/section.tsx'
import { Loaded } from '../forms/loaded.tsx'
import { Rows } from '../frame/rows.tsx'
import { KeyActions } from '../keys/key-actions.tsx'
import { KeyForm } from '../keys/key-form.tsx'
import { isOpen, KeyRow } from '../keys/key-row.tsx'
import { ShownKey } from '../keys/shown-key.tsx'
import { useUser } from '../session.ts'
import { useTexts } from '../texts/use-texts.tsx'

/** The own API keys: for programs that act as their owner, with no more than a part of what the owner may. */
export const ApiKeys = () => {
  const { text } = useTexts()
  const api = useApi()
  const { id, permissions } = useUser()
  const changes = useChanges()
  const making = useChanges()
  const keys = useQuery({ queryKey: ['api-keys', id], queryFn: api.listKeys })
  const [made, setMade] = useState<NewApiKey>()
  const show = (answer: unknown): void => setMade(answer as NewApiKey)
  const make = (request: KeyRequest): void =>
    making.make({
      run: () => api.makeKey(request),
      done: text('keyMade', { name: request.name }),
      onDone: show,
    })
  if (made) return <ShownKey made={made} onKept={() => setMade(undefined)} />
  return (
    <>
      <Text c="dimmed">{text('keysIntro')}</Text>
      <Changes of={changes} />
      <Loaded query={keys}>
        {found => (
          <Rows label={text('apiKeysTitle')} items={found} none={text('keysNone')}>
            {key => (
              <KeyRow key={key.id} apiKey={key}>
                {isOpen(key) && (
                  <KeyActions
                    apiKey={key}
                    changes={changes}
                    revoke={() => api.revokeKey(key.id)}
                    rotate={() => api.rotateKey(key.id)}
                    onRotated={show}
                  />
                )}
              </KeyRow>
            )}
          </Rows>
        )}
      </Loaded>
      <Section title={text('keyNew')}>
        <KeyForm
          permissions={permissions}
          hint={text('keyPermissionsHint')}
          action={making.changing}
          onMake={make}
        />
      </Section>
    </>
  )
}
