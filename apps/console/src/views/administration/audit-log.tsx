import { Button, Group, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import styles from '../../administration/audit.module.css'
import { SearchEvents } from '../../administration/audit-search.tsx'
import { ChainTile } from '../../administration/chain-state.tsx'
import { EventDetails } from '../../administration/event-details.tsx'
import { PagedRows } from '../../administration/paged-rows.tsx'
import tiles from '../../administration/tile.module.css'
import { usePages } from '../../administration/use-pages.ts'
import type { AuditSearch } from '../../api/audit-answers.ts'
import { useApi } from '../../api/use-api.ts'
import { ToldEventRow } from '../../events/told-event-row.tsx'
import { download } from '../../forms/download.ts'
import { ProblemNotice } from '../../forms/problem-notice.tsx'
import { readMemory, remember } from '../../router.ts'
import { useConfirmed } from '../../step-up.tsx'
import { useTexts } from '../../texts/use-texts.tsx'

/** What happened, the newest first, and whether the log of it is whole. */
export const AuditLog = () => {
  const { text } = useTexts()
  const { admin } = useApi()
  const [search, setSearch] = useState<AuditSearch>(readMemory().events ?? {})
  const events = usePages(['events', search], cursor => admin.listEvents(search, cursor))
  const look = (asked: AuditSearch): void => {
    remember({ events: asked })
    setSearch(asked)
  }
  return (
    <>
      <Text c="dimmed">{text('auditIntro')}</Text>
      <ul className={tiles.tiles} aria-label={text('chainTitle')}>
        <ChainTile />
      </ul>
      <SearchEvents search={search} onSearch={look} />
      <Exactly search={search} onSearch={look} />
      <PagedRows label={text('auditTitle')} none={text('auditNone')} pages={events}>
        {event => (
          <ToldEventRow key={event.id} event={event}>
            <EventDetails event={event} onSearch={look} />
          </ToldEventRow>
        )}
      </PagedRows>
      <Export search={search} />
    </>
  )
}

type SearchProps = { readonly search: AuditSearch; readonly onSearch: (search: AuditSearch) => void }

/** What no field of the form has: one session, or one request. */
const Exactly = ({ search: { session, request }, onSearch }: SearchProps) => {
  const { text } = useTexts()
  if (session === undefined && request === undefined) return null
  return (
    <p className={styles.exact}>
      {session !== undefined && text('auditOnlySession', { id: session })}
      {request !== undefined && text('auditOnlyRequest', { id: request })}
      <Button size="xs" variant="default" onClick={() => onSearch({})}>
        {text('auditAll')}
      </Button>
    </p>
  )
}

const Export = ({ search }: Pick<SearchProps, 'search'>) => {
  const { text } = useTexts()
  const { exportEvents } = useApi()
  const confirmed = useConfirmed()
  const exporting = useMutation({
    mutationFn: () => confirmed(() => exportEvents(search)),
    onSuccess: file => download('audit.jsonl', file),
  })
  return (
    <>
      <ProblemNotice error={exporting.error} />
      <Group>
        <Button variant="default" loading={exporting.isPending} onClick={() => exporting.mutate()}>
          {text('auditExport')}
        </Button>
        <Text size="sm" c="dimmed">
          {text('auditExportHint')}
        </Text>
      </Group>
    </>
  )
}
