import type { Engine } from 'gatewright/compose'
import { createService } from '../../packages/gatewright/src/administration/services.ts'
import { systemOrigin } from '../../packages/gatewright/src/audit/record.ts'
import { sha256 } from '../../packages/gatewright/src/ground/encoding.ts'
import { newId } from '../../packages/gatewright/src/ground/random.ts'
import type { Service } from '../../packages/gatewright/src/users/services.ts'

const name = 'nightly-reports'

/** The service that examples speak of, anew. One of before goes on under another name. */
export const addService = async (engine: Engine, roles: readonly string[] = ['user']): Promise<Service> => {
  const other = `former-${newId(engine.random).slice(0, 8).toLowerCase()}`
  await engine.db
    .updateTable('users')
    .set({ username: other, username_key: other })
    .where('username_key', '=', name)
    .execute()
  await engine.db.deleteFrom('reserved_usernames').where('username_hash', '=', sha256(name)).execute()
  const description = 'Reads the posts for the report of the night'
  return createService(engine, { name, description, roles }, systemOrigin)
}
