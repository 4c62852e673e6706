import type { AuditEventName } from '../audit/events.ts'
import { type Origin, recordEvent } from '../audit/record.ts'
import { applyConsequences } from '../consequences/apply.ts'
import { Refusal } from '../ground/refusal.ts'
import { emitHook } from '../hooks/emit.ts'
import type { Granting } from '../permissions/granted.ts'
import type { Caller } from '../sessions/hold-session.ts'
import type { SessionDependencies } from '../sessions/sessions.ts'
import { lockInstallation } from '../storage/installation.ts'
import type { Database } from '../storage/tables.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import { eraseUser } from '../users/erase-user.ts'
import { getService, insertService, type Service } from '../users/services.ts'
import { parseUsername, usernameKey } from '../users/username.ts'
import { lockUser, replaceRoles } from '../users/users.ts'
import { holdAdministrator } from './hold-administrator.ts'
import { holdGiver } from './users.ts'

type Dependencies = SessionDependencies & Granting & { readonly db: Database }

/** Which service, and where the request comes from. */
export type ServiceTarget = { readonly serviceId: string; readonly origin: Origin }

export type NewService = {
  readonly name: string
  readonly description?: string | undefined
  readonly roles: readonly string[]
}

/** @throws Refusal `validation_failed` */
const checkName = (name: string) => {
  const parsed = parseUsername(name, { reserved: 'allow' })
  if (parsed.ok) return parsed
  throw new Refusal('validation_failed', { errors: [{ path: '/name', message: parsed.problem }] })
}

const normalize = (roles: readonly string[]): readonly string[] => [...new Set(roles)].sort()

/**
 * Creates a service: a program that is let in by API keys alone.
 * @param caller the administrator's session, where there is one; the command line has none
 * @throws Refusal `username_taken`, `validation_failed`; `insufficient_permission` where a role allows what the
 *   caller may not do
 */
export const createService = async (
  dependencies: Dependencies,
  { name, description = '', roles: asked }: NewService,
  origin: Origin,
  caller?: Caller,
): Promise<Service> => {
  const { username, key } = checkName(name)
  const roles = normalize(asked)
  return inTransaction(dependencies.db, async work => {
    await lockInstallation(work)
    await holdGiver(dependencies, work, caller, { roles })
    const row = { username, key, description: description.trim() || null, roles }
    const service = await insertService(dependencies, work, row)
    const { id: userId } = service
    await recordEvent(dependencies, work, 'service.created', { origin, userId, details: { roles } })
    return service
  })
}

/**
 * The service as it is, held until the transaction ends. Whoever changes it may do all that it may: it belongs to
 * the administrators together, and to none of them more than they have themselves.
 */
const holdService = async (
  dependencies: Dependencies,
  work: Work,
  { serviceId }: ServiceTarget,
  caller: Caller | undefined,
): Promise<Service> => {
  await holdAdministrator(dependencies, work, caller, { needed: ['users:write'], over: serviceId })
  await lockUser(work, serviceId)
  return getService(work.db, serviceId)
}

/**
 * The roles named replace those held; what its keys may do follows at once.
 * @throws Refusal `not_found`; `insufficient_permission` where a role that is given or taken allows what the caller
 *   may not do
 */
export const changeServiceRoles = async (
  dependencies: Dependencies,
  { roles, ...target }: ServiceTarget & { readonly roles: readonly string[] },
  caller?: Caller,
): Promise<Service> => {
  const after = normalize(roles)
  const { serviceId: userId, origin } = target
  return inTransaction(dependencies.db, async work => {
    await lockInstallation(work)
    await holdGiver(dependencies, work, caller, { roles: after, over: userId })
    const service = await holdService(dependencies, work, target, caller)
    const details = { before: service.roles, after }
    await replaceRoles(dependencies, work, userId, after)
    await recordEvent(dependencies, work, 'service.roles-changed', { origin, userId, details })
    await emitHook(dependencies, work, 'role-changed', { userId, ...details })
    await applyConsequences(dependencies, work, 'roles changed', { userId, origin })
    return { ...service, roles: after }
  })
}

type State = 'disabled' | 'enabled'

const changes = {
  disabled: { audit: 'service.disabled', event: 'user disabled' },
  enabled: { audit: 'service.enabled', event: 'user enabled' },
} as const satisfies Record<State, { audit: AuditEventName; event: string }>

const stateOf = ({ disabledAt }: Pick<Service, 'disabledAt'>): State =>
  disabledAt === null ? 'enabled' : 'disabled'

const bringTo = (
  dependencies: Dependencies,
  state: State,
  target: ServiceTarget,
  caller: Caller | undefined,
): Promise<Service> =>
  inTransaction(dependencies.db, async work => {
    const service = await holdService(dependencies, work, target, caller)
    if (stateOf(service) === state) return service
    const { serviceId: userId, origin } = target
    const disabledAt = state === 'disabled' ? dependencies.clock.now() : null
    work.beforeLock('user')
    await work.db.updateTable('users').set({ disabled_at: disabledAt }).where('id', '=', userId).execute()
    await recordEvent(dependencies, work, changes[state].audit, { origin, userId })
    await applyConsequences(dependencies, work, changes[state].event, { userId, origin })
    return { ...service, disabledAt }
  })

/**
 * Disables a service: its keys end, in this process at once. No effect on one that is disabled.
 * @throws Refusal `not_found`, `insufficient_permission` for one that may do what the caller may not
 */
export const disableService = (
  dependencies: Dependencies,
  target: ServiceTarget,
  caller?: Caller,
): Promise<Service> => bringTo(dependencies, 'disabled', target, caller)

/**
 * Enables a service again. Keys that have ended stay ended: it needs new ones.
 * @throws Refusal `not_found`, `insufficient_permission` for one that may do what the caller may not
 */
export const enableService = (
  dependencies: Dependencies,
  target: ServiceTarget,
  caller?: Caller,
): Promise<Service> => bringTo(dependencies, 'enabled', target, caller)

/**
 * Deletes a service for good: its keys end, name and description are erased, and neither the id nor, for a year, the
 * name is given again.
 * @throws Refusal `not_found`, `insufficient_permission` for one that may do what the caller may not
 */
export const deleteService = (
  dependencies: Dependencies,
  target: ServiceTarget,
  caller?: Caller,
): Promise<void> =>
  inTransaction(dependencies.db, async work => {
    const { name } = await holdService(dependencies, work, target, caller)
    const { serviceId: userId, origin } = target
    await recordEvent(dependencies, work, 'service.deleted', { origin, userId })
    await applyConsequences(dependencies, work, 'user deleted', { userId, origin })
    await eraseUser(dependencies, work, { id: userId, username_key: usernameKey(name) })
    await emitHook(dependencies, work, 'user-deleted', { userId })
  })
