import type { Making } from '../administration/changes.tsx'
import { PagedRows } from '../administration/paged-rows.tsx'
import { usePages } from '../administration/use-pages.ts'
import type { OwnedKey } from '../api/key-answers.ts'
import { useApi } from '../api/use-api.ts'
import { Link } from '../forms/link.tsx'
import { useTexts } from '../texts/use-texts.tsx'
import { KeyActions } from './key-actions.tsx'
import { isOpen, KeyRow } from './key-row.tsx'

type OwnedKeyRowsProps = {
  /** Whose they are; everybody's without, each with whose it is. */
  readonly ownerId?: string
  readonly changes: Making
}

/** API keys as administrators see them: to be revoked. */
export const OwnedKeyRows = ({ ownerId, changes }: OwnedKeyRowsProps) => {
  const { text } = useTexts()
  const { admin } = useApi()
  const keys = usePages(['admin-keys', ownerId], cursor => admin.listKeys(ownerId, cursor))
  return (
    <PagedRows label={text('apiKeysTitle')} none={text('keysNone')} pages={keys}>
      {key => (
        <KeyRow
          key={key.id}
          apiKey={key}
          {...(ownerId === undefined && { owner: <OwnerLink owner={key.owner} /> })}
        >
          {isOpen(key) && (
            <KeyActions apiKey={key} changes={changes} revoke={() => admin.revokeKey(key.id)} />
          )}
        </KeyRow>
      )}
    </PagedRows>
  )
}

const OwnerLink = ({ owner: { id, username, kind } }: Pick<OwnedKey, 'owner'>) => (
  <Link to={`/admin/${kind === 'service' ? 'services' : 'users'}/${id}`}>{username}</Link>
)
