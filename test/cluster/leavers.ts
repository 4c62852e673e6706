import { Agent } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { breach, meet } from './account.ts'
import { expect, headersOf, noteEnd, register, type Scene, untilAnswered } from './people.ts'
import type { Reply } from './traffic.ts'

/** Each worker of a node gets the next connection in turn. */
const workersOfEach = 2

/**
 * Signs out while connections to every process are open, and shows the token on them just past the bound. What
 * stands still then finds the request among the first things when it goes on, before any news of the logout.
 */
export const leave = async (scene: Scene): Promise<void> => {
  const { traffic, publicUrl } = scene
  const person = await register(scene, 'leaver')
  const [session] = person?.sessions ?? []
  if (person === undefined || session === undefined) return
  const headers = headersOf(session, publicUrl)
  const doors = traffic.cluster.nodes.flatMap(node =>
    Array.from({ length: workersOfEach }, () => ({
      node,
      agent: new Agent({ keepAlive: true, maxSockets: 1 }),
    })),
  )
  const askAll = (): Promise<readonly Reply[]> =>
    Promise.all(
      doors.map(({ node, agent }) =>
        traffic.callNode(node, person.client.address, 'GET', 'protected', { agent, headers }),
      ),
    )
  await askAll()
  const left = await untilAnswered(scene, 'a logout', () =>
    traffic.call(person.client, 'write', 'POST', 'logout', { headers }),
  )
  // 401: its signing key was revoked a moment ago, so it is the session that goes on.
  if (expect(scene, 'a logout', left, 200, 401) && left.status === 200) {
    noteEnd(scene, person, session, 'a logout')
    await delay(1.01 * traffic.cluster.bound)
    const replies = await askAll()
    meet(traffic.account, 'ended tokens over connections that were open before', replies.length)
    for (const { status } of replies)
      if (status === 200) breach(traffic.account, 'ended', 'a token over a connection that was open before')
  }
  for (const { agent } of doors) agent.destroy()
  person.client.close()
}
