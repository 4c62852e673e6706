import { checkRoles } from '../administration/users.ts'
import { systemOrigin } from '../audit/record.ts'
import type { Engine } from '../compose.ts'
import { administratorRole } from '../permissions/roles.ts'
import { addUser } from '../sign-in/register.ts'
import { lockInstallation } from '../storage/installation.ts'
import { inTransaction } from '../storage/transaction.ts'
import type { UserFields } from '../users/declared-fields.ts'
import { parsePassword } from '../users/password.ts'
import { createPasswordHasher, type PasswordHash } from '../users/password-hasher.ts'
import { checkUserFieldValues, type UserFieldValues } from '../users/user-fields.ts'
import { parseUsername } from '../users/username.ts'
import type { User } from '../users/users.ts'

/** The password of every user that tests make. */
export const testPassword = 'correct horse battery staple'

let hashed: Promise<PasswordHash> | undefined

/** Hashed once for all of them, so a user costs no hash and can still sign in with the password. */
const hashOnce = (): Promise<PasswordHash> => {
  hashed ??= createPasswordHasher().hash(parsePassword(testPassword))
  return hashed
}

export type NewTestUser = {
  readonly username: string
  readonly roles: readonly string[]
  /** The application's own fields, as the application itself may set them. */
  readonly fields?: UserFieldValues
}

/**
 * Creates a user as an administrator does, but for the hash.
 * @param hash of the test password
 * @throws Refusal `validation_failed` for a name, a role or a field that can't be; `username_taken`
 */
export const addTestUser = async (
  engine: Engine,
  { username, roles, fields = {} }: NewTestUser,
  declared: UserFields = {},
  hash: () => Promise<PasswordHash> = hashOnce,
): Promise<User> => {
  await engine.roleTable.ensureRead()
  checkRoles(engine, roles)
  const name = parseUsername(username, { reserved: 'allow' })
  if (!name.ok) throw new TypeError(`${username} is no username: ${name.problem}`)
  const prepared = {
    username: name.username,
    key: name.key,
    email: null,
    passwordHash: await hash(),
    fields: checkUserFieldValues(declared, fields, 'application'),
  }
  return inTransaction(engine.db, async work => {
    if (roles.includes(administratorRole)) await lockInstallation(work)
    return addUser(engine, work, prepared, {
      roles: [...new Set(roles)],
      origin: systemOrigin,
      secretId: await engine.processes.secretInForce(work),
      event: 'user.created',
    })
  })
}
