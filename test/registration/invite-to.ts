import assert from 'node:assert/strict'
import { type Invitation, invite } from '../../packages/gatewright/src/administration/invitations.ts'
import { commandLineOrigin } from '../../packages/gatewright/src/audit/record.ts'
import type { SentMail } from '../../packages/gatewright/src/testing/record-mail.ts'
import type { TestApp } from '../harness.ts'

/** The secret of the newest invitation that was mailed there. */
export const readInvitation = async (t: Pick<TestApp, 'deliverMail'>, email: string): Promise<string> => {
  const mails = await t.deliverMail()
  const isInvitation = (mail: SentMail): boolean =>
    mail.to === email && mail.link?.path === '/console/invitation'
  const { link } = mails.findLast(isInvitation) ?? {}
  assert.ok(link)
  return link.token
}

/** Invites as the command line does, and gives the secret that stands in the mail. */
export const inviteTo = async (
  t: TestApp,
  email: string,
  roles: readonly string[] = ['user'],
): Promise<string> => {
  await invite(t.engine, { email, roles }, commandLineOrigin)
  return readInvitation(t, email)
}

/** Invites as an administrator does who has signed in. */
export const inviteAs = async (
  t: TestApp,
  { access }: { readonly access: string },
  email: string,
  roles: readonly string[] = ['user'],
): Promise<Pick<Invitation, 'id'> & { readonly token: string }> => {
  const answer = await t.call('POST', 'admin/users', { token: access, body: { email, roles } })
  assert.equal(answer.status, 201, answer.text)
  return { id: answer.body.id, token: await readInvitation(t, email) }
}
