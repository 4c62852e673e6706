import type { Engine } from '../compose.ts'
import { toTimestamp, toTimestampOrNull } from '../ground/clock.ts'
import { Refusal } from '../ground/refusal.ts'
import type { Service } from '../users/services.ts'

/** A service as the command line's JSON shows one: as `GET /admin/services/:id` does. */
export const toServiceView = (service: Service) => ({
  id: service.id,
  name: service.name,
  description: service.description,
  roles: service.roles,
  state: service.disabledAt === null ? 'enabled' : 'disabled',
  disabled_at: toTimestampOrNull(service.disabledAt),
  created_at: toTimestamp(service.createdAt),
})

/** @throws Refusal `not_found` with the name; of a person it says what to write instead */
export const getServiceByName = async ({ db }: Engine, name: string): Promise<Service> => {
  const { findServiceByName } = await import('../users/services.ts')
  const { findUserByName } = await import('../users/users.ts')
  const service = await findServiceByName(db, name)
  if (service !== undefined) return service
  const shown = JSON.stringify(name)
  const isUser = (await findUserByName(db, name)) !== undefined
  throw new Refusal('not_found', {
    detail: isUser
      ? `${shown} is a user, no service: write gatewright user …`
      : `There is no service ${shown}.`,
  })
}
