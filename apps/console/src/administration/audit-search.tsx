import { Button, NativeSelect, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { AuditSearch } from '../api/audit-answers.ts'
import { useApi } from '../api/use-api.ts'
import { useTexts } from '../texts/use-texts.tsx'
import styles from './audit.module.css'

type SearchProps = { readonly search: AuditSearch; readonly onSearch: (search: AuditSearch) => void }

/** A field of a day and an hour has them by the clock on the wall. */
const toWall = (timestamp: string | undefined): string | undefined => {
  if (timestamp === undefined) return undefined
  const moment = new Date(timestamp)
  return new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}

const fromWall = (text: string): string => new Date(text).toISOString()

const times = ['from', 'until']

/** What was filled in, without what was left open. */
const readSearch = (form: HTMLFormElement): AuditSearch =>
  Object.fromEntries(
    [...new FormData(form)]
      .map(([name, value]) => [name, String(value).trim()] as const)
      .filter(([, value]) => value !== '')
      .map(([name, value]) => [name, times.includes(name) ? fromWall(value) : value]),
  )

const plain = { autoComplete: 'off', autoCapitalize: 'none', spellCheck: false, maxLength: 254 } as const

/** Whose events, which, from where and when. */
export const SearchEvents = ({ search, onSearch }: SearchProps) => {
  const { text } = useTexts()
  const { admin } = useApi()
  const { data: kinds = [] } = useQuery({ queryKey: ['event-kinds'], queryFn: admin.listEventKinds })
  const known = kinds.map(({ event }) => event).toSorted()
  const listed = search.event === undefined || known.includes(search.event) ? known : [search.event, ...known]
  return (
    <search>
      <form
        // What was looked for from elsewhere is filled in anew.
        key={`${JSON.stringify(search)} ${known.length}`}
        className={styles.search}
        onSubmit={event => {
          event.preventDefault()
          onSearch(readSearch(event.currentTarget))
        }}
      >
        <TextInput name="user" label={text('auditUser')} defaultValue={search.user} {...plain} />
        <NativeSelect
          name="event"
          label={text('auditEvent')}
          defaultValue={search.event}
          data={[{ value: '', label: text('anyOfThem') }, ...listed]}
        />
        <TextInput name="address" label={text('auditAddress')} defaultValue={search.address} {...plain} />
        <TextInput
          name="from"
          type="datetime-local"
          label={text('auditFrom')}
          defaultValue={toWall(search.from)}
        />
        <TextInput
          name="until"
          type="datetime-local"
          label={text('auditUntil')}
          defaultValue={toWall(search.until)}
        />
        <Button type="submit">{text('search')}</Button>
      </form>
    </search>
  )
}
