import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ajv } from 'ajv'
import { issuerPattern } from '../administration/issuers.ts'
import { jsonSchemas, withFormats } from '../ground/json-schema.ts'
import {
  email,
  givenName,
  id,
  list,
  orNothing,
  routePattern,
  strictObject,
  text,
  timestamp,
} from './schemas.ts'
import { toFieldErrors } from './validation-errors.ts'

const some = text(2, 3)
const schema = orNothing(
  strictObject({
    id,
    email,
    at: timestamp,
    name: givenName(5),
    some,
    reason: { ...text(1, 9), pattern: '\\S' },
    issuer: { type: 'string', pattern: issuerPattern },
    route: { type: 'string', pattern: routePattern },
    state: { enum: ['on', 'off'] },
    overlap: { type: 'integer', minimum: 0, maximum: 7 },
    words: { ...list(some), minItems: 1, maxItems: 2 },
    note: { type: ['string', 'null'] },
    more: { type: 'object', minProperties: 1 },
    odd: { type: 'string', pattern: '^[a-f]+$' },
  } as const),
)

const validate = withFormats(new Ajv(jsonSchemas)).compile(schema)
const good = {
  id: 'anExampleOfAnIdOfOurs_',
  email: 'alice@example.org',
  at: '2026-11-22T12:00:00Z',
  name: 'alice',
  some: 'abc',
  reason: 'left',
  issuer: 'https://sso.example.org',
  route: 'GET /posts',
  state: 'on',
  overlap: 7,
  words: ['ab'],
  note: null,
  more: { a: 1 },
  odd: 'abc',
}

const errorsOf = (value: unknown) => {
  assert.equal(validate(value), false)
  return toFieldErrors((validate.errors ?? []) as Parameters<typeof toFieldErrors>[0])
}

const cases: readonly (readonly [field: keyof typeof good, value: unknown, message: string])[] = [
  ['id', 'short', 'is not an id'],
  ['email', 'alice', 'must be an e-mail address, such as alice@example.org'],
  ['at', '2026-11-22', 'must be a time, such as 2026-11-22T12:00:00Z'],
  ['name', 'a\nb', 'must be one line, without signs that are not seen'],
  ['name', '', 'must not be empty'],
  ['some', 'a', 'must have at least 2 characters'],
  ['some', 'abcd', 'must have at most 3 characters'],
  ['reason', ' ', 'must not be empty'],
  ['issuer', 'sso', 'must be the address of an issuer, exactly as `iss` has it'],
  ['route', 'posts', 'must be a method and a path, such as GET /api/v1/posts'],
  ['state', 'up', 'must be one of on, off'],
  ['overlap', -1, 'must be 0 or more'],
  ['overlap', 8, 'must be 7 or less'],
  ['overlap', '7', 'must be a whole number'],
  ['words', 'ab', 'must be a list'],
  ['words', [], 'must have at least 1 entry'],
  ['words', ['ab', 'ab', 'ab'], 'must have at most 2 entries'],
  ['note', 1, 'must be text or null'],
  ['more', {}, 'must have at least 1 field'],
  ['odd', 'xyz', 'must match pattern "^[a-f]+$"'],
]

test('what is wrong with a field is one line that says what to write', () => {
  assert.ok(validate(good) && validate(null))
  for (const [field, value, message] of cases)
    assert.deepEqual(errorsOf({ ...good, [field]: value }), [{ path: `/${field}`, message }])
})

test('a body that is none is asked for as one, and one that nobody asked for is to be left out', () => {
  assert.deepEqual(errorsOf([]), [{ path: '/', message: 'must be a JSON object' }])
  const none = new Ajv(jsonSchemas).compile({ type: 'null' })
  none({ x: 1 })
  assert.deepEqual(toFieldErrors((none.errors ?? []) as Parameters<typeof toFieldErrors>[0]), [
    { path: '/', message: 'must be left out' },
  ])
})

test('a missing and an unknown field are named themselves', () => {
  const { id: _, ...rest } = good
  assert.deepEqual(errorsOf({ ...rest, ID: '' }), [
    { path: '/id', message: 'is missing' },
    { path: '/ID', message: 'is not a known field' },
  ])
})
