import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startTestApp, type TestApp } from '../harness.ts'
import { type Attack, createRefusals, type Refusals, textOf } from './refused-bodies.ts'
import {
  type Attacker,
  createAttacker,
  describe,
  type Field,
  listBodyRoutes,
  listFields,
  typesOf,
  withValue,
} from './surface.ts'

let t: TestApp
let attacker: Attacker
let refusals: Refusals
before(async () => {
  t = await startTestApp()
  attacker = createAttacker(t)
  refusals = createRefusals(t, attacker)
})
after(() => t.close())

const listBodyFields = (): readonly Field[] => listFields(t).filter(({ place }) => place === 'body')

/** The text of an object with one more member in front. */
const withMember = (text: string, member: string): string =>
  text === '{}' ? `{${member}}` : `{${member},${text.slice(1)}`

const pollutions = [
  '"__proto__":{"roles":["admin"]}',
  '"__proto__":null',
  '"constructor":{"prototype":{"isAdmin":true}}',
  '"prototype":{}',
  '"\\u005f_proto__":{}',
  '"x":[{"__proto__":{}}]',
]
for (const member of pollutions)
  test(`prototype pollution: ${member} is refused by every route`, async () => {
    await refusals.refuseEverywhere('400 malformed_json', text => withMember(text, member))
    assert.equal(({} as Record<string, unknown>).isAdmin, undefined)
  })

test('prototype pollution: the names of built-in members are unknown fields like any other', async () => {
  const names = ['toString', 'hasOwnProperty', 'valueOf', '__defineGetter__', 'then']
  await refusals.refuseFields(
    listBodyRoutes(t).flatMap(route => names.map(name => ({ field: { route, at: [name] }, value: 1 }))),
  )
})

test('parser disagreement: a name that stands twice is refused, however it is written', async () => {
  const twice = listBodyFields()
    .filter(({ at }) => at.length === 1)
    .flatMap(field => {
      const name = String(field.at[0])
      const escaped = `\\u${name.charCodeAt(0).toString(16).padStart(4, '0')}${name.slice(1)}`
      return [name, escaped].map(second => ({ field, second }))
    })
  const attacks = await refusals.prepareEach(
    twice,
    ({ field }) => field.route,
    (request, { field, second }) => {
      const text = textOf(withValue(request, field, 'first'))
      const body = withMember(text, `"${second}":"second"`)
      return { request: { ...request, body }, where: `${describe(field)} ${second}` }
    },
  )
  await refusals.assertRefused(attacks, '400 malformed_json')
})

const notJson: Readonly<Record<string, (text: string) => string>> = {
  'a comment': text => `/* */${text}`,
  'a trailing comma': text => text.replace(/}$/, ',}'),
  'single quotes': text => `${text.replaceAll('"', "'")}'`,
  'a second value': text => `${text}{}`,
  'a cut-off text': text => text.slice(0, -1),
  NaN: text => withMember(text, '"x":NaN'),
  'a number too large to be one': text => withMember(text, '"x":1e400'),
  'an integer that is not exact': text => withMember(text, '"x":9007199254740993'),
  JSONP: text => `callback(${text})`,
  'a form': () => 'title=a&content=b',
  XML: () => '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hosts">]><a>&b;</a>',
  'only space': () => '   ',
}
for (const [what, change] of Object.entries(notJson))
  test(`${what} is no JSON, for any route`, () => refusals.refuseEverywhere('400 malformed_json', change))

const nested = (depth: number, open: string, close: string): string =>
  `"x":${open.repeat(depth)}1${close.repeat(depth)}`
const towers = {
  '33 arrays': nested(32, '[', ']'),
  '33 objects': nested(32, '{"a":', '}'),
  '100,000 arrays': nested(100_000, '[', ']'),
  '40,000 objects': nested(40_000, '{"a":', '}'),
}
for (const [what, member] of Object.entries(towers))
  test(`stack exhaustion: ${what} inside each other are refused by every route`, () =>
    refusals.refuseEverywhere('400 malformed_json', text => withMember(text, member)))

const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values)
const notUtf8: Readonly<Record<string, Uint8Array>> = {
  'a byte that never occurs': bytes(0xff),
  'an overlong slash': bytes(0xc0, 0xaf),
  'an overlong NUL': bytes(0xc0, 0x80),
  'half a surrogate pair': bytes(0xed, 0xa0, 0x80),
  'a character cut off': bytes(0xe2, 0x82),
  'a character beyond Unicode': bytes(0xf4, 0x90, 0x80, 0x80),
}
for (const [what, bad] of Object.entries(notUtf8))
  test(`invalid UTF-8: ${what} is refused by every route`, () =>
    refusals.refuseEverywhere('400 malformed_json', text =>
      Buffer.concat([Buffer.from('{"x":"'), bad, Buffer.from(`",${text.slice(1)}`)]),
    ))

test('invalid UTF-8: a byte order mark and UTF-16 are refused by every route', async () => {
  await refusals.refuseEverywhere('400 malformed_json', text => Buffer.from(`\ufeff${text}`))
  await refusals.refuseEverywhere('400 malformed_json', text => Buffer.from(text, 'utf16le'))
})

