import type { UserByMail } from '../administration/create-by-mail.ts'
import { toTimestamp } from '../ground/clock.ts'
import { Refusal } from '../ground/refusal.ts'
import { builtInRoleNames, createRoleTable } from '../permissions/roles.ts'
import type { User } from '../users/users.ts'
import { defineCommand, WrongUse } from './command.ts'
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
    'by-mail': {
      kind: 'flag',
      describe:
        'Asks for no password: the user chooses one by a link, good for seven days, that goes to --email. A running server sends it.',
    },
    'password-stdin': {
      kind: 'flag',
      describe: 'Takes the password from standard input. Without it you are asked, twice.',
    },
  },
  example: 'user create --username alice --role admin --password-stdin < password.txt',
  run: async ({ username, role, email, 'by-mail': byMail, 'password-stdin': fromStandardInput }) => {
    const roles = role.length > 0 ? role : ['user']
    if (byMail) checkWay(email, fromStandardInput)
    // Before anybody is asked for a password, and before a database is made.
    await checkAsked(roles)
    if (email !== undefined) await checkEmail(email)
    if (byMail && email !== undefined) return createByMail({ username, email, roles })
    const { createUser } = await import('../administration/users.ts')
    const password = await readNewPassword(fromStandardInput)
    const registration = { username, password, roles, ...(email !== undefined && { email }) }
    const user = await withEngine('is made', async engine =>
      createUser(engine, registration, (await import('../audit/record.ts')).commandLineOrigin),
    )
    return { text: toText(user), json: { user: toUserView(user) } }
  },
})

const toText = ({ username, roles, id }: User): string =>
  `Created ${username} (${roles.join(', ')}), id ${id}.`

const checkWay = (email: string | undefined, fromStandardInput: boolean): void => {
  if (fromStandardInput)
    throw new WrongUse('--by-mail and --password-stdin stand together: write one of the two')
  if (email === undefined) throw new WrongUse('--by-mail needs an address: write --email <address>')
}

const createByMail = async (asked: UserByMail) => {
  const { createUserByMail } = await import('../administration/create-by-mail.ts')
  const { commandLineOrigin } = await import('../audit/record.ts')
  const { user, linkExpiresAt } = await withEngine('is made', engine =>
    createUserByMail(engine, asked, commandLineOrigin),
  )
  const until = toTimestamp(linkExpiresAt)
  return {
    text: `${toText(user)} A running server sends the link to choose a password, good until ${until}.`,
    json: { user: toUserView(user), link_expires_at: until },
  }
}

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
