import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Engine } from 'gatewright/compose'
import { searchDepth } from '../../packages/gatewright/src/users/list-users-behind.ts'
import { type Caller, signUp, startTestApp, type TestApp } from '../harness.ts'
import { addUser } from '../sessions/signed-in.ts'

let t: TestApp
let chief: Caller
before(async () => {
  t = await startTestApp()
  chief = await signUp(t, 'chief', ['admin'])
  for (let n = 0; n < 25; n++) await addUser(t.engine, `many${String(n).padStart(2, '0')}`)
  await addUser(t.engine, 'moderator1', { roles: ['moderator'] })
  const away = await addUser(t.engine, 'away', { roles: ['user', 'moderator'] })
  await change(t.engine, away.id, { disabled_at: 1 })
  const mailed = await addUser(t.engine, 'mailed')
  await change(t.engine, mailed.id, { email: 'Percent%_@Example.org', email_key: 'percent%_@example.org' })
})
after(() => t.close())

const change = (
  { db }: Engine,
  id: string,
  to: { kind?: string; email?: string; email_key?: string; disabled_at?: number },
) => db.updateTable('users').set(to).where('id', '=', id).execute()

const ask = (query: string) => t.call('GET', `admin/users?${query}`, { token: chief.access })
type Shown = { readonly username: string }
const names = async (query: string): Promise<readonly string[]> => {
  const { status, body, text } = await ask(query)
  assert.equal(status, 200, text)
  return body.data.map(({ username }: Shown) => username)
}

const readAll = async (query: string, from = ''): Promise<readonly string[]> => {
  const all: string[] = []
  for (let cursor = from; ; ) {
    const { body } = await ask(`${query}${cursor && `&cursor=${cursor}`}`)
    all.push(...body.data.map(({ username }: Shown) => username))
    if (body.next_cursor === null) return all
    cursor = body.next_cursor
  }
}

describe('a list of users', () => {
  test('is read page by page, each user once, also when some come or go meanwhile', async () => {
    const first = await ask('q=many&limit=10')
    await addUser(t.engine, 'many05a')
    const rest = await readAll('q=many&limit=10', first.body.next_cursor)
    const all = [...first.body.data.map(({ username }: Shown) => username), ...rest]
    assert.deepEqual(all, [...all].sort())
    assert.deepEqual([all.length, new Set(all).size, all.at(-1)], [25, 25, 'many24'])
  })

  test('finds the beginning of a name in any case, and nothing by a part behind it', async () => {
    assert.deepEqual(await names('q=MODER'), ['moderator1'])
    assert.deepEqual(await names('q=oderator1'), [])
  })

  test('finds the beginning of an address, literally', async () => {
    assert.deepEqual(await names(`q=${encodeURIComponent('PERCENT%_@ex')}`), ['mailed'])
    assert.deepEqual(await names(`q=${encodeURIComponent('percent__@')}`), [])
  })

  for (const q of ['%', '_', 'm%', '*', '"', "' or 1=1 --", '\\', '@', '%@', '\u{10ffff}'])
    test(`injection: ${JSON.stringify(q)} is looked for as it stands`, async () => {
      assert.deepEqual(await names(`q=${encodeURIComponent(q)}`), [])
    })

  test('knows roles and states, each alone and together', async () => {
    assert.deepEqual([...(await names('role=moderator'))].sort(), ['away', 'moderator1'])
    assert.deepEqual(await names('state=disabled'), ['away'])
    assert.deepEqual(await names('role=moderator&state=disabled'), ['away'])
    assert.deepEqual(await names('role=moderator&state=enabled'), ['moderator1'])
    assert.deepEqual(await names('q=aw&role=user&state=enabled'), [])
    assert.deepEqual(await names('role=nobody-has-it'), [])
  })

  test('has no services and nobody who was deleted, in any search, and shows neither', async () => {
    const service = await addUser(t.engine, 'robot', { roles: ['robots'] })
    await change(t.engine, service.id, { kind: 'service', email: 'r@x.org', email_key: 'r@x.org' })
    for (const query of ['q=robot', 'role=robots', 'q=r@x', 'state=enabled&q=robot', 'limit=100'])
      assert.ok(!(await names(query)).includes('robot'), query)
    assert.equal((await t.call('GET', `admin/users/${service.id}`, { token: chief.access })).status, 404)
    const listed = await t.call('GET', 'users?per_page=100', { token: chief.access })
    assert.ok(!listed.text.includes('robot'))
    assert.equal((await t.call('GET', `users/${service.id}`, { token: chief.access })).status, 404)
  })

  test('reads so much for a page and no more, and goes on from there', async () => {
    const rows = Array.from({ length: searchDepth + 10 }, (_, n) => {
      const name = `zz${String(n).padStart(6, '0')}`
      const id = name.padStart(22, 'Z')
      return { id, username: name, username_key: name, version: 1, created_at: 1 }
    })
    for (let from = 0; from < rows.length; from += 500)
      await t.engine.db
        .insertInto('users')
        .values(rows.slice(from, from + 500))
        .execute()
    const last = rows.at(-1)
    await change(t.engine, String(last?.id), { disabled_at: 1 })
    const { body } = await ask('q=zz&state=disabled')
    assert.deepEqual([body.data, typeof body.next_cursor], [[], 'string'])
    assert.deepEqual(await readAll('q=zz&state=disabled'), [last?.username])
  })
})

