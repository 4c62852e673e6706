import type { Code } from '../codes/codes.ts'

/** What an invitation carries, beside its inviter (`user_id`): none where the command line invited. */
export type Invited = { readonly email: string; readonly roles: readonly string[] }

/** @throws TypeError for what we did not write */
export const toInvited = ({ data }: Pick<Code, 'data'>): Invited => {
  const { email, roles } = data
  if (typeof email !== 'string' || !Array.isArray(roles)) throw new TypeError('this is no invitation')
  return { email, roles: roles.map(String) }
}
