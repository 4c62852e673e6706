import { recordEvent } from '../audit/record.ts'
import type { Holdings } from '../backups/holdings.ts'
import { emitHook } from '../hooks/emit.ts'
import { eraseUser } from '../users/erase-user.ts'
import { takePassword } from '../users/new-password.ts'
import { replaceRoles } from '../users/users.ts'
import { mailWayBack } from './force-password-change.ts'
import {
  eachUser,
  isService,
  lostKeys,
  type Sides,
  setUser,
  type Take,
  userOf,
  usersWhere,
} from './taking.ts'

export const deleteUsers: Take = taking => {
  const { dependencies, work, origin } = taking
  const deleted = usersWhere(taking, (_, now) => now?.isDeleted === 1)
  return eachUser(taking, deleted, async user => {
    const userId = user.id
    const event = isService(user) ? 'service.deleted' : 'user.deleted'
    await recordEvent(dependencies, work, event, { origin, userId })
    await eraseUser(dependencies, work, user)
    await emitHook(dependencies, work, 'user-deleted', { userId })
  })
}

export const disableUsers: Take = taking => {
  const { dependencies, work, origin } = taking
  const disabled = usersWhere(taking, (was, now) => was.isDisabled === 0 && now?.isDisabled === 1)
  return eachUser(taking, disabled, async user => {
    const disabled_at = dependencies.clock.now()
    await setUser(taking, user.id, { disabled_at })
    const event = isService(user) ? 'service.disabled' : 'user.disabled'
    await recordEvent(dependencies, work, event, { origin, userId: user.id })
  })
}

export const takeRoles: Take = taking => {
  const { dependencies, work, origin, was, now } = taking
  const held = Map.groupBy([...was.user_roles.keys()], key => key.split(' ')[0] ?? '')
  const losers = new Set(lostKeys(was.user_roles, now.user_roles).map(key => key.split(' ')[0] ?? ''))
  return eachUser(taking, [...losers], async user => {
    const userId = user.id
    const before = (held.get(userId) ?? []).map(key => key.slice(userId.length + 1)).toSorted()
    const after = before.filter(role => now.user_roles.has(`${userId} ${role}`))
    await replaceRoles(dependencies, work, userId, after)
    const event = isService(user) ? 'service.roles-changed' : 'user.roles-changed'
    await recordEvent(dependencies, work, event, { origin, userId, details: { before, after } })
    await emitHook(dependencies, work, 'role-changed', { userId, before, after })
  })
}

/**
 * An address that was given up may be somebody else's by now, or was given up because it was: no link goes there, not
 * even the first one that an administrator sends to who has no password.
 */
export const doubtAddresses: Take = taking => {
  const changed = usersWhere(taking, (was, now) => was.address !== null && was.address !== now?.address)
  const none = { email: null, email_key: null, email_verified_at: null }
  return eachUser(taking, changed, ({ id }) => setUser(taking, id, none))
}

const ownersOf = (held: Holdings): ReadonlySet<string> =>
  new Set([...held.totp_factors.values(), ...held.passkeys.values()].map(([userId]) => String(userId)))

/** Who had a second factor, of which none is left here: the password alone would open what it did not open. */
const isLaidBare = ({ was, now }: Sides): ((userId: string) => boolean) => {
  const left = new Set(
    (['totp_factors', 'passkeys'] as const).flatMap(kind =>
      [...was[kind]].flatMap(([id, [userId]]) => (now[kind].has(id) ? String(userId) : [])),
    ),
  )
  const owners = ownersOf(now)
  return userId => owners.has(userId) && !left.has(userId)
}

/** One that was changed, reset or taken opens nothing; where a mail can bring its owner back, it does. */
export const takePasswords: Take = taking => {
  const { dependencies, work, origin, secretId } = taking
  const laidBare = isLaidBare(taking)
  const changed = usersWhere(
    taking,
    (was, now, id) => was.password !== null && (was.password !== now?.password || laidBare(id)),
  )
  return eachUser(taking, changed, async user => {
    await takePassword(work, user.id, { password_change_due: 1 })
    const details = { way: 'by_mail' }
    await recordEvent(dependencies, work, 'user.password-change-forced', { origin, userId: user.id, details })
    if (user.disabled_at === null) await mailWayBack(dependencies, work, user, secretId)
  })
}

export const askForPasswords: Take = taking => {
  const due = usersWhere(taking, (was, now) => was.isDue === 0 && now?.isDue === 1)
  return eachUser(taking, due, ({ id }) => setUser(taking, id, { password_change_due: 1 }))
}

/** What is born from now on must not count as ended with what was. */
export const raiseVersions: Take = taking => {
  const { now } = taking
  const behind = usersWhere(taking, (was, after) => after !== undefined && was.version < after.version)
  return eachUser(taking, behind, ({ id }) =>
    setUser(taking, id, { version: userOf(now.users, id)?.version ?? 0 }),
  )
}
