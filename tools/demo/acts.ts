import type { Person } from './people.ts'
import type { Act, ActKind } from './plan.ts'
import { addApp, ask, askFreshly, findLink, must, renew, type Stage, send, signIn } from './stage.ts'

const second = 1_000

type Cast = { readonly administrator: Person; readonly people: readonly Person[] }
type Play = (stage: Stage, act: Act & { readonly who: Person }, cast: Cast) => Promise<unknown>

const titles = [
  'What I learned about passkeys',
  'A week without a laptop',
  'Tea, and how to brew it',
  'Notes from the garden',
  'Why our build is fast now',
] as const
const todos = ['water the plants', 'book the train', 'read the report', 'call the dentist'] as const

const pickBy = <Item>(items: readonly [Item, ...Item[]], { at }: Act): Item =>
  items[at % items.length] ?? items[0]
const times = (act: Act): number => Number(act.with)
const idOf = ({ ids }: Stage, { username }: Person): string => ids.get(username) ?? ''

const arrive: Play = async (stage, { who }, { administrator }) => {
  const { username, email, password, address, device, roles, hasApp } = who
  const { id } = must(
    `registering ${username}`,
    await send(stage, 'POST', 'register', { body: { username, email, password }, address, device }),
  )
  stage.ids.set(username, id)
  const token = await findLink(stage, who, 'verify')
  if (token !== undefined)
    must('verifying', await send(stage, 'POST', 'email/verify', { body: { token }, address, device }))
  if (hasApp) await addApp(stage, who)
  if (!roles.includes('user'))
    await askFreshly(stage, administrator, 'PUT', `admin/users/${id}/roles`, { roles: [...roles, 'user'] })
}

const openTheHouse: Play = async (stage, _act, { administrator }) => {
  const asked = (method: string, path: string, body?: unknown) =>
    askFreshly(stage, administrator, method, path, body)
  await asked('POST', 'admin/roles', {
    name: 'support',
    description: 'Sees who is there, and ends sessions',
    permissions: ['users:read', 'sessions:write'],
  })
  for (const email of ['guest@example.org', 'newcomer@example.org'])
    await asked('POST', 'admin/users', { email, roles: ['user'] })
  await asked('POST', 'admin/services', {
    name: 'search-index',
    description: 'Reads what is new',
    roles: ['user'],
  })
  const { id } = await asked('POST', 'admin/services', {
    name: 'nightly-reports',
    description: 'Counts users, twice an hour',
    roles: ['user'],
  })
  const made = await asked('POST', 'admin/api-keys', {
    owner_id: id,
    name: 'reports',
    permissions: ['users:read'],
  })
  stage.keys.set('reports', made)
  await asked('POST', 'api-keys', { name: 'dashboard on the wall', permissions: ['metrics:read'] })
}

/** A password that is not the person's, once every so many seconds. */
const guess = async (
  stage: Stage,
  username: string,
  address: string,
  pause: number,
  password = 'Winter 2026 is here!',
): Promise<void> => {
  await send(stage, 'POST', 'login', { body: { username, password }, address })
  stage.clock.advance(pause * second)
}

const guessOne: Play = async (stage, act) => {
  for (let count = 0; count < times(act); count += 1)
    await guess(stage, act.who.username, `203.0.113.${66 + (count % 3)}`, 20)
  await signIn(stage, act.who)
}

const elsewhere = { address: '203.0.113.90', device: 'python-requests/2.32' } as const

/** Somebody else guesses until it is right. */
const guessRight: Play = async (stage, act) => {
  for (let count = 0; count < times(act); count += 1)
    await guess(stage, act.who.username, elsewhere.address, 50)
  await signIn(stage, act.who, elsewhere)
}

/** Somebody else knows the password, and not the second half. */
const wrongCodes: Play = async (stage, act) => {
  const { username, password } = act.who
  const body = { username, password: stage.passwords.get(username) ?? password }
  const first = await send(stage, 'POST', 'login', { body, ...elsewhere })
  for (let count = 0; count < times(act); count += 1) {
    const shown = { mfa_token: first.body?.mfa_token, method: 'totp', code: `00000${count}` }
    await send(stage, 'POST', 'login/mfa', { body: shown, ...elsewhere })
    stage.clock.advance(20 * second)
  }
}

