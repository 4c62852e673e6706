import { Badge, Group, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import type { User } from '../api/api.ts'
import { usePageSettings } from '../api/use-api.ts'
import { useUser } from '../session.ts'
import { useTexts } from '../texts/use-texts.tsx'
import styles from './profile.module.css'

/** What is known of whoever is signed in. */
export const Profile = () => {
  const { text, date, time } = useTexts()
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
        {user.sign_in_delayed_until !== null && (
          <Fact name={text('newDevices')}>
            {text('newDevicesDelayed', { time: time(user.sign_in_delayed_until) })}
          </Fact>
        )}
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

/** Where no mail is sent, nobody could verify an address, so nobody is told to have missed it. */
const Email = ({ user: { email, email_verified: isVerified } }: { readonly user: User }) => {
  const { text } = useTexts()
  const { sends_mail: sendsMail } = usePageSettings()
  if (email === null) return text('noEmail')
  return (
    <Group gap="xs">
      <span>{email}</span>
      {(isVerified || sendsMail) && (
        <Badge variant="light" color={isVerified ? 'green' : 'gray'}>
          {text(isVerified ? 'emailVerified' : 'emailUnverified')}
        </Badge>
      )}
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
