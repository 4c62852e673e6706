import { readRoleTable } from '../permissions/declared-roles.ts'
import type { DatabaseFacts } from './facts.ts'
import { type Finding, ok, warning } from './finding.ts'

/** Whether every role that somebody holds is built in or was declared at the last start. */
export const checkRoles = async ({ db }: Pick<DatabaseFacts, 'db'>): Promise<Finding> => {
  const { roles } = await readRoleTable(db)
  const held = await db.selectFrom('user_roles').select('role').distinct().orderBy('role').execute()
  const unknown = held.map(({ role }) => role).filter(role => !roles.has(role))
  if (unknown.length === 0) return ok(`${roles.size} known`)
  return warning({
    found: `users hold ${unknown.join(', ')}, which the last start did not declare`,
    means: 'Such a role allows nothing, and would again as soon as an application declares that name.',
    do: 'Declare it in the option "roles", or take it from its users: gatewright user role <name> <role>…',
  })
}
