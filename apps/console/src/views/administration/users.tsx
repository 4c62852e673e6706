import { Button, NativeSelect, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { PagedRows } from '../../administration/paged-rows.tsx'
import { useKnownRoles } from '../../administration/role-choice.tsx'
import styles from '../../administration/search.module.css'
import { usePages } from '../../administration/use-pages.ts'
import { UserState } from '../../administration/user-state.tsx'
import type { ListedUser, UserSearch } from '../../api/administration-answers.ts'
import { useApi } from '../../api/use-api.ts'
import { Link } from '../../forms/link.tsx'
import { Row } from '../../frame/rows.tsx'
import { readMemory, remember } from '../../router.ts'
import { useTexts } from '../../texts/use-texts.tsx'

/** Everybody, or those who are looked for; the search is there again for whoever comes back. */
export const Users = () => {
  const { text } = useTexts()
  const { admin } = useApi()
  const [search, setSearch] = useState<UserSearch>(readMemory().search ?? {})
  const users = usePages(['users', search], cursor => admin.listUsers(search, cursor))
  return (
    <>
      <Text c="dimmed">
        {text('usersIntro')} <Link to="/admin/invitations">{text('usersAdd')}</Link>
      </Text>
      <Search
        search={search}
        onSearch={asked => {
          remember({ search: asked })
          setSearch(asked)
        }}
      />
      <PagedRows label={text('usersTitle')} none={text('usersNone')} pages={users}>
        {user => <UserRow key={user.id} user={user} />}
      </PagedRows>
    </>
  )
}

const states = ['enabled', 'disabled'] as const

/** What was filled in, without what was left open. */
const readSearch = (form: HTMLFormElement): UserSearch =>
  Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ''))

type SearchProps = { readonly search: UserSearch; readonly onSearch: (search: UserSearch) => void }

const Search = ({ search, onSearch }: SearchProps) => {
  const { text } = useTexts()
  const roles = useKnownRoles(search.role === undefined ? [] : [search.role])
  return (
    <search>
      <form
        className={styles.search}
        onSubmit={event => {
          event.preventDefault()
          onSearch(readSearch(event.currentTarget))
        }}
      >
        <TextInput
          name="q"
          type="search"
          label={text('userSearch')}
          maxLength={254}
          autoCapitalize="none"
          defaultValue={search.q}
        />
        <NativeSelect
          name="role"
          label={text('role')}
          defaultValue={search.role}
          data={[{ value: '', label: text('anyOfThem') }, ...roles]}
        />
        <NativeSelect
          name="state"
          label={text('state')}
          defaultValue={search.state}
          data={[
            { value: '', label: text('anyOfThem') },
            ...states.map(value => ({ value, label: text(value) })),
          ]}
        />
        <Button type="submit">{text('search')}</Button>
      </form>
    </search>
  )
}

const UserRow = ({ user }: { readonly user: ListedUser }) => {
  const { text, date } = useTexts()
  // Whoever registers gives any address: one that is not verified is not its holder's word.
  const unverified = user.email === null || user.email_verified ? '' : ` (${text('emailUnverified')})`
  return (
    <Row
      title={<Link to={`/admin/users/${user.id}`}>{user.username}</Link>}
      badges={<UserState user={user} />}
      lines={[
        [(user.email ?? text('noAddress')) + unverified, user.roles.join(', ') || text('noRolesHeld')].join(
          ' · ',
        ),
        text('madeAt', { time: date(user.created_at) }),
      ]}
    />
  )
}
