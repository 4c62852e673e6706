import { Badge, Group, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { usePageSettings } from '../api/use-api.ts'
import { WaitingPermissions } from '../factors/waiting-permissions.tsx'
import { useUser } from '../session.ts'
import { useTexts } from '../texts/use-texts.tsx'
import { PresentEmail } from './email.tsx'
import { MailLanguage } from './mail-language.tsx'
import styles from './profile.module.css'

/** What is known of whoever is signed in. */
export const Profile = () => {
  const { text, date, time } = useTexts()
  const user = useUser()
  const { sends_mail: sendsMail } = usePageSettings()
  return (
    <>
      <WaitingPermissions />
      <Text c="dimmed">{text('profileIntro')}</Text>
      <dl className={styles.facts}>
        <Fact name={text('username')}>{user.username}</Fact>
        <Fact name={text('email')}>
          <PresentEmail user={user} />
        </Fact>
        <Fact name={text('roles')}>
          <Roles roles={user.roles} />
        </Fact>
        {sendsMail && (
          <Fact name={text('mailLanguage')}>
            <MailLanguage />
          </Fact>
        )}
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
