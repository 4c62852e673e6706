import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { changeRoles } from 'gatewright/administration'
import { minute } from 'gatewright/clock'
import { revokeApiKey } from '../../packages/gatewright/src/administration/api-keys.ts'
import { changeRole, createRole } from '../../packages/gatewright/src/administration/change-role.ts'
import { rotateApiKey } from '../../packages/gatewright/src/administration/rotate-api-key.ts'
import {
  changeServiceRoles,
  createService,
  deleteService,
  disableService,
} from '../../packages/gatewright/src/administration/services.ts'
import { revokeKey } from '../../packages/gatewright/src/administration/signing-keys.ts'
import { commandLineOrigin, systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { makeCode } from '../../packages/gatewright/src/codes/codes.ts'
import { applyConsequences } from '../../packages/gatewright/src/consequences/apply.ts'
import { heldByRoles } from '../../packages/gatewright/src/consequences/beside-the-table.ts'
import { everyEvent } from '../../packages/gatewright/src/consequences/every-event.ts'
import { type ConsequenceEvent, consequences } from '../../packages/gatewright/src/consequences/table.ts'
import { inTransaction } from '../../packages/gatewright/src/storage/transaction.ts'
import { type Given, giveKeyWithId } from '../api-keys/given.ts'
import { listen } from '../attacks/raw-http.ts'
import { sendSlowly } from '../attacks/slow-send.ts'
import { signUp, type TestApp } from '../harness.ts'
import { linkedToken, startMatrixApp } from '../issuers/matrix-issuer.ts'
import { freshName } from '../senders.ts'
import { headersOf, openBrowser, show } from '../sessions/browser.ts'
import { addUser, signInAs } from '../sessions/signed-in.ts'

let t: TestApp
let port: number
before(async () => {
  t = await startMatrixApp()
  port = await listen(t)
})
after(() => t.close())

type Headers = Readonly<Record<string, string>>

const body = { title: 'Slow', content: 'Text' }
const ask = async (headers: Headers): Promise<string> =>
  show(await t.call('POST', 'posts', { headers, body }))

/** What a request is told that comes after the event, and one whose body does. Both were let in before. */
const askAround = async (
  make: () => Promise<{ readonly headers: Headers; readonly happen: () => unknown }>,
): Promise<Readonly<Record<'after it' | 'in the middle', string>>> => {
  const first = await make()
  assert.equal(await ask(first.headers), '201')
  await first.happen()
  const after = await ask(first.headers)
  const second = await make()
  const slow = { method: 'POST', path: '/api/v1/posts', body, meanwhile: second.happen }
  return { 'after it': after, 'in the middle': await sendSlowly(t, port, second.headers, slow) }
}
const both = (said: string) => ({ 'after it': said, 'in the middle': said })

const toSaid: Readonly<Record<string, string>> = {
  end: '401 invalid_token',
  'stay ended': '401 invalid_token',
  keep: '201',
  're-read': '201',
}

type KeyEvent = {
  readonly expected: string
  readonly happen: (key: { readonly id: string; readonly ownerId: string }) => unknown
  readonly given?: () => Given
  readonly ofService?: true
}

/** By the one function that applies the table, wherever the event comes from. */
const byTable = (event: ConsequenceEvent): KeyEvent => ({
  expected: toSaid[consequences[event].apiKeys] ?? '',
  happen: async ({ ownerId: userId }) => {
    const [self, other] = [await signInAs(t.engine, userId), await signInAs(t.engine, userId)]
    const proof = { amr: ['pwd'], secretId: t.engine.secrets.newestId }
    const subject = { userId, sessionId: self.sessionId, otherSessionId: other.sessionId, ...proof, origin }
    const apply = (each: ConsequenceEvent) =>
      inTransaction(t.engine.db, work => applyConsequences(t.engine, work, each, subject))
    if (event === 'user enabled') await apply('user disabled')
    await apply(event)
  },
})

/** Of rows that are no event of all that a user has: by their names in docs/consequences.md. */
const besideTable: Readonly<Record<string, readonly (KeyEvent & { readonly what: string })[]>> = {
  'API key revoked or expired': [
    {
      what: 'revoked',
      expected: '401 invalid_token',
      happen: ({ id: keyId, ownerId }) => revokeApiKey(t.engine, { ownerId, keyId, origin }),
    },
    {
      what: 'another one revoked',
      expected: '201',
      happen: async ({ ownerId }) => {
        const { id: keyId } = await giveKeyWithId(t, ownerId)
        await revokeApiKey(t.engine, { ownerId, keyId, origin })
      },
    },
    {
      what: 'expired',
      expected: '401 invalid_token',
      given: () => ({ expiresAt: t.clock.now() + minute }),
      happen: () => t.clock.advance(minute),
    },
  ],
  'API key rotated': [
    {
      what: 'before its stored time',
      expected: '201',
      ofService: true,
      happen: ({ id: keyId, ownerId }) => rotate(ownerId, keyId, minute),
    },
    {
      what: 'at its stored time',
      expected: '401 invalid_token',
      ofService: true,
      happen: async ({ id: keyId, ownerId }) => {
        await rotate(ownerId, keyId, minute)
        t.clock.advance(minute)
      },
    },
    {
      what: 'without an overlap',
      expected: '401 invalid_token',
      ofService: true,
      happen: ({ id: keyId, ownerId }) => rotate(ownerId, keyId, 0),
    },
  ],
  'service disabled or deleted': [
    {
      what: 'disabled',
      expected: '401 invalid_token',
      ofService: true,
      happen: ({ ownerId: serviceId }) => disableService(t.engine, { serviceId, origin }),
    },
    {
      what: 'deleted',
      expected: '401 invalid_token',
      ofService: true,
      happen: ({ ownerId: serviceId }) => deleteService(t.engine, { serviceId, origin }),
    },
  ],
  'signing key revoked': [
    {
      what: 'the active one',
      expected: '201',
      happen: async () => {
        const { kid } = await t.engine.keyRing.getActive()
        await revokeKey(t.engine, { kid, origin })
      },
    },
  ],
}
const rotate = (ownerId: string, keyId: string, overlap: number) =>
  rotateApiKey(t.engine, { ownerId, keyId, overlap, origin: commandLineOrigin })

const addOwner = async ({ ofService }: KeyEvent, roles: readonly string[] = ['user']): Promise<string> =>
  ofService
    ? (await createService(t.engine, { name: freshName(), roles }, origin)).id
    : (await addUser(t.engine, freshName(), { roles })).id

const tryKey = async (event: KeyEvent): Promise<void> => {
  const said = await askAround(async () => {
    const ownerId = await addOwner(event)
    const { id, key } = await giveKeyWithId(t, ownerId, event.given?.())
    return { headers: { 'x-api-key': key }, happen: () => event.happen({ id, ownerId }) }
  })
  assert.deepEqual(said, both(event.expected))
}

describe('an API key that is known, after an event and in the middle of a request', () => {
  for (const event of Object.keys(consequences) as readonly ConsequenceEvent[])
    test(`${event}: ${consequences[event].apiKeys}`, () => tryKey(byTable(event)))
  for (const [row, events] of Object.entries(besideTable))
    for (const event of events) test(`${row}: ${event.what}: ${event.expected}`, () => tryKey(event))

  test('every event that says something of API keys was tried', () => {
    // No request is under way then: test/backups restores, and shows the key afterwards.
    const isRestore = (event: string): boolean => event.startsWith('restored from a backup')
    const others = everyEvent.filter(
      row => 'applied' in row && row.applied.length === 0 && !isRestore(row.event),
    )
    assert.deepEqual(Object.keys(besideTable).sort(), others.map(({ event }) => event).sort())
  })
})

type Scene = { readonly ownerId: string; readonly role: string; readonly headers: Headers }

/** Whoever has one role of posts alone, and shows one of these. */
const scenes: Readonly<Record<string, (role: string) => Promise<Omit<Scene, 'role'>>>> = {
  'an access token of the session in which it was done': async role => {
    const { id, access } = await signUp(t, freshName(), [role])
    return { ownerId: id, headers: { authorization: `Bearer ${access}` } }
  },
  'an access token of another session': async role => {
    const { id } = await signUp(t, freshName(), [role])
    const { access } = await signInAs(t.engine, id)
    return { ownerId: id, headers: { authorization: `Bearer ${access}` } }
  },
  'a session in a cookie': async role => {
    const { id, username } = await signUp(t, freshName(), [role])
    return { ownerId: id, headers: headersOf(t, await openBrowser(t, username)) }
  },
  'an API key of the user': async role => {
    const { id } = await addUser(t.engine, freshName(), { roles: [role] })
    return { ownerId: id, headers: { 'x-api-key': (await giveKeyWithId(t, id)).key } }
  },
  'an API key of a service': async role => {
    const { id } = await createService(t.engine, { name: freshName(), roles: [role] }, origin)
    return { ownerId: id, headers: { 'x-api-key': (await giveKeyWithId(t, id)).key } }
  },
  'a token of another issuer that speaks for the user': async role => {
    const { id } = await addUser(t.engine, freshName(), { roles: [role] })
    return { ownerId: id, headers: { authorization: `Bearer ${await linkedToken(t.engine, id)}` } }
  },
}

const setRoles = async (userId: string, roles: readonly string[]): Promise<unknown> => {
  const { kind } = await t.engine.db
    .selectFrom('users')
    .select('kind')
    .where('id', '=', userId)
    .executeTakeFirstOrThrow()
  return kind === 'service'
    ? changeServiceRoles(t.engine, { serviceId: userId, roles, origin })
    : changeRoles(t.engine, { userId, roles, origin })
}
const setAllowed = (name: string, permissions: readonly string[]): Promise<unknown> =>
  changeRole(t.engine, { name, permissions, origin })

type Way = {
  readonly take: (scene: Scene) => Promise<unknown>
  readonly give: (scene: Scene) => Promise<unknown>
}
const ways: Readonly<Record<string, Way>> = {
  'a role is taken or given': {
    take: ({ ownerId }) => setRoles(ownerId, []),
    give: ({ ownerId, role }) => setRoles(ownerId, [role]),
  },
  'what a role allows is changed': {
    take: ({ role }) => setAllowed(role, ['users:read']),
    give: ({ role }) => setAllowed(role, ['posts:write']),
  },
}

const open = async (held: string): Promise<Scene> => {
  const role = freshName()
  await createRole(t.engine, { name: role, description: '', permissions: ['posts:write'] }, origin)
  const make = scenes[held] ?? assert.fail(`no scene of ${held}`)
  return { role, ...(await make(role)) }
}

const listCodes = (userId: string) =>
  t.engine.db.selectFrom('codes').select('id').where('user_id', '=', userId).execute()
const listDevices = (userId: string) =>
  t.engine.db.selectFrom('known_devices').selectAll().where('user_id', '=', userId).execute()
const listSessions = (userId: string) =>
  t.engine.db
    .selectFrom('sessions')
    .select(['id', 'ended_at', 'replaced_by'])
    .where('user_id', '=', userId)
    .execute()

for (const [way, { take, give }] of Object.entries(ways))
  describe(way, () => {
    for (const { held } of heldByRoles.filter(({ fate }) => fate === 're-read'))
      test(`${held}: re-read, in the next request and in one that waits, and no session is another one`, async () => {
        const said = await askAround(async () => {
          const scene = await open(held)
          return { headers: scene.headers, happen: () => take(scene) }
        })
        assert.deepEqual(said, both('403 insufficient_permission'))
        const scene = await open(held)
        const was = await listSessions(scene.ownerId)
        await take(scene)
        assert.equal(await ask(scene.headers), '403 insufficient_permission')
        await give(scene)
        assert.equal(await ask(scene.headers), '201')
        assert.deepEqual(await listSessions(scene.ownerId), was)
      })

    test('open codes and links, and known devices: keep', async () => {
      const scene = await open('an access token of another session')
      const { ownerId: id } = scene
      await inTransaction(t.engine.db, async work => {
        const { version } = await work.db
          .selectFrom('users')
          .select('version')
          .where('id', '=', id)
          .executeTakeFirstOrThrow()
        await makeCode(t.engine, work, { purpose: 'reset-password', user: { id, version } })
        await makeCode(t.engine, work, { purpose: 'second-factor', user: { id, version } })
      })
      const was = [await listCodes(id), await listDevices(id)]
      assert.deepEqual(
        was.map(({ length }) => length),
        [2, 1],
      )
      await take(scene)
      await give(scene)
      assert.deepEqual([await listCodes(id), await listDevices(id)], was)
    })
  })

test('every row of what is held by roles is asked', () => {
  const asked = heldByRoles.filter(({ fate }) => fate === 're-read').map(({ held }) => held)
  assert.deepEqual(asked.toSorted(), Object.keys(scenes).sort())
})
