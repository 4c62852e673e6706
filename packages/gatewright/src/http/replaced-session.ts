import type { FastifyRequest } from 'fastify'
import type { Engine } from '../compose.ts'
import { findCookieSession } from '../sessions/find-session.ts'
import type { Caller } from '../sessions/hold-session.ts'
import { refuseJustRenewed } from '../sign-in/cookie-session.ts'

/** The session that the browser's former cookie holds, which the new one is to replace. */
export const findReplaced = async (
  engine: Engine,
  { passage }: FastifyRequest,
): Promise<Caller | undefined> => {
  const found = passage?.cookie && (await findCookieSession(engine.db, passage.cookie))
  if (found === undefined) return undefined
  refuseJustRenewed(engine, found.session)
  return { userId: found.session.user_id, sessionId: found.session.id }
}
