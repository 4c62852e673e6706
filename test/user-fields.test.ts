import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createApp } from 'gatewright/app'
import { checkUserFields, type UserFields } from 'gatewright/declared-fields'
import { changeUserFields, readUserFields } from 'gatewright/user-fields'
import { pino } from 'pino'
import { password, startTestApp, type TestApp } from './harness.ts'
import { addUser, type SignedIn, signInAs } from './sessions/signed-in.ts'
import { readTables } from './table-contents.ts'

/** One field of each kind. */
const userFields = {
  nickname: { schema: { type: 'string', minLength: 1, maxLength: 80 }, read: 'public', write: 'self' },
  settings: {
    schema: {
      type: 'object',
      additionalProperties: false,
      properties: { theme: { type: 'string', enum: ['light', 'dark'] }, size: { type: 'integer' } },
      required: ['theme'],
    },
    read: 'self',
    write: 'self',
  },
  biography: { schema: { type: 'string' }, read: 'public', write: 'self' },
  plan: { schema: { type: 'string', enum: ['free', 'paid'] }, read: 'self', write: 'administrator' },
  points: { schema: { type: 'integer' }, read: 'public', write: 'nobody' },
  note: { schema: { type: 'string' }, read: 'administrator', write: 'administrator' },
} as const satisfies UserFields

let t: TestApp
before(async () => {
  t = await startTestApp()
  const application = { plugin: async () => {}, userFields }
  const { app } = await createApp({
    engine: t.engine,
    log: pino({ level: 'silent' }),
    mount: '/auth',
    application,
  })
  fields = app
})
after(async () => {
  await fields.close()
  await t.close()
})
/** The app with these fields, on the same engine as the blog with its own. */
let fields: TestApp['app']

let people = 0
const join = async (): Promise<SignedIn> =>
  signInAs(t.engine, (await addUser(t.engine, `person${++people}`)).id)

type Outcome = { readonly status: number; readonly body: { [name: string]: unknown } }
const send = async (
  method: 'GET' | 'PATCH' | 'POST',
  url: string,
  { access }: { access?: string } = {},
  payload?: string | object,
): Promise<Outcome> => {
  const headers = {
    ...(access && { authorization: `Bearer ${access}` }),
    ...(payload !== undefined && { 'content-type': 'application/json' }),
  }
  const answer = await fields.inject({ method, url, headers, ...(payload !== undefined && { payload }) })
  return { status: answer.statusCode, body: answer.json() }
}
const patch = (who: SignedIn, changes: string | object): Promise<Outcome> =>
  send('PATCH', '/auth/me', who, typeof changes === 'string' ? changes : { fields: changes })
const readMine = async (who: SignedIn) => (await send('GET', '/auth/me', who)).body.fields
const write = (userId: string, changes: object): Promise<void> =>
  changeUserFields(t.engine, userFields, { userId, fields: changes })

describe('a user', () => {
  test('sees and writes the own fields as one object', async () => {
    const ann = await join()
    assert.deepEqual(await readMine(ann), {})
    const settings = { theme: 'dark', size: 2 }
    const answer = await patch(ann, { nickname: 'Ann', settings })
    assert.deepEqual([answer.status, answer.body.fields], [200, { nickname: 'Ann', settings }])
    assert.deepEqual(await readMine(ann), { nickname: 'Ann', settings })
  })

  test('changes the fields named, leaves the others, and takes one away with null', async () => {
    const ann = await join()
    await patch(ann, { nickname: 'Ann', settings: { theme: 'dark' } })
    await patch(ann, { nickname: null, biography: 'Born.' })
    assert.deepEqual(await readMine(ann), { settings: { theme: 'dark' }, biography: 'Born.' })
    await patch(ann, { settings: { theme: 'light' } })
    assert.deepEqual(await readMine(ann), { settings: { theme: 'light' }, biography: 'Born.' })
  })

  test('gives fields when registering, and nothing that others write', async () => {
    const register = (given: object, username: string) =>
      send('POST', '/auth/register', {}, { username, password, fields: given })
    const made = await register({ nickname: 'New' }, 'newcomer')
    assert.deepEqual([made.status, made.body.fields], [201, { nickname: 'New' }])
    const rows: readonly (readonly [object, number])[] = [
      [{ plan: 'paid' }, 403],
      [{ points: 1_000 }, 403],
      [{ note: 'good' }, 400],
      [{ nickname: null }, 400],
      [{ roles: ['admin'] }, 400],
      [{ biography: 'a'.repeat(16_384) }, 400],
    ]
    for (const [given, status] of rows)
      assert.equal((await register(given, 'refused')).status, status, JSON.stringify(given))
    assert.equal((await t.call('POST', 'login', { body: { username: 'refused', password } })).status, 401)
  })

  test('of two changes of different fields at once loses neither, in each of 20 rounds', async () => {
    const ann = await join()
    for (let round = 0; round < 20; round++) {
      const changes = [{ nickname: `Ann ${round}` }, { biography: `Round ${round}` }, { settings: null }]
      const answers = await Promise.all(changes.map(change => patch(ann, change)))
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
      assert.deepEqual(await readMine(ann), { nickname: `Ann ${round}`, biography: `Round ${round}` })
    }
  })

  test('who was deleted meanwhile has no fields to change', async () => {
    await assert.rejects(write('nobody', { points: 1 }), { code: 'not_found' })
    await assert.rejects(readUserFields(t.engine.db, userFields, 'nobody'), { code: 'not_found' })
  })
})