const cursorOf = async (query: string) => (await ask(query)).body.next_cursor as string
const turn = (cursor: string, at: number, to: unknown): string => {
  const parts = JSON.parse(Buffer.from(cursor, 'base64url').toString())
  return Buffer.from(JSON.stringify(parts.with(at, to))).toString('base64url')
}
const cases: Record<string, () => Promise<string>> = {
  'that was changed': async () => `q=many&limit=2&cursor=${turn(await cursorOf('q=many&limit=2'), 1, 'a')}`,
  'of another search': async () => `q=m&limit=2&cursor=${await cursorOf('q=many&limit=2')}`,
  'of the same search without its role': async () =>
    `q=many&limit=2&cursor=${await cursorOf('q=many&limit=2&role=user')}`,
  'with a key that is no text': async () =>
    `q=many&limit=2&cursor=${turn(await cursorOf('q=many&limit=2'), 1, 5)}`,
  'that is no cursor at all': async () => 'cursor=abc',
  'that is empty': async () => 'cursor=',
}
for (const [which, make] of Object.entries(cases))
  test(`a cursor ${which} is refused`, async () => {
    const { status, body } = await ask(await make())
    assert.deepEqual([status, body.code, body.errors?.[0]?.path], [400, 'validation_failed', '/cursor'])
  })

test('a list of users refuses what it does not know', async () => {
  for (const query of ['limit=0', 'limit=101', 'limit=x', 'state=gone', 'q=', 'kind=service', 'sort=id'])
    assert.equal((await ask(query)).status, 400, query)
})

describe('a user as administrators see one', () => {
  test('has its state and how much it holds, and nothing secret', async () => {
    const { body: made } = await t.call('POST', 'register', {
      body: { username: 'shown', password: 'correct horse battery staple', email: 's@example.org' },
    })
    await t.call('POST', 'login', {
      body: { username: 'shown', password: 'correct horse battery staple' },
    })
    const { body, text } = await t.call('GET', `admin/users/${made.id}`, { token: chief.access })
    assert.deepEqual(
      [body.username, body.email, body.email_verified, body.state, body.sessions, body.api_keys],
      ['shown', 's@example.org', false, 'enabled', 1, 0],
    )
    assert.deepEqual(body.factors, { methods: [], passkeys: 0, totp: false, recovery_codes: 0 })
    assert.deepEqual([body.has_password, body.password_change_due], [true, false])
    assert.ok(body.last_sign_in_at)
    const row = await t.engine.db
      .selectFrom('users')
      .select('password_hash')
      .where('id', '=', made.id)
      .executeTakeFirst()
    assert.ok(!text.includes(String(row?.password_hash)) && !/hash|secret|gwr_|gws_/.test(text))
  })

  test('enumeration: who administers no users is told nothing, whether there is one or not', async () => {
    const other = await signUp(t, 'curious')
    const unknown = 'AAAAAAAAAAAAAAAAAAAAAA'
    const answers = await Promise.all(
      [chief.id, unknown].map(id => t.call('GET', `admin/users/${id}`, { token: other.access })),
    )
    for (const { status, body } of answers)
      assert.deepEqual([status, body.code], [403, 'insufficient_permission'])
    assert.equal((await t.call('GET', 'admin/users?q=chief', { token: other.access })).status, 403)
  })
})
