import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { Identity } from '../api/installation-answers.ts'
import { useApi } from '../api/use-api.ts'
import { Section } from '../factors/section.tsx'
import { Field } from '../forms/field.tsx'
import { Form } from '../forms/form.tsx'
import { Loaded } from '../forms/loaded.tsx'
import { Row, RowButton, Rows } from '../frame/rows.tsx'
import { useUser } from '../session.ts'
import { useTexts } from '../texts/use-texts.tsx'
import type { Making } from './changes.tsx'

type IdentitiesProps = { readonly userId: string; readonly changes: Making }

/** The names of other issuers, for whoever may read them. */
const useIssuers = (): readonly string[] | undefined => {
  const { admin } = useApi()
  const { permissions } = useUser()
  const enabled = permissions.includes('clients:write')
  const issuers = useQuery({ queryKey: ['issuers'], queryFn: admin.listIssuers, enabled })
  return enabled ? (issuers.data?.map(({ issuer }) => issuer) ?? []) : undefined
}

/** For whom tokens of other issuers act. Where there is no other issuer, nothing is said of them. */
export const Identities = ({ userId, changes }: IdentitiesProps) => {
  const { text } = useTexts()
  const { admin } = useApi()
  const issuers = useIssuers()
  const identities = useQuery({
    queryKey: ['identities', userId],
    queryFn: () => admin.listIdentities(userId),
  })
  if (issuers?.length === 0 && (identities.data ?? []).length === 0) return null
  return (
    <Section title={text('identitiesTitle')}>
      <Text c="dimmed">{text('identitiesIntro')}</Text>
      <Loaded query={identities}>
        {found => (
          <Rows label={text('identitiesTitle')} items={found} none={text('noneOfThem')}>
            {identity => (
              <IdentityRow
                key={`${identity.issuer} ${identity.subject}`}
                identity={identity}
                userId={userId}
                changes={changes}
              />
            )}
          </Rows>
        )}
      </Loaded>
      <LinkForm
        // Empty again once there is one more.
        key={`${issuers?.length} ${identities.data?.length}`}
        userId={userId}
        issuers={issuers ?? []}
        changes={changes}
      />
    </Section>
  )
}

type IdentityRowProps = IdentitiesProps & { readonly identity: Identity }

const IdentityRow = ({ identity, userId, changes }: IdentityRowProps) => {
  const { text, time } = useTexts()
  const { admin } = useApi()
  const { issuer, subject, linked_at: at } = identity
  const ask = (): void =>
    changes.ask({
      title: text('identityUnlinkOf', { subject }),
      ends: [text('identityUnlinkEnds'), text('tellsUser'), text('canBeUndone')],
      submit: text('remove'),
      toChange: () => ({
        run: () => admin.unlinkIdentity(userId, identity),
        done: text('identityUnlinked', { subject }),
        undo: { run: () => admin.linkIdentity(userId, identity), done: text('identityLinked', { subject }) },
      }),
    })
  return (
    <Row title={subject} lines={[issuer, text('identityLinkedAt', { time: time(at) })]}>
      <RowButton ends label={text('identityUnlinkOf', { subject })} onClick={ask}>
        {text('remove')}
      </RowButton>
    </Row>
  )
}

type LinkFormProps = IdentitiesProps & { readonly issuers: readonly string[] }

const LinkForm = ({ userId, issuers, changes: { changing, make } }: LinkFormProps) => {
  const { text } = useTexts()
  const { admin } = useApi()
  const link = (named: Pick<Identity, 'issuer' | 'subject'>): void => {
    const { subject } = named
    make({
      run: () => admin.linkIdentity(userId, named),
      done: text('identityLinked', { subject }),
      undo: { run: () => admin.unlinkIdentity(userId, named), done: text('identityUnlinked', { subject }) },
    })
  }
  const asWritten = { autoComplete: 'off', autoCapitalize: 'none', spellCheck: false } as const
  return (
    <Form
      action={{ isPending: changing.isPending, error: null }}
      submit={text('identityLink')}
      onSubmit={read => link({ issuer: read('issuer').trim(), subject: read('subject').trim() })}
    >
      <Field
        {...asWritten}
        name="issuer"
        type="url"
        maxLength={255}
        list="known-issuers"
        label={text('identityIssuer')}
        defaultValue={issuers.length === 1 ? issuers[0] : undefined}
      />
      <Field {...asWritten} name="subject" maxLength={1_000} label={text('identitySubject')} />
      <datalist id="known-issuers">
        {issuers.map(name => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </Form>
  )
}
