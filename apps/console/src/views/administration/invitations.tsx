import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Changes, useChanges } from '../../administration/changes.tsx'
import { Choice, useKnownRoles } from '../../administration/role-choice.tsx'
import { invitationsPerPage } from '../../api/administration.ts'
import type { OpenInvitation } from '../../api/administration-answers.ts'
import { useApi } from '../../api/use-api.ts'
import { Section } from '../../factors/section.tsx'
import { Field, usernameProps } from '../../forms/field.tsx'
import { Form } from '../../forms/form.tsx'
import { Loaded } from '../../forms/loaded.tsx'
import { Row, RowButton, Rows } from '../../frame/rows.tsx'
import { useTexts } from '../../texts/use-texts.tsx'

/** Who was invited and has not come yet. */
export const Invitations = () => {
  const { text } = useTexts()
  const { admin } = useApi()
  const changes = useChanges()
  const open = useQuery({ queryKey: ['invitations'], queryFn: () => admin.listInvitations(1) })
  return (
    <>
      <Text c="dimmed">{text('invitationsIntro')}</Text>
      <Changes of={changes} />
      <Invite changes={changes} />
      <Section title={text('invitationsOpen')}>
        <Loaded query={open}>
          {({ invitations, total }) => (
            <>
              <Rows label={text('invitationsOpen')} items={invitations} none={text('invitationsNone')}>
                {invitation => (
                  <InvitationRow
                    key={invitation.id}
                    invitation={invitation}
                    onRevoke={() =>
                      changes.make({
                        run: () => admin.revokeInvitation(invitation.id),
                        done: text('invitationRevoked', { email: invitation.email }),
                      })
                    }
                  />
                )}
              </Rows>
              {total > invitationsPerPage && <Text>{text('invitationsOf', { total })}</Text>}
            </>
          )}
        </Loaded>
      </Section>
    </>
  )
}

const Invite = ({ changes: { changing, make } }: { readonly changes: ReturnType<typeof useChanges> }) => {
  const { text } = useTexts()
  const { admin } = useApi()
  const roles = useKnownRoles()
  const add = (email: string, username: string, chosen: readonly string[]): void =>
    make({
      run: () => admin.addUser({ email, roles: chosen, ...(username !== '' && { username }) }),
      done: username === '' ? text('invited', { email }) : text('userCreated', { username, email }),
    })
  return (
    <Form
      key={changing.isSuccess ? changing.submittedAt : 'open'}
      action={{ isPending: changing.isPending, error: null }}
      submit={text('invite')}
      onSubmit={(read, readAll) => add(read('email'), read('username'), readAll('roles'))}
    >
      <Field name="email" type="email" autoComplete="off" label={text('email')} problem={changing.error} />
      <Field
        {...usernameProps}
        required={false}
        autoComplete="off"
        label={text('usernameGiven')}
        problem={changing.error}
      />
      <Choice name="roles" label={text('roles')} options={roles} chosen={['user']} />
    </Form>
  )
}

type InvitationRowProps = { readonly invitation: OpenInvitation; readonly onRevoke: () => void }

const InvitationRow = ({ invitation, onRevoke }: InvitationRowProps) => {
  const { text, time } = useTexts()
  const { email, roles, invited_by: by } = invitation
  return (
    <Row
      title={email}
      lines={[
        roles.join(', ') || text('noRolesHeld'),
        by === null ? text('invitedBySystem') : text('invitedBy', { by }),
        text('opensUntil', { time: time(invitation.expires_at) }),
      ]}
    >
      <RowButton label={text('takeBackOf', { email })} onClick={onRevoke}>
        {text('takeBack')}
      </RowButton>
    </Row>
  )
}
