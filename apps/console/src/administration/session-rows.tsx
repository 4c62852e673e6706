import { Badge } from '@mantine/core'
import type { AnySession } from '../api/administration-answers.ts'
import { useApi } from '../api/use-api.ts'
import { Link } from '../forms/link.tsx'
import { nameOfDevice } from '../frame/device-name.ts'
import { Row, RowButton } from '../frame/rows.tsx'
import { useTexts } from '../texts/use-texts.tsx'
import type { Making } from './changes.tsx'
import { PagedRows } from './paged-rows.tsx'
import { usePages } from './use-pages.ts'

type SessionRowsProps = {
  /** Whose they are; everybody's without. */
  readonly userId?: string
  readonly changes: Making
}

/** Sign-ins that are open, each with its end. */
export const SessionRows = ({ userId, changes }: SessionRowsProps) => {
  const { text } = useTexts()
  const { admin } = useApi()
  const sessions = usePages(['sessions', userId], cursor => admin.listSessions(userId, cursor))
  return (
    <PagedRows label={text('openSessions')} none={text('sessionsNone')} pages={sessions}>
      {session => (
        <SessionRow
          key={session.id}
          session={session}
          onEnd={() =>
            changes.make({
              run: () => admin.endSession(session.id),
              done: text('sessionEnded', { username: session.user.username }),
            })
          }
        />
      )}
    </PagedRows>
  )
}

type SessionRowProps = { readonly session: AnySession; readonly onEnd: () => void }

const SessionRow = ({ session, onEnd }: SessionRowProps) => {
  const { text, time } = useTexts()
  const { user, address, current, created_at: begun, last_used_at: used } = session
  const device = nameOfDevice(session, text)
  return (
    <Row
      title={<Link to={`/admin/users/${user.id}`}>{user.username}</Link>}
      badges={current && <Badge variant="light">{text('thisDevice')}</Badge>}
      lines={[
        `${device} · ${address}`,
        `${text('lastUsed', { time: time(used) })} · ${text('signedInAt', { time: time(begun) })}`,
      ]}
    >
      {!current && (
        <RowButton label={text('endSessionOf', { username: user.username, device })} onClick={onEnd}>
          {text('endDevice')}
        </RowButton>
      )}
    </Row>
  )
}
