import { password, type TestApp } from '../harness.ts'
import { freshName } from '../senders.ts'
import { addUser } from '../sessions/signed-in.ts'
import { giveAddress, giveLink, type MailedPurpose } from './given-link.ts'

/** The link of a mail to somebody else. */
const mailedToken = async ({ engine }: TestApp, purpose: MailedPurpose): Promise<string> => {
  const { id, username } = await addUser(engine, freshName())
  const email = `${username}@example.org`
  await giveAddress(engine, id, email)
  return giveLink(engine, purpose, id, { email })
}

const withLink =
  (purpose: MailedPurpose, more: object = {}) =>
  async ({ t }: { readonly t: TestApp }) => ({ token: await mailedToken(t, purpose), ...more })

/** A request that each route of addresses and of forgotten passwords takes. */
export const mailRequests = {
  'POST /api/v1/me/email': { body: () => ({ email: 'new@example.org' }) },
  'POST /api/v1/password/forgot': { body: () => ({ email: 'forgetful@example.org' }) },
  'POST /api/v1/password/reset': { body: withLink('reset-password', { new_password: password }) },
  'POST /api/v1/email/verify': { body: withLink('verify-email') },
  'POST /api/v1/email/undo': { body: withLink('undo-email') },
  'POST /api/v1/sign-in/prove': { body: withLink('prove-email') },
  'POST /api/v1/email/not-me': { body: withLink('not-me') },
} as const
