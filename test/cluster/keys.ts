import { setTimeout as delay } from 'node:timers/promises'
import { breach, meet } from './account.ts'
import type { Chief } from './chief.ts'
import { listPlaces, type Place } from './ended.ts'
import { expect, type Person, register, type Scene, type Session } from './people.ts'
import type { Reply } from './traffic.ts'

const kidOf = (access: string): string =>
  String(JSON.parse(Buffer.from(access.split('.')[0] ?? '', 'base64url').toString()).kid)

type Tokens = Extract<Session, { kind: 'tokens' }>

const newTokens = async (scene: Scene): Promise<readonly [Person, Tokens] | undefined> => {
  const person = await register(scene)
  const session = person?.sessions[0]
  return person !== undefined && session?.kind === 'tokens' ? [person, session] : undefined
}

const attempts = 100

/** Asks at a place until it answers: it may be down, or stand still. */
const askThere = async (ask: () => Promise<Reply>): Promise<Reply | undefined> => {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const reply = await ask()
    if (![0, 429, 502, 503, 504].includes(reply.status)) return reply
    await delay(300)
  }
  return undefined
}

/** Each place signs with a key that counts, and each takes what another one signed. */
const checkPlaces = async (scene: Scene, ...kids: readonly string[]): Promise<void> => {
  const { traffic } = scene
  const places = listPlaces(traffic)
  const signed = await Promise.all(
    places.map(async place => {
      const owner = await newTokens(scene)
      if (owner === undefined) return undefined
      const [{ client }, { refresh }] = owner
      const body = { refresh_token: refresh }
      const reply = await askThere(() => place.ask(client.address, 'POST', 'refresh', { body }))
      return reply?.status === 200
        ? { place, address: client.address, access: reply.field('access_token') }
        : undefined
    }),
  )
  const found = signed.filter(each => each !== undefined)
  for (const { place, access } of found)
    if (!kids.includes(kidOf(access)))
      breach(traffic.account, 'keys', `${place.name} signs with ${kidOf(access)}, not with ${kids}`)
  const isTaken = async (place: Place, { address, access, place: by }: (typeof found)[number]) => {
    const reply = await askThere(() => place.ask(address, 'GET', 'protected', { token: access }))
    if (reply !== undefined && reply.status !== 200)
      breach(traffic.account, 'keys', `${place.name} refuses what ${by.name} has signed: ${reply.text}`)
  }
  await Promise.all(places.flatMap(place => found.map(each => isTaken(place, each))))
  meet(traffic.account, 'signatures of each place, checked at each', found.length)
}

/** At the nodes: nginx may keep a key set as long as any verifier. */
const checkKeySet = async ({ traffic }: Scene, isThere: boolean, kid: string): Promise<void> => {
  for (const { name, ask } of listPlaces(traffic).slice(1)) {
    const reply = await askThere(() => ask('127.0.0.1', 'GET', '/.well-known/jwks.json'))
    if (reply !== undefined && reply.text.includes(kid) !== isThere)
      breach(traffic.account, 'keys', `the key set of ${name} ${isThere ? 'lacks' : 'still has'} ${kid}`)
  }
}

const activeKid = async (scene: Scene, chief: Chief): Promise<string | undefined> => {
  const reply = await chief.call('GET', 'admin/signing-keys')
  if (!expect(scene, 'the signing keys', reply, 200)) return undefined
  const keys = JSON.parse(reply.text).signing_keys as readonly { state: string; kid: string }[]
  return keys.find(({ state }) => state === 'active')?.kid
}

/** The key that signs is revoked: all that it signed ends, and its successor signs, everywhere. */
export const revokeKey = async (scene: Scene, chief: Chief): Promise<void> => {
  const { traffic, watch } = scene
  const [former, owner] = [await activeKid(scene, chief), await newTokens(scene)]
  if (former === undefined || owner === undefined) return
  const [{ client }, { access: token }] = owner
  const reply = await chief.call('POST', `admin/signing-keys/${former}/revoke`)
  if (!expect(scene, 'a key is revoked', reply, 200)) return
  noteSigning(scene, reply.field('active'), false)
  if (kidOf(token) === former)
    watch.add({
      what: 'a signing key was revoked',
      at: performance.now(),
      attempts: [place => place.ask(client.address, 'GET', 'protected', { token })],
    })
  await delay(traffic.cluster.bound)
  await checkPlaces(scene, reply.field('active'))
  await checkKeySet(scene, false, former)
}

/** The key that signed when it was looked at last. */
const signing = new WeakMap<Scene, string>()

const noteSigning = (scene: Scene, kid: string, isTurn: boolean): void => {
  const former = signing.get(scene)
  if (isTurn && former !== undefined && former !== kid)
    meet(scene.traffic.account, 'a key that was too young when it was asked for had its turn')
  signing.set(scene, kid)
}

/**
 * The next key signs, and what the one before has signed is good. One that is too young is asked for all the same, and
 * signs when it is old enough.
 */
export const rotateKey = async (scene: Scene, chief: Chief): Promise<void> => {
  const { traffic } = scene
  const owner = await newTokens(scene)
  if (owner === undefined) return
  const [{ client }, { access: token }] = owner
  const reply = await chief.call('POST', 'admin/signing-keys/rotate')
  if (!expect(scene, 'keys are rotated', reply, 200)) return
  const { kid, rotated } = JSON.parse(reply.text) as { readonly kid: string; readonly rotated: boolean }
  meet(
    traffic.account,
    rotated ? 'keys were rotated' : 'keys were not rotated yet: the next one is too young',
  )
  noteSigning(scene, kid, !rotated)
  await delay(traffic.cluster.bound)
  // Whoever has read the keys less than a minute ago may go on with the former one.
  await checkPlaces(scene, kid, ...(rotated ? [kidOf(token)] : []))
  await checkKeySet(scene, true, kid)
  for (const { name, ask } of listPlaces(traffic)) {
    const taken = await askThere(() => ask(client.address, 'GET', 'protected', { token }))
    if (taken !== undefined && taken.status !== 200)
      breach(traffic.account, 'keys', `${name} refuses what the key before has signed: ${taken.text}`)
  }
}
