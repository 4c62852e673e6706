import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startTestApp, type TestApp } from '../../../../test/harness.ts'
import { logQueries } from '../../../../test/sessions/query-log.ts'
import { addUser } from '../../../../test/sessions/signed-in.ts'
import { inTransaction } from '../storage/transaction.ts'
import {
  emailKey,
  findUser,
  findUserByName,
  getUser,
  listUsers,
  raiseVersion,
  toPublicUser,
} from './users.ts'

let t: TestApp
let ann: string
before(async () => {
  t = await startTestApp()
  ann = (await addUser(t.engine, 'Ann', { roles: ['user', 'moderator'] })).id
  t.clock.advance(1)
  await addUser(t.engine, 'ben')
  const email = 'Ann@Example.org'
  await t.engine.db
    .updateTable('users')
    .set({ email, email_key: emailKey(email) })
    .execute()
  await t.engine.db.updateTable('users').set({ email_verified_at: 1 }).where('id', '=', ann).execute()
})
after(() => t.close())

describe('a submitted name means', () => {
  const rows: Record<string, string | undefined> = {
    Ann: 'Ann',
    ANN: 'Ann',
    ａｎｎ: 'Ann',
    'ann@example.org': 'Ann',
    'ANN@EXAMPLE.ORG': 'Ann',
    'ann@example.com': undefined,
    '@': undefined,
    'ann ': undefined,
    '%': undefined,
    "ann' --": undefined,
    '': undefined,
    'ann\0': undefined,
    ['a'.repeat(10_000)]: undefined,
  }
  for (const [name, username] of Object.entries(rows))
    test(`${username ?? 'nobody'}, by one query: ${JSON.stringify(name.slice(0, 20))}`, async () => {
      const { engine, queries } = logQueries(t.engine)
      assert.equal((await findUserByName(engine.db, name))?.username, username)
      assert.equal(queries.length, 1)
    })

  test('nobody while the address is not verified, also where two have written it down', async () => {
    await t.engine.db.updateTable('users').set({ email_verified_at: null }).where('id', '=', ann).execute()
    assert.equal(await findUserByName(t.engine.db, 'ann@example.org'), undefined)
    await t.engine.db.updateTable('users').set({ email_verified_at: 1 }).where('id', '=', ann).execute()
  })
})

test('what everybody may see of a user is the id, the name and since when', async () => {
  const user = await getUser(t.engine.db, ann)
  assert.deepEqual(toPublicUser(user), {
    id: ann,
    username: 'Ann',
    created_at: new Date(user.createdAt).toISOString(),
  })
})

test('a user as operations see one has no password, not even as a hash', async () => {
  const { passwordChangeDue: _, ...user } = { ...(await findUser(t.engine.db, ann)), id: '' }
  const text = JSON.stringify(user)
  assert.ok(!/password|hash|none/.test(text), text)
})

test('nobody is found by an id that is not there', async () => {
  assert.equal(await findUser(t.engine.db, 'nobody'), undefined)
  await assert.rejects(getUser(t.engine.db, 'nobody'), { code: 'not_found' })
})

test('a name that is taken is refused, and leaves neither a user nor roles', async () => {
  const count = async () => (await t.engine.db.selectFrom('user_roles').select('role').execute()).length
  const before = await count()
  await assert.rejects(addUser(t.engine, 'ANN', { roles: ['admin'] }), { code: 'username_taken' })
  assert.equal(await count(), before)
})

test('users are listed oldest first, page by page, each with the own roles', async () => {
  const page = async (number: number) => {
    const { users, total } = await listUsers(t.engine.db, { page: number, perPage: 1 })
    return { names: users.map(({ username, roles }) => [username, ...roles]), total }
  }
  assert.deepEqual(await page(1), { names: [['Ann', 'moderator', 'user']], total: 2 })
  assert.deepEqual(await page(2), { names: [['ben', 'user']], total: 2 })
  assert.deepEqual(await page(3), { names: [], total: 2 })
})

test('a page of a hundred users is found by three queries', async () => {
  const own = await startTestApp()
  for (let n = 0; n < 100; n++) await addUser(own.engine, `user${n}`, { roles: ['user', 'moderator'] })
  const { engine, queries } = logQueries(own.engine)
  const { users } = await listUsers(engine.db, { page: 1, perPage: 100 })
  assert.equal(users.length, 100)
  for (const { roles } of users) assert.deepEqual(roles, ['moderator', 'user'])
  assert.equal(queries.length, 3)
  await own.close()
})

describe('the version of a user', () => {
  const raise = (userId: string) => inTransaction(t.engine.db, work => raiseVersion(work, userId))

  test('grows by one each time, also twenty times at once', async () => {
    const versions = await Promise.all(Array.from({ length: 20 }, () => raise(ann)))
    assert.deepEqual(
      versions.sort((a, b) => a - b),
      Array.from({ length: 20 }, (_, n) => n + 2),
    )
  })

  test('of nobody can not be raised', () => assert.rejects(raise('nobody'), { code: 'not_found' }))
})
