import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { day, minute } from 'gatewright/clock'
import { createPermissionUses } from '../../packages/gatewright/src/access-review/permission-uses.ts'
import { createRole } from '../../packages/gatewright/src/administration/change-role.ts'
import { createService } from '../../packages/gatewright/src/administration/services.ts'
import { changeRoles } from '../../packages/gatewright/src/administration/users.ts'
import { commandLineOrigin } from '../../packages/gatewright/src/audit/record.ts'
import { startOfDay } from '../../packages/gatewright/src/ground/clock.ts'
import { inTransaction } from '../../packages/gatewright/src/storage/transaction.ts'
import { eraseUser } from '../../packages/gatewright/src/users/erase-user.ts'
import { lockAndGetUser } from '../../packages/gatewright/src/users/users.ts'
import { giveKeyWithId } from '../api-keys/given.ts'
import { testsDatabase } from '../environment.ts'
import { type Call, type Caller, createFakeClock, signUp, startTestApp, type TestApp } from '../harness.ts'

let t: TestApp
let moderator: Caller
let author: Caller
/** A post of the author. */
let post: string
before(async () => {
  t = await startTestApp()
  moderator = await signUp(t, 'mia', ['moderator', 'user'])
  author = await signUp(t, 'ann')
  const body = { title: 'First', content: 'Words', published: true }
  post = `posts/${(await t.call('POST', 'posts', { token: author.access, body })).body.id}`
})
after(() => t.close())

type Row = readonly [holder: string, permission: string]

const write = () => t.engine.permissionUses.write()
const list = () =>
  t.engine.db
    .selectFrom('permission_uses')
    .selectAll()
    .orderBy('holder_kind')
    .orderBy('holder_id')
    .orderBy('permission')
    .execute()
const read = async (): Promise<readonly Row[]> => {
  await write()
  return (await list()).map(row => [`${row.holder_kind} ${row.holder_id}`, row.permission] as const)
}
/** Another day, on which everybody signs in anew. */
const nextDay = async (): Promise<void> => {
  t.clock.advance(day)
  for (const caller of [moderator, author]) {
    const { body } = await t.call('POST', 'refresh', { body: { refresh_token: caller.refresh } })
    Object.assign(caller, { access: body.access_token, refresh: body.refresh_token })
  }
}
beforeEach(async () => {
  await write()
  await t.engine.db.deleteFrom('permission_uses').execute()
  await nextDay()
})

const edit = (credential: Pick<Call, 'token' | 'headers'>) =>
  t.call('PUT', post, { ...credential, body: { title: `At ${t.clock.now()}` } })

const withKey = (key: string) => ({ headers: { 'x-api-key': key } })

describe('what was used', () => {
  test('is the permission that let somebody in, of the user and of the role', async () => {
    assert.equal((await edit({ token: moderator.access })).status, 200)
    assert.deepEqual(await read(), [
      ['role moderator', 'posts:moderate'],
      [`user ${moderator.id}`, 'posts:moderate'],
    ])
  })

  test('is nothing where owning the thing was enough, or what everybody may', async () => {
    assert.equal((await edit({ token: author.access })).status, 200)
    assert.equal((await t.call('GET', 'users', { token: moderator.access })).status, 200)
    assert.equal((await t.call('GET', post, { token: moderator.access })).status, 200)
    assert.equal((await t.call('GET', 'me', { token: moderator.access })).status, 200)
    assert.deepEqual(await read(), [])
  })

  test('is of an API key, and of its owner and the owner’s role, which it could not do without', async () => {
    const { id, key } = await giveKeyWithId(t, moderator.id)
    assert.equal((await edit(withKey(key))).status, 200)
    assert.equal((await t.call('GET', 'users', withKey(key))).status, 200)
    assert.deepEqual(await read(), [
      [`api-key ${id}`, 'posts:moderate'],
      [`api-key ${id}`, 'users:read'],
      ['role moderator', 'posts:moderate'],
      [`user ${moderator.id}`, 'posts:moderate'],
    ])
  })

  test('is of a service by its key', async () => {
    const service = await createService(
      t.engine,
      { name: 'sweeper', roles: ['moderator'] },
      commandLineOrigin,
    )
    const { id, key } = await giveKeyWithId(t, service.id, { permissions: ['posts:moderate'] })
    assert.equal((await edit(withKey(key))).status, 200)
    assert.deepEqual(await read(), [
      [`api-key ${id}`, 'posts:moderate'],
      ['role moderator', 'posts:moderate'],
      [`user ${service.id}`, 'posts:moderate'],
    ])
  })

  test('follows the roles at that moment: what is used after a change is used by the new role', async () => {
    await edit({ token: moderator.access })
    const change = (roles: readonly string[]) =>
      changeRoles(t.engine, { userId: moderator.id, roles, origin: commandLineOrigin })
    const analyst = { name: 'analyst', description: '', permissions: ['posts:moderate'] }
    await createRole(t.engine, analyst, commandLineOrigin)
    await change(['analyst', 'user'])
    await nextDay()
    await edit({ token: moderator.access })
    await change(['moderator', 'user'])
    const rows = await read()
    assert.ok(rows.some(([holder]) => holder === 'role analyst'))
    assert.ok(rows.some(([holder]) => holder === 'role moderator'))
    const days = new Map((await list()).map(row => [row.holder_id, row.last_day]))
    assert.equal(days.get('analyst'), startOfDay(t.clock.now()))
    assert.equal(days.get('moderator'), startOfDay(t.clock.now()) - day)
  })
})

