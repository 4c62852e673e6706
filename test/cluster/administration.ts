import { breach, meet } from './account.ts'
import type { Chief } from './chief.ts'
import { listPlaces } from './ended.ts'
import { expect, headersOf, isOpen, noteEndOfAll, type Person, type Scene, type Session } from './people.ts'
import type { Reply } from './traffic.ts'
import { noteEndOfKey } from './writes.ts'

const mayModerate = ({ status, text }: Reply): boolean =>
  status === 200 && (JSON.parse(text).permissions as readonly string[]).includes('posts:moderate')

/** A user is disabled: everything of the user ends. */
export const disable = async (scene: Scene, chief: Chief, person: Person): Promise<void> => {
  const reply = await chief.call('POST', `admin/users/${person.id}/disable`, { body: { reason: 'left' } })
  if (!expect(scene, 'a user is disabled', reply, 204)) return
  person.state = 'disabled'
  noteEndOfAll(scene, person, 'a user was disabled')
  for (const { id, key } of person.keys.splice(0)) {
    scene.ledger.endedKeys.add(id)
    noteEndOfKey(scene, person, key)
  }
}

const setRoles = async (
  scene: Scene,
  chief: Chief,
  person: Person,
  roles: readonly string[],
): Promise<boolean> => {
  const reply = await chief.once('PUT', `admin/users/${person.id}/roles`, { body: { roles } })
  person.hasRoleDoubt ||= isOpen(reply)
  if (!expect(scene, 'the roles of a user', reply, 200)) return false
  person.roles = roles
  return true
}

/** A token that was made before has what is given within the bound, wherever it is shown. */
const checkGiven = async (
  { traffic, publicUrl }: Scene,
  { client, name }: Person,
  session: Session,
): Promise<void> => {
  const at = performance.now()
  const headers = headersOf(session, publicUrl)
  await Promise.all(
    listPlaces(traffic).map(async place => {
      for (;;) {
        const from = performance.now() - at
        const reply = await place.ask(client.address, 'GET', 'protected', { headers })
        if (mayModerate(reply)) return
        // Away, or the token is good no more: nothing to be seen.
        if (reply.status !== 200) return
        if (from < traffic.cluster.bound) continue
        breach(traffic.account, 'wrong', `the role of ${name} was not there after ${from} ms`)
        return
      }
    }),
  )
}

/** A role is given and taken: a token that was made in between loses it, wherever it is shown. */
export const giveAndTakeRole = async (
  scene: Scene,
  chief: Chief,
  person: Person,
  session: Session,
): Promise<void> => {
  if (person.hadRole) return
  person.hadRole = true
  if (!(await setRoles(scene, chief, person, ['moderator', 'user']))) return
  await checkGiven(scene, person, session)
  meet(scene.traffic.account, 'a role was given')
  const headers = headersOf(session, scene.publicUrl)
  if (!(await setRoles(scene, chief, person, ['user']))) return
  scene.watch.add({
    what: 'a role was taken',
    at: performance.now(),
    attempts: [place => place.ask(person.client.address, 'GET', 'protected', { headers })],
    isAccepted: mayModerate,
  })
}