/** As many names as are tried; who guesses does not know whether somebody has them. */
const namesTo = (count: number, people: readonly Person[]): readonly string[] =>
  Array.from({ length: count }, (_, place) => people[place]?.username ?? `user-${place}`)

const spray: Play = async (stage, act, { people }) => {
  for (const [place, name] of namesTo(times(act), people).entries())
    await guess(stage, name, `203.0.113.${100 + (place % 3)}`, 12)
}

/** A list of names with their passwords from elsewhere. */
const tryList: Play = async (stage, act, { people }) => {
  for (const [place, name] of namesTo(times(act), people).entries())
    await guess(stage, name, '203.0.113.120', 15, `${name} likes her ${place + 7} cats`)
}

/** Whoever copied a refresh token shows it after its owner has used it. */
const stealRefresh: Play = async (stage, { who }) => {
  await signIn(stage, who)
  const stolen = stage.live.get(who.username)?.refresh
  for (let turn = 0; turn < 2; turn += 1) {
    stage.clock.advance(10 * 60 * second)
    await renew(stage, who)
  }
  const body = { refresh_token: stolen }
  await send(stage, 'POST', 'refresh', { body, address: '203.0.113.77', device: 'python-requests/2.32' })
  await ask(stage, who, 'GET', 'me')
}

const adminPaths = ['users', 'settings', 'statistics', 'sessions', 'signing-keys'] as const

const tryDoors: Play = async (stage, { who }) => {
  await signIn(stage, who)
  for (const path of adminPaths) await ask(stage, who, 'GET', `admin/${path}`)
}

const throwTokens: Play = async (stage, act) => {
  for (let count = 0; count < times(act); count += 1) {
    const headers = { authorization: `Bearer made.up.${count}` }
    await send(stage, 'GET', 'me', { headers, address: '203.0.113.40' })
    if (count % 20 === 0) stage.clock.advance(15 * second)
  }
}

const hurry: Play = async (stage, act) => {
  for (let count = 0; count < times(act); count += 1) {
    await send(stage, 'GET', 'posts', { address: '203.0.113.50', device: 'a-crawler/1.0' })
    if (count % 100 === 0) stage.clock.advance(second)
  }
}

const forgetPassword: Play = async (stage, { who }) => {
  const { email, username, password, address, device } = who
  must('forgetting', await send(stage, 'POST', 'password/forgot', { body: { email }, address, device }))
  const token = await findLink(stage, who, 'reset')
  if (token === undefined) return
  stage.clock.advance(90 * second)
  const chosen = `${password} anew`
  const body = { token, new_password: chosen }
  const { status } = await send(stage, 'POST', 'password/reset', { body, address, device })
  if (status === 204) stage.passwords.set(username, chosen)
  await signIn(stage, who)
}

const changePassword: Play = async (stage, { who }) => {
  await signIn(stage, who)
  const chosen = `${who.password} changed`
  const body = { current_password: stage.passwords.get(who.username) ?? who.password, new_password: chosen }
  const answer = await ask(stage, who, 'PUT', 'me/password', body)
  if (answer !== undefined && answer.status < 300) stage.passwords.set(who.username, chosen)
  stage.live.delete(who.username)
  await signIn(stage, who)
}

const makeKey: Play = async (stage, { who }) => {
  const body = { name: `backup of ${who.username}`, permissions: ['users:read'] }
  stage.keys.set(who.username, await askFreshly(stage, who, 'POST', 'api-keys', body))
}

const withKey = (stage: Stage, name: string, address: string) => {
  const key = stage.keys.get(name)?.key
  if (key === undefined) return undefined
  return send(stage, 'GET', 'users', { headers: { 'x-api-key': key }, address, device: 'report/1.4' })
}

const revokeKey: Play = async (stage, { who }, { administrator }) => {
  const key = stage.keys.get(who.username)
  if (key === undefined) return
  await askFreshly(stage, administrator, 'DELETE', `admin/api-keys/${key.id}`)
  stage.clock.advance(60 * second)
  await withKey(stage, who.username, who.address)
}

