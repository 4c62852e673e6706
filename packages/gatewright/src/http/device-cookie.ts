import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Engine } from '../compose.ts'
import { mayBeGivenCookie } from '../gate/cross-site.ts'
import { day, second } from '../ground/clock.ts'
import type { Arrival, Started } from '../sign-in/finish-sign-in.ts'
import { hashDeviceSecret } from '../tokens/device-secret.ts'
import { toSetCookie } from './session-cookie.ts'

/** As long as browsers keep any cookie. */
const maxAge = (400 * day) / second

/**
 * What the request shows of its browser. It is remembered unless a page of another site has sent it: such a
 * page signs in whom it likes, and must not give this browser anything.
 */
export const browserOf = (engine: Engine, { passage }: FastifyRequest): NonNullable<Arrival['browser']> => ({
  shown: passage?.deviceSecret,
  known: passage?.knownDevice,
  isRemembered: passage !== undefined && mayBeGivenCookie(engine, passage),
})

/** Gives the browser the cookie by which it is known from now on. It signs nobody in. */
export const giveDeviceCookie = (
  { places, knownSecrets }: Engine,
  reply: FastifyReply,
  { deviceSecret: value }: Pick<Started, 'deviceSecret'>,
): void => {
  if (value === undefined) return
  knownSecrets.add(hashDeviceSecret(value))
  reply.header('set-cookie', toSetCookie(places.device, { value, maxAge, sameSite: 'Strict' }))
}
