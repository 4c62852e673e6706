import { Badge, Group, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import type { User } from '../api/api.ts'
import { useUser } from '../session.ts'
import { useTexts } from '../texts/use-texts.tsx'
import styles from './profile.module.css'

/** What is known of whoever is signed in. */
export const Profile = () => {
  const { text, date } = useTexts()
  const user = useUser()
  return (
    <>
      <Text c="dimmed">{text('profileIntro')}</Text>
      <dl className={styles.facts}>
        <Fact name={text('username')}>{user.username}</Fact>
        <Fact name={text('email')}>
          <Email user={user} />
        </Fact>
        <Fact name={text('roles')}>
          <Roles roles={user.roles} />
        </Fact>
        <Fact name={text('memberSince')}>{date(user.created_at)}</Fact>
      </dl>
    </>
  )
}

const Fact = ({ name, children }: { readonly name: string; readonly children: ReactNode }) => (
  <div className={styles.fact}>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
)

const Email = ({ user: { email, email_verified: isVerified } }: { readonly user: User }) => {
  const { text } = useTexts()
  if (email === null) return text('noEmail')
  return (
    <Group gap="xs">
      <span>{email}</span>
      <Badge variant="light" color={isVerified ? 'green' : 'gray'}>
        {text(isVerified ? 'emailVerified' : 'emailUnverified')}
      </Badge>
    </Group>
  )
}

const Roles = ({ roles }: { readonly roles: readonly string[] }) => {
  const { text } = useTexts()
  if (roles.length === 0) return text('noRoles')
  return (
    <Group gap="xs">
      {roles.map(role => (
        <Badge key={role} variant="light">
          {role}
        </Badge>
      ))}
    </Group>
  )
}
