import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { changeRoles, disableUser, enableUser } from 'gatewright/administration'
import { day } from 'gatewright/clock'
import { addPost } from '../../apps/blog/src/posts/posts.ts'
import { addTodo } from '../../apps/blog/src/todos/todos.ts'
import { deleteUser } from '../../packages/gatewright/src/administration/delete-user.ts'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { type Answer, type Caller, password, signUp, startTestApp, type TestApp } from '../harness.ts'
import { until } from '../process/until.ts'
import { countRows, readTables, untilHooksAreDone } from '../table-contents.ts'
import { addUser, signInAs } from './signed-in.ts'

let t: TestApp
let people = 0
before(async () => {
  t = await startTestApp()
  await signUp(t, 'root', ['admin'])
})
after(() => t.close())

const join = (roles?: readonly string[]): Promise<Caller> => signUp(t, `person${++people}`, roles)
const deleteMe = ({ access }: Pick<Caller, 'access'>): Promise<Answer> =>
  t.call('DELETE', 'me', { token: access })
const login = (username: string): Promise<Answer> => t.call('POST', 'login', { body: { username, password } })
const rowOf = (id: string) =>
  t.engine.db.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
const rolesOf = (id: string) =>
  t.engine.db.selectFrom('user_roles').select('role').where('user_id', '=', id).execute()

describe('a deleted user', () => {
  test('can not sign in, and is told no more than anybody with a wrong password', async () => {
    const ann = await join()
    assert.equal((await deleteMe(ann)).status, 204)
    const [hers, nobodys] = [await login(ann.username), await login('nobody')]
    assert.equal(hers.status, 401)
    assert.deepEqual({ ...hers.body, request_id: '' }, { ...nobodys.body, request_id: '' })
    for (const name of [`@${ann.id}`, '', '@'])
      assert.ok([400, 401].includes((await login(name)).status), `"${name}" means somebody`)
  })

  test('is in no list and has no page of its own', async () => {
    const [ann, ben] = [await join(), await join()]
    await deleteMe(ann)
    const page = await t.call('GET', `users/${ann.id}`, { token: ben.access })
    assert.equal(page.status, 404)
    const list = await t.call('GET', 'users?per_page=100', { token: ben.access })
    const ids = list.body.users.map(({ id }: { id: string }) => id)
    assert.ok(ids.includes(ben.id) && !ids.includes(ann.id))
    assert.equal(list.body.total, ids.length)
  })

  test('leaves nothing personal in the account, its fields and its devices, and no role', async () => {
    const username = `person${++people}`
    const body = { username, password, email: 'ann@example.org', fields: { display_name: 'Ann the Great' } }
    const registered = await t.call('POST', 'register', { body })
    const headers = { 'user-agent': 'the phone of ann' }
    const { body: pair } = await t.call('POST', 'login', { body: { username, password }, headers })
    const kept = await t.call('POST', '/api/v2/todos', {
      token: pair.access_token,
      body: { title: 'a diary of ann' },
      headers: { 'idempotency-key': 'diary' },
    })
    assert.equal(kept.status, 201)
    assert.equal((await deleteMe({ access: pair.access_token })).status, 204)
    const { id } = registered.body
    const { password_hash, email_key, roles } = { ...(await rowOf(id)), roles: await rolesOf(id) }
    assert.deepEqual([password_hash, email_key, roles], [null, null, []])
    const contents = await readTables(t)
    for (const table of [
      'users',
      'sessions',
      'user_roles',
      'reserved_usernames',
      'hook_events',
      'idempotency_keys',
    ]) {
      const text = contents.get(table) ?? assert.fail(table)
      for (const personal of [username, 'ann@example.org', 'Ann the Great', 'phone of ann', 'diary of ann'])
        assert.ok(!text.includes(personal), `${table} holds ${personal}`)
    }
  })

  test('leaves its audit events, and one that it was deleted', async () => {
    const ann = await join()
    await deleteMe(ann)
    const rows = await t.engine.db
      .selectFrom('audit_events')
      .select('event')
      .where('user_id', '=', ann.id)
      .orderBy('id')
      .execute()
    assert.deepEqual(
      rows.map(({ event }) => event),
      ['user.created', 'session.started', 'user.deleted', 'session.ended', 'audit.erased'],
    )
  })

  test('keeps its name from everybody for a year, in any spelling, and its address from nobody', async () => {
    const ann = await join()
    await deleteMe(ann)
    const take = (username: string) =>
      t.call('POST', 'register', { body: { username, password, email: 'ann@example.org' } })
    await untilHooksAreDone(t)
    const before = countRows(await readTables(t))
    for (const name of [ann.username, ann.username.toUpperCase()]) {
      const answer = await take(name)
      assert.deepEqual([answer.status, answer.body.code], [409, 'username_taken'])
    }
    assert.deepEqual(countRows(await readTables(t)), before)
    t.clock.advance(365 * day - 1)
    assert.equal((await take(ann.username)).status, 409)
    t.clock.advance(1)
    const again = await take(ann.username)
    assert.equal(again.status, 201)
    assert.notEqual(again.body.id, ann.id)

    const { body } = await login(ann.username)
    assert.equal((await deleteMe({ access: body.access_token })).status, 204)
    assert.equal((await take(ann.username)).status, 409)
  })

  test('stays deleted, whatever is done to it', async () => {
    const { id, access } = await join()
    await deleteMe({ access })
    const before = await rowOf(id)
    await enableUser(t.engine, { userId: id, origin })
    await disableUser(t.engine, { userId: id, origin })
    const giving = changeRoles(t.engine, { userId: id, roles: ['admin'], origin })
    await assert.rejects(giving, { code: 'not_found' })
    await assert.rejects(deleteUser(t.engine, { userId: id, origin }), { code: 'not_found' })
    assert.deepEqual(await rowOf(id), before)
    assert.deepEqual(await rolesOf(id), [])
    await assert.rejects(signInAs(t.engine, id), { code: 'not_found' })
  })

  test("leaves the posts, whose author is shown as deleted; the todos go in the hook's time", async () => {
    const ann = await join()
    const token = ann.access
    await t.call('PATCH', 'me', { token, body: { fields: { display_name: 'Ann' } } })
    const post = { title: 'Stays', content: 'for all', published: true }
    const made = await t.call('POST', 'posts', { token, body: post })
    const author = { username: ann.username, display_name: 'Ann', deleted: false }
    assert.deepEqual(made.body.author, author)
    assert.equal((await t.call('POST', 'todos', { token, body: { title: 'Milk' } })).status, 201)
    const other = await join()
    await t.call('POST', 'todos', { token: other.access, body: { title: 'Bread' } })

    assert.equal((await deleteMe(ann)).status, 204)
    const gone = { username: null, display_name: null, deleted: true }
    const shown = await t.call('GET', `posts/${made.body.id}`)
    assert.deepEqual([shown.status, shown.body.author, shown.body.user_id], [200, gone, ann.id])
    const list = await t.call('GET', `posts?user_id=${ann.id}`)
    assert.deepEqual(
      list.body.posts.map((each: { author: object }) => each.author),
      [gone],
    )
    await until('the todos are gone', async () => {
      const rows = (await readTables(t)).get('todos') ?? ''
      return !rows.includes(ann.id) && rows.includes(other.id)
    })
    await untilHooksAreDone(t)
  })
})