describe('what was refused is no use', () => {
  const refused: readonly (readonly [string, () => Promise<{ status: number }>, number])[] = [
    [
      'without the permission',
      () => edit({ token: author.access }).then(() => t.call('GET', 'admin/users', { token: author.access })),
      403,
    ],
    ['without a credential', () => edit({}), 401],
    [
      'with a key that may not',
      async () => edit(withKey((await giveKeyWithId(t, moderator.id, { permissions: ['posts:write'] })).key)),
      403,
    ],
    [
      'on a thing that there is not',
      () => t.call('PUT', 'posts/none', { token: author.access, body: { title: 'x' } }),
      404,
    ],
    [
      'with a key on a route for people',
      async () => t.call('GET', 'me', withKey((await giveKeyWithId(t, moderator.id)).key)),
      403,
    ],
  ]
  for (const [what, send, status] of refused)
    test(what, async () => {
      assert.equal((await send()).status, status)
      assert.deepEqual(await read(), [])
    })

  test('where a recent sign-in was due', async () => {
    const root = await signUp(t, `root${t.clock.now()}`, ['admin'])
    t.clock.advance(11 * minute)
    const { body } = await t.call('POST', 'refresh', { body: { refresh_token: root.refresh } })
    const answer = await t.call('POST', 'admin/roles', {
      token: body.access_token,
      body: { name: 'made', description: '', permissions: [] },
    })
    assert.equal(answer.status, 401)
    assert.deepEqual(await read(), [])
  })
})

describe('a use is written', () => {
  test('by no request: in the background, once a day', async () => {
    for (let n = 0; n < 3; n++) await edit({ token: moderator.access })
    assert.deepEqual(await list(), [])
    assert.equal((await read()).length, 2)
    await t.engine.db.deleteFrom('permission_uses').execute()
    await edit({ token: moderator.access })
    assert.deepEqual(await read(), [], 'the same day again')
    await nextDay()
    await edit({ token: moderator.access })
    assert.equal((await read()).length, 2)
  })

  test('with the day in UTC, which never goes backwards', async () => {
    const today = startOfDay(t.clock.now())
    const at = (start: number) => createPermissionUses({ db: t.engine.db, clock: createFakeClock(start) })
    for (const [start, expected] of [
      [today + day - 1, today],
      [today, today],
      [today - 3 * day, today],
      [today + 2 * day, today + 2 * day],
      [today, today + 2 * day],
      // Of a clock that was ahead: what is granted would look used for all that time.
      [today + 3_000 * day, today + 3_000 * day],
      [today + 3 * day, today + 3 * day],
    ] as const) {
      const uses = at(start)
      uses.note('role', 'moderator', 'posts:moderate')
      await uses.stop()
      assert.deepEqual(
        (await list()).map(row => row.last_day),
        [expected],
      )
    }
  })

  test('by processes at the same time, whose rows stand in any order, and the newest day stays', async () => {
    const today = startOfDay(t.clock.now())
    const ids = Array.from({ length: 60 }, (_, n) => `role-${n}`)
    const processes = [0, 1, 2, 3].map(n =>
      createPermissionUses({ db: t.engine.db, clock: createFakeClock(today + n * day) }),
    )
    for (let round = 0; round < 5; round++) {
      for (const [n, uses] of processes.entries())
        for (const id of n % 2 === 0 ? ids : ids.toReversed()) uses.note('role', id, `p:r${round}`)
      await Promise.all(processes.map(uses => uses.write()))
    }
    await Promise.all(processes.map(uses => uses.stop()))
    const rows = await list()
    assert.equal(rows.length, 5 * ids.length)
    assert.deepEqual([...new Set(rows.map(row => row.last_day))], [today + 3 * day])
  })

  test('within bounds: a flood of principals does not grow what a process keeps', async () => {
    const uses = createPermissionUses({ db: t.engine.db, clock: t.clock }, 100)
    for (let n = 0; n < 1_000; n++) {
      uses.note('user', `made-up-${n}`, 'posts:moderate')
      assert.ok(uses.size() <= 100)
    }
    uses.note('role', 'moderator', 'posts:moderate')
    await uses.stop()
    assert.deepEqual(
      (await list()).map(row => row.holder_id),
      ['moderator'],
      'and writes nothing of whom there is not',
    )
  })
})

describe('a user who is deleted', () => {
  const erase = (id: string) =>
    inTransaction(t.engine.db, async work => {
      const row = await lockAndGetUser(work, id)
      assert.ok(row)
      await eraseUser(t.engine, work, row)
    })

  test('takes all days along, those of the keys and those not written yet too', async () => {
    const gone = await signUp(t, `gone${t.clock.now()}`, ['moderator'])
    const { id, key } = await giveKeyWithId(t, gone.id)
    await edit({ token: gone.access })
    await edit(withKey(key))
    assert.deepEqual(
      (await read()).map(([holder]) => holder),
      [`api-key ${id}`, 'role moderator', `user ${gone.id}`],
    )
    const uses = createPermissionUses({ db: t.engine.db, clock: t.clock })
    uses.note('user', gone.id, 'posts:write')
    uses.note('api-key', id, 'posts:write')
    await erase(gone.id)
    await uses.stop()
    assert.deepEqual(
      (await read()).map(([holder]) => holder),
      ['role moderator'],
    )
  })

  test('waits for nobody who notes, and nobody waits for it', {
    skip: testsDatabase.kind !== 'postgres',
  }, async () => {
    const gone = await signUp(t, `gone${t.clock.now()}`, ['moderator'])
    const uses = createPermissionUses({ db: t.engine.db, clock: t.clock })
    await inTransaction(t.engine.db, async work => {
      const row = await lockAndGetUser(work, gone.id)
      assert.ok(row)
      await eraseUser(t.engine, work, row)
      uses.note('user', gone.id, 'posts:moderate')
      await uses.write()
    })
    await uses.stop()
    assert.deepEqual(await read(), [])
  })
})
