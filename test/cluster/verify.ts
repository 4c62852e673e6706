import { invariants } from '../proofs/invariants.ts'
import { breach, meet } from './account.ts'
import { type Person, type Scene, signIn } from './people.ts'

type Rows = ReadonlyMap<unknown, unknown>

const readMap = async ({ traffic }: Scene, sql: string): Promise<Rows> =>
  new Map((await traffic.cluster.query(sql)).map(({ key, value }) => [key, value]))

const verifyThings = async (scene: Scene): Promise<void> => {
  const { account } = scene.traffic
  const titles = await readMap(
    scene,
    `select '/api/v2/posts/' || id as key, title as value from posts
     union all select '/api/v2/todos/' || id, title from todos`,
  )
  const things = scene.ledger.people.flatMap(person => person.things)
  for (const { path, title } of things)
    if (titles.get(path) !== title) breach(account, 'lost', `${path} "${title}" is ${titles.get(path)}`)
  for (const { path, title } of scene.ledger.gone)
    if (titles.has(path)) breach(account, 'lost', `the deletion of ${path} "${title}"`)
  const seen = new Set<unknown>()
  for (const title of titles.values()) {
    if (seen.has(title)) breach(account, 'twice', `"${title}" is there more than once`)
    seen.add(title)
  }
  meet(account, 'facts looked for in the database', things.length + scene.ledger.gone.length)
}

const verifySessions = async (scene: Scene): Promise<void> => {
  const { account } = scene.traffic
  const ended = await readMap(scene, 'select id as key, ended_at as value from sessions')
  const look = (id: string, isEnded: boolean, name: string): void => {
    if (!ended.has(id) || (ended.get(id) !== null) !== isEnded)
      breach(account, 'lost', `session ${id} of ${name} should be ${isEnded ? 'ended' : 'live'}`)
  }
  for (const id of scene.ledger.endedSessions) look(id, true, 'somebody')
  for (const { name, sessions, maybe } of scene.ledger.people)
    for (const { id, hasDoubt } of sessions) if (!hasDoubt && maybe === undefined) look(id, false, name)
  const keys = await readMap(scene, 'select id as key, ended_at as value from api_keys')
  for (const id of scene.ledger.endedKeys)
    if (keys.get(id) == null) breach(account, 'lost', `the end of API key ${id}`)
  for (const { name, keys: live } of scene.ledger.people)
    for (const { id } of live)
      if (keys.get(id) !== null) breach(account, 'lost', `API key ${id} of ${name} should be live`)
  meet(account, 'facts looked for in the database', ended.size + keys.size)
}

const verifyUsers = async (scene: Scene): Promise<void> => {
  const { account } = scene.traffic
  const disabled = await readMap(scene, 'select username as key, disabled_at as value from users')
  const roles = await readMap(
    scene,
    `select username as key, string_agg(role, ',' order by role) as value
     from users join user_roles on user_id = users.id group by username`,
  )
  for (const { name, state, roles: asked, hasRoleDoubt } of scene.ledger.people) {
    if (!disabled.has(name) || (disabled.get(name) === null) !== (state === 'enabled'))
      breach(account, 'lost', `${name} should be there and ${state}`)
    if (!hasRoleDoubt && roles.get(name) !== [...asked].sort().join(','))
      breach(account, 'lost', `${name} should have ${asked}, not ${roles.get(name)}`)
  }
  meet(account, 'facts looked for in the database', 2 * scene.ledger.people.length)
}

const mostPasswords = 60

/** Passwords that were acknowledged sign in, and those of who is disabled do not. */
const verifyPasswords = async (scene: Scene): Promise<void> => {
  const { people } = scene.ledger
  const verify = async (person: Person): Promise<void> => {
    if (person.state === 'enabled') return void (await signIn(scene, person, 'tokens'))
    const body = { username: person.name, password: person.password }
    const reply = await scene.traffic.ask(person.client.address, 'POST', 'login', { body })
    if (reply.status !== 401)
      breach(scene.traffic.account, 'lost', `${person.name} is disabled, and signs in: ${reply.text}`)
  }
  for (const state of ['enabled', 'disabled'] as const) {
    const some = people.filter(person => person.state === state).slice(-mostPasswords / 2)
    await Promise.all(some.map(verify))
    meet(scene.traffic.account, 'passwords tried at the end', some.length)
  }
}

const thieves = 'honest clients are not taken for thieves'

/** Everybody is honest here: only where an answer was not in time a token may have looked like a copy. */
const verifyHonest = async ({ traffic, ledger }: Scene): Promise<void> => {
  const rows = await traffic.cluster.query(
    "select session_id from audit_events where event in ('refresh-token.reused', 'refresh-token.ahead')",
  )
  for (const { session_id } of rows)
    if (!ledger.doubtful.has(String(session_id)))
      breach(
        traffic.account,
        'lost',
        `session ${session_id}, ended as stolen: every answer of it was in time`,
      )
}

/** What holds between rows always holds. */
const verifyInvariants = async ({ traffic }: Scene): Promise<void> => {
  const rules = invariants.filter(({ says }) => says !== thieves)
  for (const { says, sql } of rules) {
    const rows = await traffic.cluster.query(sql)
    if (rows.length > 0)
      breach(traffic.account, 'wrong', `${says}: not so for ${rows.length}: ${JSON.stringify(rows[0])}`)
  }
  meet(traffic.account, 'rules between all rows of the database', rules.length)
}

/** Everything that was acknowledged is looked for in the database itself. */
export const verify = async (scene: Scene): Promise<void> => {
  await verifyThings(scene)
  await verifySessions(scene)
  await verifyUsers(scene)
  await verifyPasswords(scene)
  await verifyInvariants(scene)
  await verifyHonest(scene)
}
