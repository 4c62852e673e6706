import { useQuery } from '@tanstack/react-query'
import { ActOn } from '../../administration/act-on.tsx'
import { serviceActions } from '../../administration/actions.ts'
import { ChangeRoles } from '../../administration/change-roles.tsx'
import { Changes, useChanges } from '../../administration/changes.tsx'
import { UserState } from '../../administration/user-state.tsx'
import type { Service } from '../../api/administration-answers.ts'
import { useApi } from '../../api/use-api.ts'
import { Section } from '../../factors/section.tsx'
import { Link } from '../../forms/link.tsx'
import { Loaded } from '../../forms/loaded.tsx'
import { Badges } from '../../frame/badges.tsx'
import { Fact, Facts } from '../../frame/facts.tsx'
import { ServiceKeys } from '../../keys/service-keys.tsx'
import { useIdOfPath } from '../../router.ts'
import { useUser } from '../../session.ts'
import { useTexts } from '../../texts/use-texts.tsx'

/** One service, with its roles. */
export const OneService = () => {
  const { text } = useTexts()
  const { admin } = useApi()
  const { permissions } = useUser()
  const id = useIdOfPath()
  const changes = useChanges()
  const service = useQuery({ queryKey: ['service', id], queryFn: () => admin.findService(id) })
  return (
    <>
      <Link to="/admin/services">{text('toServices')}</Link>
      <Changes of={changes} />
      {!changes.isGone && (
        <Loaded query={service}>
          {found => (
            <>
              <ServiceFacts service={found} />
              <ActOn
                thing={found}
                username={found.name}
                actions={serviceActions}
                send={name => admin.changeService(id, name)}
                changes={changes}
              />
              <Section title={text('changeRoles')}>
                <ChangeRoles
                  of={found.name}
                  roles={found.roles}
                  give={roles => admin.changeServiceRoles(id, roles)}
                  changes={changes}
                />
              </Section>
              {permissions.includes('api-keys:write') && <ServiceKeys service={found} changes={changes} />}
            </>
          )}
        </Loaded>
      )}
    </>
  )
}

const ServiceFacts = ({ service }: { readonly service: Service }) => {
  const { text, time } = useTexts()
  const { name, description, roles, state, created_at: madeAt } = service
  return (
    <Facts>
      <Fact name={text('keyName')}>
        {name} <UserState user={{ state, password_change_due: false }} />
      </Fact>
      {description && <Fact name={text('description')}>{description}</Fact>}
      <Fact name={text('roles')}>
        <Badges names={roles} none={text('noRoles')} />
      </Fact>
      <Fact name={text('madeOn')}>{time(madeAt)}</Fact>
    </Facts>
  )
}