test('a session that ended while the request waited, or that is of somebody else, deletes nobody', async () => {
  // An application of its own: after a year the others' has keys to rotate, at a moment of its own.
  const own = await startTestApp()
  const { id: userId } = await addUser(own.engine, 'ann')
  const [ended, stranger] = [await signInAs(own.engine, userId), await signUp(own, 'ben')]
  assert.equal((await own.call('POST', 'logout', { token: ended.access })).status, 200)
  const live = await signInAs(own.engine, stranger.id)
  const before = await readTables(own)
  for (const sessionId of [ended.sessionId, live.sessionId]) {
    const deleting = deleteUser(own.engine, { userId, origin }, { userId, sessionId })
    await assert.rejects(deleting, { code: 'session_ended' })
  }
  assert.deepEqual(await readTables(own), before)
  await own.close()
})

describe('the last administrator', () => {
  const isAdministrator = async (id: string): Promise<boolean> => (await rolesOf(id)).length > 0

  test('is not deleted, and nothing ends', async () => {
    const alone = await startTestApp()
    const root = await signUp(alone, 'root', ['admin'])
    const before = await readTables(alone)
    const answer = await alone.call('DELETE', 'me', { token: root.access })
    assert.deepEqual([answer.status, answer.body.code], [409, 'last_administrator'])
    assert.deepEqual(await readTables(alone), before)
    assert.equal((await alone.call('GET', 'me', { token: root.access })).status, 200)
    await alone.close()
  })

  test('is one of two who delete themselves at once, in each of 20 rounds', async () => {
    await t.engine.db.deleteFrom('user_roles').where('role', '=', 'admin').execute()
    for (let round = 0; round < 20; round++) {
      const names = [`chief${round}a`, `chief${round}b`]
      const both = await Promise.all(names.map(name => addUser(t.engine, name, { roles: ['admin'] })))
      const sessions = await Promise.all(both.map(({ id }) => signInAs(t.engine, id)))
      const statuses = (await Promise.all(sessions.map(deleteMe))).map(({ status }) => status)
      assert.deepEqual([...statuses].sort(), [204, 409])
      const left = await Promise.all(both.map(({ id }) => isAdministrator(id)))
      assert.deepEqual(left, [statuses[0] === 409, statuses[1] === 409])
      await t.engine.db.deleteFrom('user_roles').where('role', '=', 'admin').execute()
    }
  })
})

