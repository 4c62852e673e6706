import { Text } from '@mantine/core'
import { Changes, useChanges } from '../../administration/changes.tsx'
import { PagedRows } from '../../administration/paged-rows.tsx'
import { Choice, useKnownRoles } from '../../administration/role-choice.tsx'
import { usePages } from '../../administration/use-pages.ts'
import { UserState } from '../../administration/user-state.tsx'
import type { Service } from '../../api/administration-answers.ts'
import { useApi } from '../../api/use-api.ts'
import { Section } from '../../factors/section.tsx'
import { Field } from '../../forms/field.tsx'
import { Form } from '../../forms/form.tsx'
import { Link } from '../../forms/link.tsx'
import { Row } from '../../frame/rows.tsx'
import { useTexts } from '../../texts/use-texts.tsx'

/** Programs with roles of their own. */
export const Services = () => {
  const { text } = useTexts()
  const { admin } = useApi()
  const services = usePages(['services'], admin.listServices)
  return (
    <>
      <Text c="dimmed">{text('servicesIntro')}</Text>
      <PagedRows label={text('servicesTitle')} none={text('servicesNone')} pages={services}>
        {service => <ServiceRow key={service.id} service={service} />}
      </PagedRows>
      <Section title={text('serviceNew')}>
        <MakeService />
      </Section>
    </>
  )
}

const ServiceRow = ({ service }: { readonly service: Service }) => {
  const { text } = useTexts()
  const { id, name, description, roles, state } = service
  return (
    <Row
      title={<Link to={`/admin/services/${id}`}>{name}</Link>}
      badges={<UserState user={{ state, password_change_due: false }} />}
      lines={[roles.join(', ') || text('noRolesHeld'), ...(description ? [description] : [])]}
    />
  )
}

const MakeService = () => {
  const { text } = useTexts()
  const { admin } = useApi()
  const changes = useChanges()
  const { changing, make } = changes
  const roles = useKnownRoles()
  return (
    <>
      <Changes of={changes} />
      <Form
        key={changing.isSuccess ? changing.submittedAt : 'open'}
        action={{ isPending: changing.isPending, error: null }}
        submit={text('serviceMake')}
        onSubmit={(read, readAll) => {
          const [name, description] = [read('name'), read('description')]
          make({
            run: () => admin.createService({ name, description, roles: readAll('roles') }),
            done: text('serviceMade', { name }),
          })
        }}
      >
        <Field name="name" autoComplete="off" autoCapitalize="none" label={text('keyName')} />
        <Field
          name="description"
          autoComplete="off"
          required={false}
          maxLength={500}
          label={text('description')}
        />
        <Choice name="roles" label={text('roles')} options={roles} hint={text('serviceRolesHint')} />
      </Form>
    </>
  )
}
