import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { day, hour, minute } from 'gatewright/clock'
import { register } from 'gatewright/register'
import { deleteUser } from '../../packages/gatewright/src/administration/delete-user.ts'
import { endApiKeys } from '../../packages/gatewright/src/api-keys/api-keys.ts'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { newId } from '../../packages/gatewright/src/ground/random.ts'
import { tellOwner } from '../../packages/gatewright/src/mail/notices.ts'
import { createRevocations } from '../../packages/gatewright/src/revocation/revocations.ts'
import { rememberDevice } from '../../packages/gatewright/src/sessions/known-devices.ts'
import { openSetupLink } from '../../packages/gatewright/src/sign-in/setup-link.ts'
import { countGuess } from '../../packages/gatewright/src/sign-in/throttle.ts'
import { inTransaction } from '../../packages/gatewright/src/storage/transaction.ts'
import { sweptTables } from '../../packages/gatewright/src/upkeep/housekeeping-table.ts'
import { type Answer, password, startTestApp, type TestApp } from '../harness.ts'
import { until } from '../process/until.ts'
import { addUser, type SignedIn, signInAs } from '../sessions/signed-in.ts'
import { countRows, readTables } from '../table-contents.ts'
import { keepHouse } from './keep-house.ts'

const days = 400
/** One day of so many is lived in full; the others pass. */
const stride = 4
/** The days after which rows are counted. */
const isCounted = (today: number): boolean => today % 20 === 16

let t: TestApp
before(async () => {
  t = await startTestApp({ auditRetention: 60 * day })
})
after(() => t.close())

const expect = ({ status, body, text }: Answer, wanted: number | string): void =>
  assert.equal(typeof wanted === 'number' ? status : body?.code, wanted, text)

const refresh = async (held: SignedIn): Promise<SignedIn> => {
  const answer = await t.call('POST', 'refresh', { body: { refresh_token: held.refresh } })
  expect(answer, 200)
  return { ...held, access: answer.body.access_token, refresh: answer.body.refresh_token }
}

const logOut = async ({ access }: SignedIn): Promise<void> =>
  expect(await t.call('POST', 'logout', { token: access }), 200)

/** As a process that starts now would judge. */
const isEndedElsewhere = async ({ sessionId, userId }: SignedIn): Promise<boolean> => {
  const { db, watch, clock } = t.engine
  const view = createRevocations({ db, watch, clock, maxAge: 5_000, readRoles: async () => [] })
  await view.start()
  view.stop()
  return view.isEnded({ sessionId, userId, userVersion: 1 })
}

const writePost = async ({ access }: SignedIn, key: string): Promise<Answer> =>
  t.call('POST', '/api/v2/posts', {
    token: access,
    headers: { 'idempotency-key': key },
    body: { title: 'Day', content: key },
  })

/** Whether somebody may have the name, asked without making a user. */
const isFree = async (username: string): Promise<boolean> => {
  const registering = register(t.engine, { username, password }, origin)
  const user = await registering.catch(error => {
    assert.equal(error.code, 'username_taken')
    return undefined
  })
  if (user !== undefined) await deleteUser(t.engine, { userId: user.id, origin })
  return user !== undefined
}

/** In another browser each time, after a wrong password. */
const signInAnew = async (userId: string): Promise<void> => {
  const keys = [`name ${t.clock.now()}`]
  assert.ok(await countGuess(t.engine, keys))
  const device = { id: newId(t.engine.random), userId }
  await inTransaction(t.engine.db, work =>
    rememberDevice(t.engine, work, device, { shown: undefined, known: undefined }),
  )
}

const verifyAddress = (id: string) =>
  t.engine.db
    .updateTable('users')
    .set({ email: `${id}@example.org`, email_key: `${id}@example.org`, email_verified_at: 1 })
    .where('id', '=', id)
    .execute()

/** A mail with a link that nobody follows. */
const sendMail = async (userId: string): Promise<void> => {
  await inTransaction(t.engine.db, async work => {
    const secretId = await t.engine.processes.secretInForce(work)
    await tellOwner(t.engine, work, { userId, notice: 'new-device', origin, secretId })
  })
  await t.deliverMail()
}

/** An authenticator app that somebody begins to set up, and does not confirm. */
const beginApp = async (userId: string): Promise<void> => {
  const { access } = await signInAs(t.engine, userId)
  expect(await t.call('POST', 'me/totp', { token: access }), 200)
}

/** A key that was given up. */
const endKey = async (userId: string): Promise<void> => {
  const id = newId(t.engine.random)
  const key = { id, user_id: userId, name: 'reports', secret_hash: '', permissions: '', address: '' }
  await t.engine.db
    .insertInto('api_keys')
    .values({ ...key, allowed_addresses: '', created_at: t.clock.now() })
    .execute()
  await inTransaction(t.engine.db, work =>
    endApiKeys(t.engine, work, { userId, only: [id] }, { reason: 'revoked', origin }),
  )
}