describe('at the same moment as', () => {
  type Other = (caller: Caller) => Promise<Answer | undefined>
  const others: Record<string, Other> = {
    'a sign-in': ({ username }) => login(username),
    'a refresh': ({ refresh }) => t.call('POST', 'refresh', { body: { refresh_token: refresh } }),
    'a change of the password': ({ access }) =>
      t.call('PUT', 'me/password', {
        token: access,
        body: { current_password: password, new_password: `${password} 2` },
      }),
    'a step-up': ({ access }) => t.call('POST', 'step-up', { token: access, body: { password } }),
    'a change of roles': async ({ id }) => {
      await changeRoles(t.engine, { userId: id, roles: ['admin'], origin }).catch((error: unknown) =>
        assert.equal((error as { code: string }).code, 'not_found'),
      )
      return undefined
    },
    'a change of fields': ({ access }) =>
      t.call('PATCH', 'me', { token: access, body: { fields: { display_name: 'Late' } } }),
    'a logout': ({ access }) => t.call('POST', 'logout', { token: access }),
    'another deletion': deleteMe,
  }

  /** Before, beside and after: the other is begun at a random moment of the deletion. */
  const runBeside = async (caller: Caller, other: Other, round: number) => {
    const started = round % 2 === 0 ? other(caller) : undefined
    for (let turn = 0; turn < round; turn++) await new Promise(setImmediate)
    const deletion = deleteMe(caller)
    for (let turn = 0; turn < 6 - round; turn++) await new Promise(setImmediate)
    return Promise.all([deletion, started ?? other(caller)])
  }

  for (const [name, other] of Object.entries(others))
    test(`${name}: nothing of a deleted user is left alive`, async () => {
      // Who deletes an administrator must not be the last one.
      await addUser(t.engine, `chief-beside${++people}`, { roles: ['admin'] })
      for (let round = 0; round < 6; round++) {
        const caller = await join()
        const [deletion, answer] = await runBeside(caller, other, round)
        const { deleted_at, fields } = await rowOf(caller.id)
        assert.equal(deleted_at !== null, deletion.status === 204 || name === 'another deletion')
        if (deleted_at === null) {
          assert.equal(deletion.status, 401, deletion.text)
          continue
        }
        assert.equal(fields, '{}')
        assert.deepEqual(await rolesOf(caller.id), [])
        const live = await t.engine.db
          .selectFrom('sessions')
          .select('id')
          .where('user_id', '=', caller.id)
          .where('ended_at', 'is', null)
          .execute()
        assert.deepEqual(live, [])
        const tokens = [caller.access, answer?.body?.access_token].filter(Boolean)
        for (const token of tokens) assert.equal((await t.call('GET', 'me', { token })).status, 401)
      }
    })
})

test('nothing that a user writes during the own deletion outlives it', async () => {
  for (let round = 0; round < 4; round++) {
    const ann = await join()
    const write = (n: number) =>
      t.call('POST', n % 2 === 0 ? '/api/v2/todos' : 'todos', {
        token: ann.access,
        body: { title: `diary ${n}` },
        ...(n % 2 === 0 && { headers: { 'idempotency-key': `diary-${n}` } }),
      })
    const writes = Array.from({ length: 20 }, (_, n) => n).map(write)
    const deleted = deleteMe(ann)
    const late = Array.from({ length: 20 }, (_, n) => n + 20).map(write)
    assert.equal((await deleted).status, 204)
    for (const { status } of await Promise.all([...writes, ...late])) assert.ok([201, 401].includes(status))
    const { db } = t.engine
    const left = () =>
      db
        .selectFrom('todos' as 'users')
        .select('id')
        .where('owner_id' as 'id', '=', ann.id)
        .execute()
    await until('the hook has deleted the todos', async () => (await left()).length === 0)
    const keys = await db
      .selectFrom('idempotency_keys')
      .select('key')
      .where('principal_id', '=', ann.id)
      .execute()
    assert.deepEqual(keys, [])
  }
})

test('nothing is written for a user who is deleted, by a request that the gate let in before', async () => {
  const ann = await join()
  await deleteMe(ann)
  const title = 'late'
  for (const late of [
    () => addTodo(t.engine, { ownerId: ann.id, title, done: false }),
    () => addPost(t.engine, { authorId: ann.id, title, content: '', published: true }),
  ])
    await assert.rejects(late, { code: 'session_ended' })
})
