import type { Invitation } from '../administration/invitations.ts'
import { toTimestamp } from '../ground/clock.ts'

/** An invitation as the command line's JSON shows one: as `GET /admin/invitations` does. */
export const toInvitationView = ({ id, email, roles, invitedBy, createdAt, expiresAt }: Invitation) => ({
  id,
  email,
  roles,
  invited_by: invitedBy,
  created_at: toTimestamp(createdAt),
  expires_at: toTimestamp(expiresAt),
})
