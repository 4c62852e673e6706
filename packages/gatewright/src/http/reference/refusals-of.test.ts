import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GateRule } from '../../gate/passage.ts'
import { allOf, everyone, owner, permission, recentSignIn, signedIn } from '../../permissions/access-rule.ts'
import { statuses } from '../problem.ts'
import type { DeclaredRoute } from '../route-table.ts'
import { refusalsOf } from './refusals-of.ts'

const codesOf = (access: GateRule['access'], more: Partial<DeclaredRoute> = {}) =>
  refusalsOf({
    method: 'GET',
    url: '/boats',
    rule: { access, limit: 'read', audit: 'none' },
    schema: {},
    reference: undefined,
    conditional: false,
    page: false,
    ...more,
  })

test('403 is told of where a rule asks for a permission or an owner, alone or among others', () => {
  for (const rule of [permission('posts:write'), owner('boat'), allOf(signedIn(), owner('boat'))])
    assert.ok(codesOf(rule).includes('insufficient_permission'), JSON.stringify(rule))
  const forAll = { limit: 'read', audit: 'none', principals: ['user', 'api-key', 'client'] } as const
  for (const access of [everyone(), signedIn(), recentSignIn()]) {
    const told = codesOf(access, { rule: { ...forAll, access } })
    assert.ok(!told.includes('insufficient_permission'), JSON.stringify(access))
  }
})

test('403 is told of where API keys are not named, also on a public route', () => {
  assert.ok(codesOf(everyone()).includes('insufficient_permission'))
})

test('a recent sign-in is told of where a rule asks for one, and only there', () => {
  const code = 'insufficient_user_authentication'
  assert.ok(codesOf(allOf(signedIn(), recentSignIn())).includes(code))
  assert.ok(!codesOf(signedIn()).includes(code))
})

test('a route without a body, an id or a limit is not refused for them', () => {
  const rule = { access: everyone(), limit: 'unlimited', audit: 'none' } as const
  const told = codesOf(everyone(), { rule }).map(code => statuses[code])
  for (const status of [404, 413, 415, 429]) assert.ok(!told.includes(status as never), String(status))
  const body = codesOf(everyone(), { url: '/boats/:id', schema: { body: {} } }).map(code => statuses[code])
  for (const status of [404, 413, 415, 429]) assert.ok(body.includes(status as never), String(status))
})

test('refusals of the route itself are added, each once', () => {
  const reference = {
    tag: 'Boats',
    summary: 'Sink',
    refusals: ['conflict', 'invalid_token'],
    example: {},
  } as const
  const codes = codesOf(everyone(), { reference })
  assert.ok(codes.includes('conflict'))
  assert.equal(codes.filter(code => code === 'invalid_token').length, 1)
})

test('a cookie from another site is told of where something changes, a renewed one where a cookie is read', () => {
  const rule = { access: everyone(), limit: 'read', audit: 'none' } as const
  assert.ok(!codesOf(everyone()).includes('csrf_failed'))
  for (const more of [{ rule }, { rule: { ...rule, ignoresCookie: true as const } }])
    assert.ok(codesOf(everyone(), { method: 'POST', ...more }).includes('csrf_failed'))
  assert.ok(codesOf(everyone()).includes('session_renewed'))
  for (const own of ['ignoresCookie', 'readsOwnCredential'])
    assert.ok(!codesOf(everyone(), { rule: { ...rule, [own]: true } }).includes('session_renewed'), own)
})

test('a header of the schema brings its refusal', () => {
  const refusalOf = {
    'if-match': 'precondition_failed',
    'idempotency-key': 'idempotency_key_reused',
  } as const
  for (const [name, code] of Object.entries(refusalOf)) {
    assert.ok(codesOf(everyone(), { schema: { headers: { properties: { [name]: {} } } } }).includes(code))
    assert.ok(!codesOf(everyone(), { schema: { headers: { properties: {} } } }).includes(code))
  }
})
