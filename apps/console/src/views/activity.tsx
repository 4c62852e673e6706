import { Badge, Text } from '@mantine/core'
import activity from '../activity/activity.module.css'
import { EventIcon } from '../activity/event-icon.tsx'
import { tellOwnEvent } from '../activity/own-story.ts'
import { PagedRows } from '../administration/paged-rows.tsx'
import { usePages } from '../administration/use-pages.ts'
import type { Happened } from '../api/answers.ts'
import { useApi } from '../api/use-api.ts'
import { Link } from '../forms/link.tsx'
import { Row } from '../frame/rows.tsx'
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
  const title = (
    <span className={activity.event}>
      <EventIcon event={event.event} />
      <span>{tellOwnEvent({ language, time }, event)}</span>
    </span>
  )
  const where = event.address === null ? [] : [event.address]
  return (
    <Row
      title={title}
      badges={<Badge variant="default">{text(whos[event.by])}</Badge>}
      lines={[[time(event.at), ...where].join(' · ')]}
    />
  )
}
