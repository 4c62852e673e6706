import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { day } from 'gatewright/clock'
import { sql } from 'kysely'
import { show } from '../../apps/blog/test/call.ts'
import { linkIdentity, unlinkIdentity } from '../../packages/gatewright/src/administration/identities.ts'
import { createForeignUses } from '../../packages/gatewright/src/audit/foreign-uses.ts'
import { selectEvents, toRecorded } from '../../packages/gatewright/src/audit/read-events.ts'
import { commandLineOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { toForeignId } from '../../packages/gatewright/src/ground/foreign-id.ts'
import { addUser } from '../sessions/signed-in.ts'
import { type Scene, startScene } from './scene.ts'

let scene: Scene
before(async () => {
  scene = await startScene({ local_user: 'required' })
})
after(() => scene.close())

const link = async (name: string) => {
  const { id: userId } = await addUser(scene.t.engine, name)
  const named = { issuer: scene.local.issuer, subject: `sub-${name}`, userId, origin }
  await linkIdentity(scene.t.engine, named)
  return named
}
const use = async (sub: string, jti = '1'): Promise<string> =>
  show(await scene.t.call('GET', 'users', { token: scene.token({ sub, jti }) }))

const usesOf = async (userId: string) => {
  await scene.t.engine.foreignUses.stop()
  const rows = await selectEvents(scene.t.engine.db)
    .where('event', '=', 'issuer.token-used')
    .where('user_id', '=', userId)
    .orderBy('id')
    .execute()
  return rows
    .map(toRecorded)
    .map(({ actor, sessionId, address, details }) => ({ actor, sessionId, address, details }))
}

test('a hundred requests with ten tokens of one subject leave one mark a day, which names issuer, subject and client', async () => {
  const { issuer, subject, userId } = await link('often')
  for (let n = 0; n < 100; n++) assert.equal(await use(subject, String(n % 10)), '200')
  const [mark, ...more] = await usesOf(userId)
  assert.deepEqual(more, [])
  assert.deepEqual(mark, {
    actor: userId,
    sessionId: toForeignId(issuer, subject),
    address: '127.0.0.1',
    details: { issuer, subject, client: 'web-app' },
  })
  scene.t.clock.advance(day)
  await use(subject)
  await use(subject, '2')
  assert.equal((await usesOf(userId)).length, 2)
})

test('a second subject of a user has a mark of its own, and so has a subject that acts for another user', async () => {
  const [one, two] = [await link('first-of-two'), await link('second-of-two')]
  const second = { ...one, subject: 'second' }
  await linkIdentity(scene.t.engine, second)
  for (const { subject } of [one, second, one]) await use(subject)
  assert.equal((await usesOf(one.userId)).length, 2)
  await unlinkIdentity(scene.t.engine, second)
  await linkIdentity(scene.t.engine, { ...second, userId: two.userId })
  await use(second.subject)
  assert.equal((await usesOf(two.userId)).length, 1)
})

test('what is refused leaves no such mark: another audience, nobody linked, a blocked issuer', async () => {
  const { subject, userId } = await link('refused')
  const other = scene.token({ sub: subject, aud: 'https://other.example.org' })
  assert.equal(show(await scene.t.call('GET', 'users', { token: other })), '401 invalid_token')
  assert.equal(await use('not-linked'), '401 invalid_token')
  assert.deepEqual(await usesOf(userId), [])
  assert.deepEqual(await usesOf(toForeignId(scene.local.issuer, 'not-linked')), [])
})

const noted = (subject: string) => ({
  issuer: 'https://sso.example.org',
  subject,
  clientId: undefined,
  foreignId: toForeignId('https://sso.example.org', subject),
  userId: undefined,
  address: '192.0.2.7',
  requestId: 'r1',
})

test('another process, and the same one after a restart, write no second mark of the day', async () => {
  const { db, clock } = scene.t.engine
  for (let n = 0; n < 3; n++) {
    const uses = createForeignUses({ db, clock })
    uses.note(noted('restarted'))
    await uses.stop()
  }
  assert.equal((await usesOf(noted('restarted').foreignId)).length, 1)
})

test('many at once are written in few statements, all of them', async () => {
  const { db, clock } = scene.t.engine
  const uses = createForeignUses({ db, clock })
  for (let n = 0; n < 450; n++) uses.note(noted(`many-${n}`))
  await uses.stop()
  const { count } = await db
    .selectFrom('audit_personal')
    .select(eb => eb.fn.countAll<number>().as('count'))
    .where('details', 'like', '%many-%')
    .executeTakeFirstOrThrow()
  assert.equal(Number(count), 450)
})

test('where nothing can be written requests go on, it is told once, and the next use is noted', async () => {
  const { db, clock } = scene.t.engine
  const warnings: string[] = []
  const uses = createForeignUses({ db, clock })
  uses.tell({ warn: (_, message) => void warnings.push(message) })
  await sql`alter table audit_events rename to audit_events_away`.execute(db)
  for (let n = 0; n < 3; n++) {
    uses.note(noted('away'))
    await uses.stop()
  }
  await sql`alter table audit_events_away rename to audit_events`.execute(db)
  assert.equal(warnings.length, 1)
  uses.note(noted('away'))
  await uses.stop()
  assert.equal((await usesOf(noted('away').foreignId)).length, 1)
})
