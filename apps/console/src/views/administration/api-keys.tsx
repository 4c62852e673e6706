import { Text } from '@mantine/core'
import { Changes, useChanges } from '../../administration/changes.tsx'
import { PagedRows } from '../../administration/paged-rows.tsx'
import { usePages } from '../../administration/use-pages.ts'
import type { OwnedKey } from '../../api/key-answers.ts'
import { useApi } from '../../api/use-api.ts'
import { Link } from '../../forms/link.tsx'
import { KeyActions } from '../../keys/key-actions.tsx'
import { isOpen, KeyRow } from '../../keys/key-row.tsx'
import { readMemory } from '../../router.ts'
import { useTexts } from '../../texts/use-texts.tsx'

/** API keys of everybody, or of one owner who was chosen before. */
export const AllApiKeys = () => {
  const { text } = useTexts()
  const { admin } = useApi()
  const changes = useChanges()
  const { of: owner } = readMemory()
  const keys = usePages(['admin-keys', owner?.id], cursor => admin.listKeys(owner?.id, cursor))
  return (
    <>
      <Text c="dimmed">{owner ? text('keysOf', { name: owner.name }) : text('allKeysIntro')}</Text>
      <Changes of={changes} />
      <PagedRows label={text('apiKeysTitle')} none={text('keysNone')} pages={keys}>
        {key => (
          <KeyRow key={key.id} apiKey={key} owner={<OwnerLink owner={key.owner} />}>
            {isOpen(key) && (
              <KeyActions apiKey={key} changes={changes} revoke={() => admin.revokeKey(key.id)} />
            )}
          </KeyRow>
        )}
      </PagedRows>
    </>
  )
}

const OwnerLink = ({ owner: { id, username, kind } }: Pick<OwnedKey, 'owner'>) => (
  <Link to={`/admin/${kind === 'service' ? 'services' : 'users'}/${id}`}>{username}</Link>
)
