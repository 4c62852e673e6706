import type { Outgoing } from '../process/http-client.ts'
import { password } from '../process/spawned-server.ts'
import { chief } from './cluster.ts'
import { type Scene, toTokens, untilAnswered } from './people.ts'
import type { Reply } from './traffic.ts'

/** The administrator, who signs in anew as often as the work asks for it. */
export type Chief = {
  /** Asked once: what has no answer may happen yet, also after what is asked next. */
  readonly once: (method: string, path: string, outgoing?: Outgoing) => Promise<Reply>
  readonly call: (method: string, path: string, outgoing?: Outgoing) => Promise<Reply>
}

export const createChief = (scene: Scene): Chief => {
  const client = scene.traffic.newClient()
  let entering: Promise<string> | undefined
  const enter = async (): Promise<string> => {
    const body = { username: chief, password }
    const reply = await untilAnswered(scene, 'a sign-in of the administrator', () =>
      scene.traffic.call(client, 'sign-in', 'POST', 'login', { body }),
    )
    const session = toTokens(reply)
    return session.kind === 'tokens' ? session.access : ''
  }
  const send = async (method: string, path: string, outgoing: Outgoing): Promise<Reply> => {
    entering ??= enter()
    const used = entering
    const token = await used
    const reply = await scene.traffic.call(client, 'write', method, path, { ...outgoing, token })
    // Too long ago, expired, or its signing key was revoked: of several that find out, one signs in.
    if (reply.status !== 401) return reply
    if (entering === used) entering = undefined
    return send(method, path, outgoing)
  }
  return {
    once: (method, path, outgoing = {}) => send(method, path, outgoing),
    call: (method, path, outgoing = {}) =>
      untilAnswered(scene, 'a change by the administrator', () => send(method, path, outgoing)),
  }
}
