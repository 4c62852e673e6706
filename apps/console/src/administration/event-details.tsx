import type { ReactNode } from 'react'
import type { AuditEvent, AuditSearch } from '../api/audit-answers.ts'
import { Link } from '../forms/link.tsx'
import { Fact, Facts } from '../frame/facts.tsx'
import { useUser } from '../session.ts'
import { useTexts } from '../texts/use-texts.tsx'
import styles from './audit.module.css'

type EventDetailsProps = {
  readonly event: AuditEvent
  readonly onSearch: (search: AuditSearch) => void
}

const say = (value: unknown): string =>
  Array.isArray(value)
    ? value.join(', ') || '–'
    : typeof value === 'object'
      ? JSON.stringify(value)
      : String(value)

/** All that is kept of one event, and the ways on from it. */
export const EventDetails = ({ event, onSearch }: EventDetailsProps) => {
  const { text, number } = useTexts()
  const { details, erased, position } = event
  const facts: readonly (readonly [string, ReactNode])[] = [
    [text('eventName'), event.event],
    [text('eventReason'), event.reason],
    ...Object.entries(details).map(([name, value]) => [name, say(value)] as const),
    [text('eventErased'), erased.length > 0 ? erased.join(', ') : null],
    [text('eventActor'), event.actor],
    [text('eventKey'), event.api_key_id],
    [text('eventSession'), event.session_id],
    [text('eventRequest'), event.request_id],
    [text('eventId'), event.id],
    [text('eventPosition'), position === null ? text('eventUnsealed') : number(position)],
  ]
  return (
    <details className={styles.details}>
      <summary>{text('eventDetails')}</summary>
      <Facts>
        {facts
          .filter(([, value]) => value !== null)
          .map(([name, value]) => (
            <Fact key={name} name={name}>
              <span lang="en">{value}</span>
            </Fact>
          ))}
      </Facts>
      <Ways event={event} onSearch={onSearch} />
    </details>
  )
}

const Ways = ({
  event: { user, session_id: session, request_id: request, address },
  onSearch,
}: EventDetailsProps) => {
  const { text } = useTexts()
  const { permissions } = useUser()
  const searches = [
    ['eventsOfSession', session !== null && { session }],
    ['eventsOfRequest', request !== null && { request }],
    ['eventsOfAddress', address !== null && { address }],
  ] as const
  return (
    <div className={styles.ways}>
      {user?.username && permissions.includes('users:write') && (
        <>
          <Link to={`/admin/users/${user.id}`} className={styles.way}>
            {text('eventToUser', { username: user.username })}
          </Link>
          <Link to="/admin/explain" className={styles.way} memory={{ about: user.username }}>
            {text('eventToWhy', { username: user.username })}
          </Link>
        </>
      )}
      {searches.map(
        ([name, search]) =>
          search !== false && (
            <button key={name} type="button" className={styles.way} onClick={() => onSearch(search)}>
              {text(name)}
            </button>
          ),
      )}
    </div>
  )
}
