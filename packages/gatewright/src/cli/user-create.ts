import { Refusal } from '../ground/refusal.ts'
import { builtInRoleNames, createRoleTable } from '../permissions/roles.ts'
import { defineCommand } from './command.ts'
import { checkEmail } from './email-option.ts'
import { withEngine } from './engine.ts'
import { readNewPassword } from './password-input.ts'
import { toUserView } from './users.ts'

export const userCreate = defineCommand({
  name: 'user create',
  summary: 'Creates a user, also the first administrator. Makes the database where there is none.',
  parameters: {},
  options: {
    username: {
      kind: 'text',
      value: 'name',
      required: true,
      describe: 'The name to sign in with. Reserved names are allowed here.',
    },
    role: {
      kind: 'texts',
      value: 'role',
      describe: `${builtInRoleNames.join(', ')}, or one of the application's own; may be repeated. Default: user.`,
    },
    email: { kind: 'text', value: 'address', describe: 'An e-mail address; it counts once it is verified.' },
    'password-stdin': {
      kind: 'flag',
      describe: 'Takes the password from standard input. Without it you are asked, twice.',
    },
  },
  example: 'user create --username alice --role admin --password-stdin < password.txt',
  run: async ({ username, role, email, 'password-stdin': fromStandardInput }) => {
    const { createUser } = await import('../administration/users.ts')
    const asked = role.length > 0 ? role : ['user']
    // Before anybody is asked for a password, and before a database is made.
    await checkAsked(asked)
    if (email !== undefined) await checkEmail(email)
    const password = await readNewPassword(fromStandardInput)
    const registration = { username, password, roles: asked, ...(email !== undefined && { email }) }
    const user = await withEngine('is made', async engine =>
      createUser(engine, registration, (await import('../audit/record.ts')).commandLineOrigin),
    )
    return {
      text: `Created ${user.username} (${user.roles.join(', ')}), id ${user.id}.`,
      json: { user: toUserView(user) },
    }
  },
})

/** Roles of an application are known to the database, once it has started. */
const checkAsked = async (asked: readonly string[]): Promise<void> => {
  if (asked.every(role => builtInRoleNames.includes(role))) return
  const { checkRoles } = await import('../administration/users.ts')
  await withEngine('must exist', async engine => checkRoles(engine, asked, '/role')).catch(error => {
    const hasNone = error instanceof Refusal && error.code === 'not_found'
    if (hasNone) checkRoles({ roleTable: createRoleTable() }, asked, '/role')
    throw error
  })
}