describe('refused, and nothing is written', () => {
  const refusals: Record<string, readonly [body: string | object, status: number, path?: string]> = {
    'a field that nobody declared': [{ shoe_size: 44 }, 400, '/fields/shoe_size'],
    'mass assignment: roles': [{ roles: ['admin'] }, 400, '/fields/roles'],
    'mass assignment: the version of the user': [{ version: 1 }, 400, '/fields/version'],
    'mass assignment: the name of a column': [{ password_hash: '' }, 400, '/fields/password_hash'],
    'mass assignment: a column beside the fields': ['{"fields":{"nickname":"A"},"email":"a@b.example"}', 400],
    'mass assignment: roles beside the fields': ['{"fields":{"nickname":"A"},"roles":["admin"]}', 400],
    'a field of administrators that the user sees': [{ plan: 'paid' }, 403],
    'a field of the application that the user sees': [{ points: 1 }, 403],
    'taking away a field of the application': [{ points: null }, 403],
    'a field that the user can not even see, as if it were not there': [{ note: 'x' }, 400, '/fields/note'],
    'a good field beside a forbidden one': [{ nickname: 'Good', points: 1 }, 403],
    'a value of another type': [{ nickname: 7 }, 400, '/fields/nickname'],
    'a value that is too short': [{ nickname: '' }, 400, '/fields/nickname'],
    'a value that is too long': [{ nickname: 'a'.repeat(81) }, 400, '/fields/nickname'],
    'a value within a value': [{ settings: { theme: 'pink' } }, 400, '/fields/settings/theme'],
    'an unknown part of a value': [{ settings: { theme: 'dark', roles: [] } }, 400],
    'a missing part of a value': [{ settings: {} }, 400],
    'fields that are no object': ['{"fields":[]}', 400, '/fields'],
    'fields that are null': ['{"fields":null}', 400, '/fields'],
    'nothing to change': ['{}', 400, '/'],
    'prototype pollution: __proto__': ['{"fields":{"__proto__":{"points":1}}}', 400],
    'prototype pollution: constructor': ['{"fields":{"constructor":{"prototype":{}}}}', 400],
    'prototype pollution: toString': ['{"fields":{"toString":"x"}}', 400, '/fields/toString'],
    'prototype pollution within a value': ['{"fields":{"settings":{"theme":"dark","__proto__":{}}}}', 400],
    'more than all fields together may have': [{ biography: 'a'.repeat(16_384) }, 400, '/fields'],
  }
  for (const [name, [body, status, path]] of Object.entries(refusals))
    test(name, async () => {
      const ann = await join()
      await write(ann.userId, { points: 7, note: 'seen' })
      const before = await readTables(t)
      const answer = await patch(ann, body)
      assert.equal(answer.status, status, JSON.stringify(answer.body))
      if (path !== undefined) {
        const errors = answer.body.errors as { path: string }[]
        assert.ok(
          errors.some(error => error.path === path),
          JSON.stringify(errors),
        )
      }
      assert.deepEqual(await readTables(t), before)
      assert.equal(({} as { points?: number }).points, undefined)
    })

  test('fields that are small one by one and too large together', async () => {
    const ann = await join()
    assert.equal((await patch(ann, { biography: 'a'.repeat(16_200) })).status, 200)
    assert.equal((await patch(ann, { settings: { theme: 'dark', size: 1 } })).status, 200)
    await patch(ann, { nickname: 'b'.repeat(80) })
    const answer = await patch(ann, { biography: 'a'.repeat(16_300) })
    assert.equal(answer.status, 400)
    assert.equal(String((await readMine(ann))?.['biography' as never]).length, 16_200)
  })

  test('a caller who is not signed in, and a body that is not there', async () => {
    assert.equal((await send('PATCH', '/auth/me', {}, { fields: {} })).status, 401)
    assert.equal((await send('PATCH', '/auth/me', await join())).status, 400)
  })
})

