import { Text } from '@mantine/core'
import { usePageSettings } from '../api/use-api.ts'
import { WaitingPermissions } from '../factors/waiting-permissions.tsx'
import { Badges } from '../frame/badges.tsx'
import { Fact, Facts } from '../frame/facts.tsx'
import { useUser } from '../session.ts'
import { useTexts } from '../texts/use-texts.tsx'
import { PresentEmail } from './email.tsx'
import { MailLanguage } from './mail-language.tsx'

/** What is known of whoever is signed in. */
export const Profile = () => {
  const { text, date, time } = useTexts()
  const user = useUser()
  const { sends_mail: sendsMail } = usePageSettings()
  return (
    <>
      <WaitingPermissions />
      <Text c="dimmed">{text('profileIntro')}</Text>
      <Facts>
        <Fact name={text('username')}>{user.username}</Fact>
        <Fact name={text('email')}>
          <PresentEmail user={user} />
        </Fact>
        <Fact name={text('roles')}>
          <Badges names={user.roles} none={text('noRoles')} />
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
      </Facts>
    </>
  )
}