const moderate: Play = async (stage, { who }) => {
  const post = stage.posts.shift()
  await signIn(stage, who)
  if (post !== undefined) await ask(stage, who, 'DELETE', `posts/${post}`)
}

const disable: Play = async (stage, { who }, { administrator }) => {
  const body = { reason: 'left the company' }
  await askFreshly(stage, administrator, 'POST', `admin/users/${idOf(stage, who)}/disable`, body)
  stage.clock.advance(120 * second)
  await ask(stage, who, 'GET', 'me')
  await signIn(stage, who)
}

const write: Play = async (stage, act) => {
  const body = { title: pickBy(titles, act), content: 'More of it soon.', published: true }
  const answer = await ask(stage, act.who, 'POST', 'posts', body)
  if (answer?.body?.id !== undefined) stage.posts.push(String(answer.body.id))
}

const note: Play = async (stage, act) => {
  const answer = await ask(stage, act.who, 'POST', 'todos', { title: pickBy(todos, act) })
  if (answer?.body?.id !== undefined) stage.todos.set(act.who.username, String(answer.body.id))
}

const finishNote: Play = async (stage, { who }) => {
  const id = stage.todos.get(who.username)
  if (id !== undefined) await ask(stage, who, 'PUT', `todos/${id}`, { done: true })
}

const signOff: Play = async (stage, _act, { administrator }) => {
  const { review } = await askFreshly(stage, administrator, 'GET', 'admin/access-review')
  const body = {
    digest: review.digest,
    unused_for: '90d',
    comment: 'A second factor for everybody comes next week.',
  }
  await askFreshly(stage, administrator, 'POST', 'admin/access-review/sign-offs', body)
}

/** How each act is played. */
export const acts: Readonly<Record<ActKind, Play>> = {
  arrive,
  'sign-in': (stage, { who }) => signIn(stage, who),
  mistype: (stage, { who }) =>
    send(stage, 'POST', 'login', { ...who, body: { username: who.username, password: `${who.password}!` } }),
  read: (stage, { who }) => ask(stage, who, 'GET', '/api/v2/posts?limit=20'),
  write,
  note,
  'finish-note': finishNote,
  'look-at-self': (stage, { who }) => ask(stage, who, 'GET', 'me'),
  'sign-out': async (stage, { who }) => {
    await ask(stage, who, 'POST', 'logout')
    stage.live.delete(who.username)
  },
  'open-the-house': openTheHouse,
  'make-key': makeKey,
  'run-report': stage => withKey(stage, 'reports', '192.0.2.20') ?? Promise.resolve(),
  'revoke-key': revokeKey,
  'guess-one': guessOne,
  'guess-right': guessRight,
  'wrong-codes': wrongCodes,
  spray,
  'try-list': tryList,
  'steal-refresh': stealRefresh,
  'try-doors': tryDoors,
  'throw-tokens': throwTokens,
  hurry,
  'forget-password': forgetPassword,
  'change-password': changePassword,
  moderate,
  disable,
  'end-sessions': (stage, { who }, { administrator }) =>
    askFreshly(stage, administrator, 'POST', `admin/users/${idOf(stage, who)}/end-sessions`),
  'rotate-signing-key': (stage, _act, { administrator }) =>
    askFreshly(stage, administrator, 'POST', 'admin/signing-keys/rotate'),
  'ask-why': (stage, { who }, { administrator }) =>
    askFreshly(stage, administrator, 'POST', 'admin/explain', {
      user: who.username,
      permission: 'users:write',
    }),
  'sign-off': signOff,
  travel: async (stage, _act, { administrator }) => {
    await signIn(stage, administrator, { address: '203.0.113.200' })
    await ask(stage, { ...administrator, address: '203.0.113.200' }, 'GET', 'admin/users')
  },
  'take-data': (stage, { who }) => askFreshly(stage, who, 'GET', 'me/export'),
  'leave-for-good': (stage, { who }, { administrator }) =>
    askFreshly(stage, administrator, 'DELETE', `admin/users/${idOf(stage, who)}`),
}