describe('what is shown', () => {
  test('to the user is neither what administrators see nor what nobody declared', async () => {
    const ann = await join()
    await write(ann.userId, { nickname: 'Ann', plan: 'paid', points: 3, note: 'a secret of the house' })
    assert.deepEqual(await readMine(ann), { nickname: 'Ann', plan: 'paid', points: 3 })
    // The blog has other fields: those of this application mean nothing there.
    assert.deepEqual((await t.call('GET', 'me', { token: ann.access })).body.fields, {})
  })

  test('to the application is everything that it declared, with its types', async () => {
    const { userId } = await join()
    await write(userId, { plan: 'free', note: 'new here' })
    const read = await readUserFields(t.engine.db, userFields, userId)
    const plan: 'free' | 'paid' | undefined = read.plan
    const points: number | undefined = read.points
    assert.deepEqual([plan, points, read.note], ['free', undefined, 'new here'])
  })

  test('to others is what is public, and of the blog its display name', async () => {
    const [ann, ben] = [await join(), await join()]
    const set = { fields: { display_name: 'Ann the Great' } }
    assert.equal((await t.call('PATCH', 'me', { token: ann.access, body: set })).status, 200)
    await write(ann.userId, { note: 'a secret', plan: 'paid' })
    const page = await t.call('GET', `users/${ann.userId}`, { token: ben.access })
    assert.deepEqual(page.body.fields, { display_name: 'Ann the Great' })
    assert.deepEqual(Object.keys(page.body).sort(), ['created_at', 'fields', 'id', 'username'])
    const list = await t.call('GET', 'users?per_page=100', { token: ben.access })
    const listed = list.body.users.find(({ id }: { id: string }) => id === ann.userId)
    assert.deepEqual(listed, page.body)
  })

  test('is not a stored value that an older declaration took and this one does not', async () => {
    const { userId } = await join()
    const older = { points: { schema: { type: 'string' }, read: 'public', write: 'nobody' } } as const
    await changeUserFields(t.engine, older, { userId, fields: { points: 'many' } })
    assert.deepEqual(await readUserFields(t.engine.db, userFields, userId), {})
  })

  test('lists exactly the declared fields in the schemas of its routes', () => {
    const schemaOf = (method: string) =>
      fields.routeTable.routes.find(route => route.method === method && route.url === '/auth/me')?.schema
    type Listed = { properties: { fields: { properties: object; additionalProperties: boolean } } }
    const { fields: answer } = (schemaOf('GET') as { response: { 200: Listed } }).response[200].properties
    assert.deepEqual(Object.keys(answer.properties), ['nickname', 'settings', 'biography', 'plan', 'points'])
    assert.equal(answer.additionalProperties, false)
    const { fields: body } = (schemaOf('PATCH') as { body: Listed }).body.properties
    assert.deepEqual(Object.keys(body.properties), ['nickname', 'settings', 'biography', 'plan', 'points'])
  })
})

describe('an administrator who creates a user', () => {
  test('gives fields as well, and others who register give only their own', async () => {
    const chief = await signInAs(t.engine, (await addUser(t.engine, 'chief', { roles: ['admin'] })).id)
    const body = (username: string) => ({ username, password, fields: { display_name: 'Newcomer' } })
    for (const [username, token] of [
      ['made', chief.access],
      ['came', undefined],
    ] as const) {
      const answer = await t.call('POST', 'users', { token, body: body(username) })
      assert.deepEqual([answer.status, answer.body.fields], [201, { display_name: 'Newcomer' }])
    }
  })
})

describe('a declaration that can not be kept stops the start, and names the field', () => {
  const good = { schema: { type: 'string' }, read: 'public', write: 'self' } as const
  const rows: Record<string, UserFields> = {
    'camelCase is no snake_case': { displayName: good },
    'a name with a dash': { 'display-name': good },
    'a name of the prototype': { constructor: good },
    'a name that is too long': { ['a'.repeat(65)]: good },
    'a name of the account': { email: good },
    'a schema with an unknown word': {
      shoe: { ...good, schema: { type: 'string', maximLength: 3 } as never },
    },
    'a schema with a wrong type': { shoe: { ...good, schema: { type: 'text' } as never } },
    'a schema with a pattern that is none': { shoe: { ...good, schema: { type: 'string', pattern: '(' } } },
    'a schema that takes everything': { shoe: { ...good, schema: {} } },
    'a schema that is true': { shoe: { ...good, schema: true } },
    'a schema with a default, which nobody would have written': {
      shoe: { ...good, schema: { type: 'string', default: 'x' } },
    },
    'a reader that there is not': { shoe: { ...good, read: 'everybody' as never } },
    'a writer that there is not': { shoe: { ...good, write: 'public' as never } },
  }
  for (const [name, declared] of Object.entries(rows))
    test(name, async () => {
      const [field = ''] = Object.keys(declared)
      const says = new RegExp(`the user field "${field}": .`)
      assert.throws(() => checkUserFields(declared), says)
      const application = { plugin: async () => {}, userFields: declared }
      const starting = createApp({
        engine: t.engine,
        log: pino({ level: 'silent' }),
        mount: '/a',
        application,
      })
      await assert.rejects(starting, says)
    })

  test('__proto__ is no name either', () => {
    const declared = JSON.parse(
      '{"__proto__": {"schema": {"type": "string"}, "read": "public", "write": "self"}}',
    )
    assert.throws(() => checkUserFields(declared), /the user field "__proto__"/)
  })
})
