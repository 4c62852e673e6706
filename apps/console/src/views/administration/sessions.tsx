import { Badge, Button, Text } from '@mantine/core'
import { Changes, useChanges } from '../../administration/changes.tsx'
import { PagedRows } from '../../administration/paged-rows.tsx'
import { usePages } from '../../administration/use-pages.ts'
import type { AnySession } from '../../api/administration-answers.ts'
import { useApi } from '../../api/use-api.ts'
import { Link } from '../../forms/link.tsx'
import { nameOfDevice } from '../../frame/device-name.ts'
import { Row } from '../../frame/rows.tsx'
import { readMemory } from '../../router.ts'
import { useTexts } from '../../texts/use-texts.tsx'

/** Where everybody is signed in, or one user who was chosen before. */
export const Sessions = () => {
  const { text } = useTexts()
  const { admin } = useApi()
  const changes = useChanges()
  const { of: user } = readMemory()
  const sessions = usePages(['sessions', user?.id], cursor => admin.listSessions(user?.id, cursor))
  return (
    <>
      <Text c="dimmed">{user ? text('sessionsOf', { username: user.name }) : text('sessionsIntro')}</Text>
      <Changes of={changes} />
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
    </>
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
        <Button
          variant="default"
          size="xs"
          aria-label={text('endSessionOf', { username: user.username, device })}
          onClick={onEnd}
        >
          {text('endDevice')}
        </Button>
      )}
    </Row>
  )
}
