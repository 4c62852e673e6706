import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { changeRoles, createUser, disableUser } from 'gatewright/administration'
import { compose, type Engine } from 'gatewright/compose'
import type { HookEvent, HookName, Hooks } from 'gatewright/hooks'
import { register } from 'gatewright/register'
import {
  changeServiceRoles,
  createService,
  deleteService,
} from '../../packages/gatewright/src/administration/services.ts'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { completeSetup, openSetupLink } from '../../packages/gatewright/src/sign-in/setup-link.ts'
import { password, startTestApp, type TestApp } from '../harness.ts'
import { until } from '../process/until.ts'
import { addUser, type SignedIn, signInAs } from '../sessions/signed-in.ts'

let t: TestApp
let listener: Engine
let events: HookEvent<HookName>[] = []

const note = async (event: HookEvent<HookName>): Promise<void> => void events.push(event)
const names: readonly HookName[] = [
  'registered',
  'signed-in',
  'session-ended',
  'role-changed',
  'user-deleted',
]
const hooks = Object.fromEntries(names.map(name => [name, note])) as Hooks

before(async () => {
  t = await startTestApp()
  await t.engine.hooks.stop()
  listener = await compose({ settings: t.engine.settings, clock: t.clock, durability: 'off' })
  const fail = (fields: object): void => assert.fail(JSON.stringify(fields))
  await listener.hooks.start(hooks, { warn: fail, error: fail })
})
after(async () => {
  await listener.close()
  await t.close()
})

const settle = async (): Promise<void> => {
  await until('the queue is empty', async () => {
    listener.hooks.wake()
    return (await t.engine.db.selectFrom('hook_events').select('id').execute()).length === 0
  })
}

let users = 0
let ann: SignedIn
beforeEach(async () => {
  const { id } = await addUser(t.engine, `ann${++users}`)
  ann = await signInAs(t.engine, id)
  await settle()
  events = []
})

const tell = async (): Promise<readonly object[]> => {
  await settle()
  return events.map(({ id, at, ...event }) => {
    assert.match(id, /^\d+$/)
    assert.equal(at, t.clock.now())
    return event
  })
}

describe('an application is told', () => {
  test('who was set up, registered or created', async () => {
    const link = await openSetupLink(t.engine)
    assert.ok(link.state === 'made')
    const ids = [
      (await completeSetup(t.engine, { token: link.token, username: 'root', password }, origin)).id,
      (await register(t.engine, { username: 'newcomer', password }, origin)).id,
      (await createUser(t.engine, { username: 'helper', password, roles: ['moderator', 'user'] }, origin)).id,
    ]
    const roles = [['admin'], ['user'], ['moderator', 'user']]
    assert.deepEqual(
      await tell(),
      ids.map((userId, index) => ({ name: 'registered', userId, roles: roles[index] })),
    )
  })

  test('who signed in', async () => {
    const { userId, sessionId } = await signInAs(t.engine, ann.userId)
    assert.deepEqual(await tell(), [{ name: 'signed-in', userId, sessionId, amr: ['pwd'] }])
  })

  test('which session ended, and why', async () => {
    assert.equal((await t.call('POST', 'logout', { token: ann.access })).status, 200)
    const { userId, sessionId } = ann
    assert.deepEqual(await tell(), [{ name: 'session-ended', userId, sessionId, reason: 'logout' }])
  })

  test('of each session of a user who is disabled', async () => {
    const other = await signInAs(t.engine, ann.userId)
    await settle()
    events = []
    await disableUser(t.engine, { userId: ann.userId, origin })
    const told = (await tell()) as { sessionId: string; reason: string }[]
    assert.deepEqual(
      told.map(({ sessionId, reason }) => `${sessionId} ${reason}`).sort(),
      [`${ann.sessionId} user_disabled`, `${other.sessionId} user_disabled`].sort(),
    )
  })

  test('which roles a service has, and that it was deleted', async () => {
    const { id: userId } = await createService(t.engine, { name: `robot${users}`, roles: ['user'] }, origin)
    await changeServiceRoles(t.engine, { serviceId: userId, roles: ['moderator'], origin })
    await deleteService(t.engine, { serviceId: userId, origin })
    assert.deepEqual(await tell(), [
      { name: 'role-changed', userId, before: ['user'], after: ['moderator'] },
      { name: 'user-deleted', userId },
    ])
  })

  test('nothing when a session goes on under a new id, for that is no end', async () => {
    const { id, username } = await register(t.engine, { username: `ben${users}`, password }, origin)
    const { body } = await t.call('POST', 'login', { body: { username, password } })
    await settle()
    events = []
    const token = body.access_token
    assert.equal((await t.call('POST', 'step-up', { token, body: { password } })).status, 200)
    assert.deepEqual(await tell(), [], id)
  })

  test('which roles a user had, and has', async () => {
    await changeRoles(t.engine, { userId: ann.userId, roles: ['user', 'moderator'], origin })
    const change = { before: ['user'], after: ['moderator', 'user'] }
    assert.deepEqual(await tell(), [{ name: 'role-changed', userId: ann.userId, ...change }])
  })

  test('who was deleted, after the ends of the sessions', async () => {
    assert.equal((await t.call('DELETE', 'me', { token: ann.access })).status, 204)
    const { userId, sessionId } = ann
    assert.deepEqual(await tell(), [
      { name: 'session-ended', userId, sessionId, reason: 'user_deleted' },
      { name: 'user-deleted', userId },
    ])
  })

  test('nothing of what was refused', async () => {
    const body = { username: `ann${users}`, password }
    assert.equal((await t.call('POST', 'register', { body })).status, 409)
    assert.equal((await t.call('POST', 'login', { body })).status, 401)
    await assert.rejects(changeRoles(t.engine, { userId: 'nobody', roles: ['user'], origin }))
    assert.deepEqual(await tell(), [])
  })
})