const samples = { null: null, boolean: true, integer: 7, number: 1.5, string: 'text', array: [], object: {} }

/** Values of every JSON type that the schema does not name. */
const wrongValues = ({ schema }: Field): readonly unknown[] =>
  Object.entries(samples).flatMap(([type, value]) => {
    const named = typesOf(schema)
    return named.includes(type) || (type === 'integer' && named.includes('number')) ? [] : [value]
  })

test('type confusion: every wrong JSON type in every field is refused, and the answer names the field', async () => {
  await refusals.refuseFields(
    listBodyFields().flatMap(field => wrongValues(field).map(value => ({ field, value }))),
  )
})

test('type confusion: a body that is no object is refused by every route', async () => {
  for (const body of ['[]', '"text"', '1', 'true', '[{}]', '[["a"]]'])
    await refusals.refuseEverywhere('400 validation_failed', () => body)
})

test('type confusion: an array in a query is refused', async () => {
  for (const field of listFields(t).filter(({ place }) => place === 'query')) {
    const { route, headers, query, parameters } = await attacker.prepare(field.route)
    const name = String(field.at[0])
    const [method = '', pattern = ''] = route.split(' ')
    const url = pattern.replace(':id', parameters.id ?? '')
    for (const text of [`${name}=${query[name]}&${name}=${query[name]}`, `${name}[]=1`, `${name}[$gt]=`]) {
      const answer = await t.call(method, `${url}?${text}`, { headers })
      assert.equal(answer.status, 400, `${route} ${text}`)
    }
  }
})

const wished = ['id', 'user_id', 'owner_id', 'author_id', 'role', 'roles', 'permissions', 'is_admin', 'admin']
const meddled = [
  'version',
  'created_at',
  'disabled_at',
  'email_verified',
  'password_hash',
  '_method',
  '$where',
  '',
]

test('mass assignment: a field that the route does not know is refused, and the answer names it', async () => {
  const known = new Set(listBodyFields().map(({ route, at }) => `${route} ${at[0]}`))
  const unknown = listBodyRoutes(t).flatMap(route =>
    [...wished, ...meddled]
      .filter(name => !known.has(`${route} ${name}`))
      .map(name => ({ field: { route, at: [name] }, value: 1 })),
  )
  await refusals.refuseFields(unknown)
})

test('mass assignment: a query parameter that a list does not know is refused', async () => {
  const lists = new Set(
    listFields(t)
      .filter(({ place }) => place === 'query')
      .map(({ route }) => route),
  )
  for (const route of lists)
    for (const name of [
      'admin',
      'role',
      'debug',
      'access_token',
      '_method',
      'fields',
      'include',
      '__proto__',
    ]) {
      const request = await attacker.prepare(route)
      const answer = await attacker.send(withValue(request, { place: 'query', at: [name] }, '1'))
      assert.equal(answer.status, 400, `${route} ${name}`)
    }
})

const otherTypes = [
  'text/plain',
  'text/json',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/xml',
  'application/octet-stream',
  'application/jsonp',
  'application/json5',
  'application/problem+json',
  'application/json-patch+json',
  'application /json',
  'application/ json',
  'json',
  'text/plain; application/json',
  'text/plain, application/json',
  '*/*',
  '',
]
for (const type of [...otherTypes, undefined])
  test(`CSRF by a simple form: a body of type ${type === undefined ? 'none' : `"${type}"`} is refused by every route`, async () => {
    const attacks = await refusals.prepareEverywhere((request, route) => {
      const headers = { ...request.headers, 'content-type': type as string }
      return { request: { ...request, headers, body: textOf(request) }, where: `${route} ${type}` }
    })
    await refusals.assertRefused(attacks, '415 unsupported_media_type')
  })

test('JSON is taken however its type is written', async () => {
  for (const type of ['application/json', 'APPLICATION/JSON', 'application/json; charset=utf-8']) {
    const request = await attacker.prepare('POST /api/v1/posts')
    const headers = { ...request.headers, 'content-type': type }
    const answer = await attacker.send({ ...request, headers, body: JSON.stringify(request.body) })
    assert.equal(answer.status, 201, type)
  }
})

/** Above the limit, and no JSON: whoever parsed it first would say so. */
const tooMuch = 'x'.repeat(257 * 1_024)

test('memory exhaustion: a body of 257 KiB is refused by every route before it is parsed', () =>
  refusals.refuseEverywhere('413 body_too_large', () => tooMuch))

test('memory exhaustion: whoever may not call the route is refused before the body counts', async () => {
  const headers = { authorization: 'Bearer nonsense' }
  const attacks = await refusals.prepareEverywhere((request, route) => ({
    request: { ...request, headers, body: tooMuch },
    where: route,
  }))
  const own = ['POST /api/v1/refresh', 'POST /api/v1/logout']
  const isOwn = ({ where }: Attack): boolean => own.includes(where)
  await refusals.assertRefused(attacks.filter(isOwn), '413 body_too_large')
  await refusals.assertRefused(
    attacks.filter(attack => !isOwn(attack)),
    '401 invalid_token',
  )
})
