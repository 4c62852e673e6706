import { Badge, Text } from '@mantine/core'
import { tellOwnEvent } from '../activity/own-story.ts'
import { PagedRows } from '../administration/paged-rows.tsx'
import { usePages } from '../administration/use-pages.ts'
import type { Happened } from '../api/answers.ts'
import { useApi } from '../api/use-api.ts'
import { EventRow } from '../events/event-row.tsx'
import { Link } from '../forms/link.tsx'
import { useUser } from '../session.ts'
import type { TextName } from '../texts/en.ts'
import { useTexts } from '../texts/use-texts.tsx'

/** What happened to the own account: whoever finds there what they have not done sees where to go on. */
export const Activity = () => {
  const { text } = useTexts()
  const api = useApi()
  const { id } = useUser()
  const events = usePages(['activity', id], api.listEvents)
  return (
    <>
      <Text c="dimmed">{text('activityIntro')}</Text>
      <Text size="sm">
        {text('activityNotYou')} <Link to="/me/password">{text('activityPassword')}</Link>{' '}
        <Link to="/me/security">{text('activitySecure')}</Link>{' '}
        <Link to="/me/devices">{text('activityDevices')}</Link>
      </Text>
      <PagedRows label={text('activityTitle')} none={text('activityNone')} pages={events}>
        {event => <Event key={event.id} event={event} />}
      </PagedRows>
    </>
  )
}

const whos: Readonly<Record<Happened['by'], TextName>> = {
  you: 'byYou',
  administrator: 'byAdministrator',
  system: 'bySystem',
  unknown: 'byUnknown',
}

const Event = ({ event }: { readonly event: Happened }) => {
  const { text, language, time } = useTexts()
  return (
    <EventRow
      event={event}
      sentence={tellOwnEvent({ language, time }, event)}
      marks={<Badge variant="default">{text(whos[event.by])}</Badge>}
      lines={event.address === null ? [] : [event.address]}
    />
  )
}
