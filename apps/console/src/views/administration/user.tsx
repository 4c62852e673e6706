import { useQuery } from '@tanstack/react-query'
import { ActOn } from '../../administration/act-on.tsx'
import { userActions } from '../../administration/actions.ts'
import { ChangeRoles } from '../../administration/change-roles.tsx'
import { Changes, useChanges } from '../../administration/changes.tsx'
import { Identities } from '../../administration/identities.tsx'
import { SessionRows } from '../../administration/session-rows.tsx'
import { UserState } from '../../administration/user-state.tsx'
import type { AdministeredUser } from '../../api/administration-answers.ts'
import { useApi } from '../../api/use-api.ts'
import { Section } from '../../factors/section.tsx'
import { Link } from '../../forms/link.tsx'
import { Loaded } from '../../forms/loaded.tsx'
import { Badges } from '../../frame/badges.tsx'
import { Fact, Facts } from '../../frame/facts.tsx'
import { OwnedKeyRows } from '../../keys/owned-key-rows.tsx'
import { useIdOfPath } from '../../router.ts'
import { useUser } from '../../session.ts'
import type { TextName } from '../../texts/en.ts'
import { useTexts } from '../../texts/use-texts.tsx'

/** One user: what there is of the account, and never a secret. */
export const OneUser = () => {
  const { text } = useTexts()
  const { admin } = useApi()
  const { permissions } = useUser()
  const id = useIdOfPath()
  const changes = useChanges()
  const user = useQuery({ queryKey: ['user', id], queryFn: () => admin.findUser(id) })
  return (
    <>
      <Link to="/admin/users">{text('toUsers')}</Link>
      <Changes of={changes} />
      {!changes.isGone && (
        <Loaded query={user}>
          {found => (
            <>
              <UserFacts user={found} />
              {permissions.includes('audit:read') && (
                <Link to="/admin/audit" memory={{ events: { user: found.username } }}>
                  {text('eventsOf', { username: found.username })}
                </Link>
              )}
              <ActOn
                thing={found}
                username={found.username}
                actions={userActions}
                send={(name, reason) => admin.changeUser(id, name, reason)}
                changes={changes}
              />
              <Section title={text('changeRoles')}>
                <ChangeRoles
                  of={found.username}
                  roles={found.roles}
                  give={roles => admin.changeUserRoles(id, roles)}
                  changes={changes}
                />
              </Section>
              {permissions.includes('sessions:write') && (
                <Section title={text('sessionsOf')}>
                  <SessionRows userId={id} changes={changes} />
                </Section>
              )}
              {permissions.includes('api-keys:write') && (
                <Section title={text('apiKeysTitle')}>
                  <OwnedKeyRows ownerId={id} changes={changes} />
                </Section>
              )}
              <Identities userId={id} changes={changes} />
            </>
          )}
        </Loaded>
      )}
    </>
  )
}

const UserFacts = ({ user }: { readonly user: AdministeredUser }) => {
  const { text, time } = useTexts()
  const waysIn = useWaysIn(user)
  return (
    <Facts>
      <Fact name={text('username')}>
        {user.username} <UserState user={user} />
      </Fact>
      <Fact name={text('email')}>
        {user.email ?? text('noEmail')}
        {user.email !== null && ` (${text(user.email_verified ? 'emailVerified' : 'emailUnverified')})`}
      </Fact>
      <Fact name={text('roles')}>
        <Badges names={user.roles} none={text('noRoles')} />
      </Fact>
      <Fact name={text('waysIn')}>
        <Badges names={waysIn} none={text('noWayIn')} />
      </Fact>
      <Fact name={text('openSessions')}>{user.sessions}</Fact>
      <Fact name={text('apiKeysTitle')}>{user.api_keys}</Fact>
      <Fact name={text('lastSignIn')}>
        {user.last_sign_in_at === null ? text('never') : time(user.last_sign_in_at)}
      </Fact>
      <Fact name={text('memberSince')}>{time(user.created_at)}</Fact>
    </Facts>
  )
}

/** By what somebody signs in, and beside what. */
const useWaysIn = ({ has_password: hasPassword, factors }: AdministeredUser): readonly string[] => {
  const { text } = useTexts()
  const ways: readonly (readonly [TextName, boolean, number?])[] = [
    ['passwordLabel', hasPassword],
    ['passkeys', factors.passkeys > 0, factors.passkeys],
    ['authenticator', factors.totp],
    ['recoveryCodes', factors.recovery_codes > 0, factors.recovery_codes],
  ]
  return ways
    .filter(([, has]) => has)
    .map(([name, , count]) => (count === undefined ? text(name) : `${text(name)}: ${count}`))
}