/** A day of some who come and go, with all that is left behind. */
const live = async (users: readonly string[], today: number, held: SignedIn[]): Promise<void> => {
  const turn = (today / stride) % 5
  const [visitor = '', loyal = ''] = [users[turn], users[5 + turn]]
  // Abandoned: it ends by time.
  await signInAs(t.engine, visitor)
  const leaving = await signInAs(t.engine, visitor)
  await logOut(leaving)
  held.push(await signInAs(t.engine, loyal))
  if (held.length > 3) await logOut(await refresh(held.shift() as SignedIn))
  await signInAnew(users[9] as string)
  await sendMail(users[9] as string)
  const writer = held.at(-1) as SignedIn
  const written = await writePost(writer, `key-${today}`)
  expect(written, 201)

  t.clock.advance(minute)
  await t.engine.sealer.look()
  await t.engine.sealer.sign()
  await t.engine.permissionUses.write()
  await keepHouse(t)
  expect(await t.call('GET', 'protected', { token: leaving.access }), 'session_ended')
  assert.ok(await isEndedElsewhere(leaving), 'a cut-off that matters is there')

  t.clock.advance(12 * hour)
  await t.engine.minutes.write()
  await keepHouse(t)
  for (const [n, session] of held.entries()) held[n] = await refresh(session)
  const again = await writePost(held.at(-1) as SignedIn, `key-${today}`)
  assert.equal(again.headers['idempotency-replayed'], 'true')
  assert.equal(again.text, written.text)
  const token = held.at(-1)?.access
  expect(await t.call('DELETE', `posts/${written.body.id}`, { token }), 204)
  const guess = { username: visitor, password: `a guess of day ${today}` }
  if (isCounted(today)) {
    expect(await t.call('POST', 'login', { body: guess }), 'invalid_credentials')
    await beginApp(visitor)
    await endKey(visitor)
  }
  t.clock.advance(stride * day - 12 * hour - minute)
}

/** A permission is used, which is noted. */
const administer = async (chief: string): Promise<void> => {
  const { access } = await signInAs(t.engine, chief)
  expect(await t.call('GET', 'admin/users', { token: access }), 200)
  await t.engine.permissionUses.write()
}

const countAll = async (): Promise<Record<string, number>> => {
  const counters = await t.engine.db.selectFrom('limit_counters').select('key').execute()
  const uses = await t.engine.db.selectFrom('permission_uses').select('permission').execute()
  const noted = { limit_counters: counters.length, permission_uses: uses.length }
  return { ...countRows(await readTables(t)), ...noted }
}

const stealAndNotice = async (userId: string): Promise<void> => {
  const stolen = await signInAs(t.engine, userId)
  t.clock.advance(minute)
  const owner = await refresh(stolen)
  t.clock.advance(minute)
  const shown = await t.call('POST', 'refresh', { body: { refresh_token: stolen.refresh } })
  expect(shown, 'refresh_token_reused')
  const late = await t.call('POST', 'refresh', { body: { refresh_token: owner.refresh } })
  expect(late, 'session_ended')
}

test('in 400 days of use no table grows that is swept, and nothing that is needed is gone', async context => {
  const started = performance.now()
  const users: string[] = []
  for (let n = 0; n < 10; n++) users.push((await addUser(t.engine, `user${n}`)).id)
  await verifyAddress(users[9] as string)
  const leaving = await addUser(t.engine, 'leaving')
  await signInAs(t.engine, leaving.id)
  const held: SignedIn[] = []
  const counts: Record<string, number>[] = []
  let chief = ''
  for (let today = 0; today < days; today += stride) {
    if (today === 20) await deleteUser(t.engine, { userId: leaving.id, origin })
    if (today < 60 && today % 12 === 0) await openSetupLink(t.engine)
    if (today === 60) chief = (await addUser(t.engine, 'chief', { roles: ['admin'] })).id
    if (today > 60 && isCounted(today)) await administer(chief)
    if (today % 40 === 36) await stealAndNotice(users[0] as string)
    await live(users, today, held)
    // Once to see what is due, and once for what follows from that.
    for (let turn = 0; turn < 2; turn++) await t.engine.keyRing.turn()
    if (today === 376) assert.equal(await isFree('leaving'), false)
    if (isCounted(today)) counts.push(await countAll())
  }
  assert.equal(await isFree('leaving'), true)
  await until('all hooks are delivered', async () => {
    const [event] = await t.engine.db.selectFrom('hook_events').select('id').execute()
    return event === undefined
  })

  const most = (table: string, from: number, to: number): number =>
    Math.max(...counts.slice(from / 20, to / 20).map(count => count[table] ?? 0))
  for (const { table } of sweptTables) {
    assert.ok(most(table, 0, 200) > 0, `${table} was in use`)
    assert.ok(most(table, 200, days) <= most(table, 0, 200), `${table} grows`)
  }
  const others = Object.keys(counts.at(-1) ?? {}).filter(
    table => !sweptTables.some(row => row.table === table),
  )
  const growing = others.filter(table => most(table, 300, days) > most(table, 100, 200))
  assert.deepEqual(growing, [], 'nothing that grows is kept for ever')
  assert.equal(most('audit_prunings', 0, days), 1, 'audit events were pruned')
  context.diagnostic(
    `${sweptTables.map(({ table }) => `${table} at most ${most(table, 200, days)}`).join(', ')} rows; ${Math.round(performance.now() - started)} ms`,
  )
})
