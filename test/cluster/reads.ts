import { breach } from './account.ts'
import { callAs, expect, type Person, type Scene, type Session } from './people.ts'

/** What somebody does. Nothing is thrown: what is not as it should be stands in the account. */
export type Act = (scene: Scene, person: Person, session: Session) => Promise<unknown>

/** What may be read: well, or away with the database, which the account has noted already. */
const readAs =
  (path: string): Act =>
  async (scene, person, session) => {
    const reply = await callAs(scene, person, session, 'read', 'GET', path)
    expect(scene, `GET ${path}`, reply, 200)
  }

const readPublic: Act = async (scene, { client }) => {
  const path = `/api/v2/posts?limit=${5 + scene.seeded.below(5)}`
  expect(scene, `GET ${path}`, await scene.traffic.call(client, 'read', 'GET', path), 200)
}

/** What was acknowledged is there, word for word, whichever node is asked. */
const readThing: Act = async (scene, person, session) => {
  const thing = person.things.length > 0 ? scene.seeded.pick(person.things) : undefined
  if (thing === undefined) return void (await readPublic(scene, person, session))
  const reply = await callAs(scene, person, session, 'read', 'GET', thing.path)
  if (reply.status === 404)
    return breach(scene.traffic.account, 'lost', `${thing.path} "${thing.title}" is not there`)
  if (!expect(scene, `GET ${thing.path}`, reply, 200)) return
  if (reply.field('title') !== thing.title)
    breach(scene.traffic.account, 'lost', `${thing.path} says ${reply.text}, not "${thing.title}"`)
}

/** A key has no session: it goes on through all that its owner's sessions go through. */
const readByKey: Act = async (scene, person, session) => {
  const key = person.keys.length > 0 ? scene.seeded.pick(person.keys) : undefined
  if (key === undefined) return void (await readAs('me')(scene, person, session))
  const headers = { 'x-api-key': key.key }
  const path = '/api/v2/todos?limit=5'
  const reply = await scene.traffic.call(person.client, 'read', 'GET', path, { headers })
  if (reply.status === 401)
    return breach(scene.traffic.account, 'lost', `a live API key was refused: ${reply.text}`)
  expect(scene, 'a read by API key', reply, 200)
}

/** What people read, and how often of all times. */
export const reads: readonly (readonly [Act, number])[] = [
  [readPublic, 35],
  [readThing, 40],
  [readAs('protected'), 15],
  [readAs('me'), 10],
  [readAs('/api/v2/todos?limit=5'), 25],
  [readAs('sessions'), 5],
  [readByKey, 15],
]
