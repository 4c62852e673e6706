import type { Invitation } from '../administration/invitations.ts'
import type { Engine } from '../compose.ts'
import { readAllPages } from './all-pages.ts'
import { defineCommand } from './command.ts'
import { withEngine } from './engine.ts'
import { toInvitationView } from './invitations.ts'
import { toTable } from './table.ts'

const listAll = async (engine: Engine): Promise<readonly Invitation[]> => {
  const { listInvitations } = await import('../administration/invitations.ts')
  return readAllPages(async page => (await listInvitations(engine, page)).invitations)
}

const toRow = (invitation: Invitation): readonly string[] => {
  const { id, email, roles, invited_by, expires_at } = toInvitationView(invitation)
  return [id, email, roles.join(', ') || 'none', invited_by ?? '', expires_at]
}

export const invitationList = defineCommand({
  name: 'invitation list',
  summary: 'Lists the invitations that are open, newest first, without their links.',
  parameters: {},
  options: {},
  example: 'invitation list',
  run: async () => {
    const invitations = await withEngine('must exist', listAll)
    const rows = [['ID', 'SENT TO', 'ROLES', 'INVITED BY', 'UNTIL'], ...invitations.map(toRow)]
    return {
      text: invitations.length === 0 ? 'No invitation is open.' : toTable(rows).join('\n'),
      json: { invitations: invitations.map(toInvitationView) },
    }
  },
})
