import { randomUUID } from 'node:crypto'
import { password } from '../process/spawned-server.ts'
import { breach, meet, toWords } from './account.ts'
import { listPlaces, type Place } from './ended.ts'
import { mayLimitsForget, overloaded } from './faults.ts'
import { expect, type Scene, untilAnswered } from './people.ts'
import type { Reply } from './traffic.ts'

const processes = 4
const minute = 60_000

/** Rows of packages/gatewright/src/limits/table.ts, as docs/limits.md tells them. */
const signIn = { burst: 5, away: 2 }
const refused = { burst: 120 }

type Burst = { readonly replies: readonly Reply[]; readonly from: number }

/** So many at once from one address, to nginx and to both nodes in turn. */
const sendBurst = async (
  { traffic }: Scene,
  count: number,
  send: (place: ReturnType<typeof listPlaces>[number]) => Promise<Reply>,
): Promise<Burst> => {
  const places = listPlaces(traffic)
  const from = performance.now()
  const sent = Array.from({ length: count }, (_, index) => places[index % places.length])
  const replies = await Promise.all(sent.map(place => (place ? send(place) : Promise.reject(new Error()))))
  return { replies, from }
}

const count = ({ replies }: Burst, status: number): number =>
  replies.filter(reply => reply.status === status).length
/** Each was let through, or told that it was one too many. */
const isWhole = (burst: Burst, status: number): boolean =>
  count(burst, status) + count(burst, 429) === burst.replies.length

/** A process that waits for its count for a second tells so, and goes by its own memory for a while. */
const hasLostCount = ({ traffic }: Scene, began: number): boolean =>
  traffic.cluster.nodes.some(node => node.hasSaid(lost, began - 10_000))
const lost =
  'limits that all processes count together can not be counted: each lets a few through by itself, and refuses the rest with 503'

/** Exactly so many sign-ins of one name and address, over all four processes. */
export const burstOfSignIns = async (scene: Scene): Promise<void> => {
  const { traffic } = scene
  const client = traffic.newClient()
  const body = { username: `burst${client.address.replaceAll('.', 'x')}`, password }
  const made = await untilAnswered(scene, 'a registration', () =>
    traffic.call(client, 'sign-in', 'POST', 'register', { body }),
  )
  client.close()
  if (!expect(scene, 'a registration', made, 201, 409)) return
  const began = Date.now()
  const burst = await sendBurst(scene, 15, place => place.ask(client.address, 'POST', 'login', { body }))
  const faults = traffic.weather.since(burst.from)
  const passed = count(burst, 200)
  const elapsed = Math.floor(((performance.now() - burst.from) * signIn.burst) / minute)
  const isForgotten = mayLimitsForget(faults) || hasLostCount(scene, began)
  const forgotten = isForgotten ? signIn.burst + processes * signIn.away : 0
  const isExact = isWhole(burst, 200) && !isForgotten && faults.every(name => name === overloaded)
  meet(
    traffic.account,
    isExact ? 'an exact limit at once, all answered' : 'an exact limit at once, in a fault',
  )
  if (passed > signIn.burst + elapsed + forgotten || (isExact && passed < signIn.burst))
    breach(traffic.account, 'limits', `sign-in: ${passed} of 15 at once, while ${toWords(faults)}`)
}

const lanes = 12

/** A fast limit lets through its burst in each process at most, and in one at least. */
export const burstOfMadeUpTokens = async (scene: Scene): Promise<void> => {
  const { traffic } = scene
  const client = traffic.newClient()
  const all = (processes + 1) * refused.burst
  const from = performance.now()
  const replies: Reply[] = []
  const runLane = async (place: Place): Promise<void> => {
    for (let sent = 0; sent < all / lanes; sent += 1) {
      const token = `made-up-${randomUUID()}`
      replies.push(await place.ask(client.address, 'GET', 'protected', { token }))
    }
  }
  const nodes = listPlaces(traffic).slice(1)
  await Promise.all(
    Array.from({ length: lanes }, (_, lane) => nodes[lane % nodes.length]).map(
      place => place && runLane(place),
    ),
  )
  const burst = { replies, from }
  const faults = traffic.weather.since(from)
  const passed = count(burst, 401)
  const elapsed = Math.ceil(((performance.now() - from) * processes * refused.burst) / minute)
  if (!faults.every(name => name === overloaded) || !isWhole(burst, 401))
    return meet(traffic.account, 'a fast limit at once, in a fault')
  meet(traffic.account, 'a fast limit at once, all answered')
  if (passed < refused.burst || passed > processes * refused.burst + elapsed)
    breach(traffic.account, 'limits', `refused-credential: ${passed} of ${all} at once`)
}
