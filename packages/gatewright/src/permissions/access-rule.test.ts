import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { minute } from '../ground/clock.ts'
import {
  type AccessRule,
  allOf,
  anyOf,
  decide,
  everyone,
  type Facts,
  owner,
  ownSession,
  type PermissionSet,
  permission,
  recentSignIn,
  role,
  secondFactor,
  signedIn,
  type Thing,
  thingOf,
  visible,
} from './access-rule.ts'
import { describeRule } from './describe-access.ts'
import { createRoleTable, permissionsOf } from './roles.ts'

const now = Date.UTC(2026, 10, 21, 12)
const none = new Set<never>()
const nobody: Facts = {
  now: () => now,
  principal: undefined,
  permissions: none,
  withheld: none,
  administrative: new Set(['admin']),
  thing: undefined,
}
const someone = (
  permissions: PermissionSet,
  thing?: Thing,
  { age = 0, ...principal }: Partial<NonNullable<Facts['principal']>> & { readonly age?: number } = {},
): Facts => ({
  ...nobody,
  principal: { kind: 'user', userId: 'ann', authTime: now - age, amr: ['pwd'], roles: [], ...principal },
  permissions,
  thing,
})

const roleTable = createRoleTable({
  permissions: { 'posts:write': 'write posts', 'posts:moderate': 'edit posts of others' },
  roles: { user: ['posts:write'], moderator: ['posts:write', 'posts:moderate'] },
})
const user = permissionsOf(roleTable, ['user'])
const moderator = permissionsOf(roleTable, ['moderator'])
const nothing: PermissionSet = new Set<never>()
const draft: Thing = { ownerId: 'ann', isPublic: false }
const post: Thing = { ownerId: 'ann', isPublic: true }
const bensDraft: Thing = { ownerId: 'ben', isPublic: false }
const bensPost: Thing = { ownerId: 'ben', isPublic: true }

const mayEdit = anyOf(owner('post'), permission('posts:moderate'))
const mayRead = anyOf(visible('post'), owner('post'))
const mayAdminister = allOf(permission('users:write'), recentSignIn())

type Row = {
  readonly rule: AccessRule
  readonly who: string
  readonly facts: Facts
  readonly refusal?: string
}

const rows: readonly Row[] = [
  { rule: everyone(), who: 'nobody', facts: nobody },
  { rule: signedIn(), who: 'nobody', facts: nobody, refusal: 'invalid_token' },
  { rule: signedIn(), who: 'a user without a permission', facts: someone(nothing) },
  { rule: permission('posts:write'), who: 'nobody', facts: nobody, refusal: 'invalid_token' },
  {
    rule: permission('posts:write'),
    who: 'one who lacks it',
    facts: someone(nothing),
    refusal: 'insufficient_permission',
  },
  { rule: permission('posts:write'), who: 'one who has it', facts: someone(user) },
  {
    rule: permission('posts:write'),
    who: 'nobody with permissions',
    facts: { ...nobody, permissions: user },
    refusal: 'invalid_token',
  },
  { rule: owner('post'), who: 'nobody', facts: { ...nobody, thing: post }, refusal: 'invalid_token' },
  { rule: owner('post'), who: 'anybody where there is no thing', facts: someone(user), refusal: 'not_found' },
  { rule: owner('post'), who: 'its owner', facts: someone(nothing, draft) },
  {
    rule: owner('post'),
    who: "a stranger to another's draft",
    facts: someone(user, bensDraft),
    refusal: 'not_found',
  },
  {
    rule: owner('post'),
    who: "a stranger to another's post",
    facts: someone(user, bensPost),
    refusal: 'insufficient_permission',
  },
  { rule: visible('post'), who: 'nobody, of a public thing', facts: { ...nobody, thing: post } },
  {
    rule: visible('post'),
    who: 'nobody, of a draft',
    facts: { ...nobody, thing: draft },
    refusal: 'not_found',
  },
  { rule: visible('post'), who: 'its owner, of a draft', facts: someone(user, draft), refusal: 'not_found' },
  { rule: visible('post'), who: 'nobody, of nothing', facts: nobody, refusal: 'not_found' },
  { rule: mayRead, who: 'nobody, of a draft', facts: { ...nobody, thing: draft }, refusal: 'not_found' },
  { rule: mayRead, who: 'its owner, of a draft', facts: someone(nothing, draft) },
  {
    rule: mayRead,
    who: "a moderator, of another's draft",
    facts: someone(moderator, bensDraft),
    refusal: 'not_found',
  },
  { rule: mayEdit, who: 'its owner without a permission', facts: someone(nothing, post) },
  { rule: mayEdit, who: "a moderator, of another's post", facts: someone(moderator, bensPost) },
  {
    rule: mayEdit,
    who: "a stranger, of another's post",
    facts: someone(user, bensPost),
    refusal: 'insufficient_permission',
  },
  {
    rule: mayEdit,
    who: "a stranger, of another's draft",
    facts: someone(user, bensDraft),
    refusal: 'not_found',
  },
  { rule: mayEdit, who: 'nobody', facts: { ...nobody, thing: post }, refusal: 'invalid_token' },
  {
    rule: recentSignIn(),
    who: 'one signed in 10 minutes ago',
    facts: someone(nothing, undefined, { age: 10 * minute }),
  },
  {
    rule: recentSignIn(),
    who: 'one signed in longer ago',
    facts: someone(nothing, undefined, { age: 10 * minute + 1 }),
    refusal: 'insufficient_user_authentication',
  },
  { rule: recentSignIn(), who: 'nobody', facts: nobody, refusal: 'invalid_token' },
  {
    rule: mayAdminister,
    who: 'an administrator signed in long ago',
    facts: someone(permissionsOf(roleTable, ['admin']), undefined, { age: 11 * minute }),
    refusal: 'insufficient_user_authentication',
  },
  {
    rule: mayAdminister,
    who: 'a user signed in just now',
    facts: someone(user),
    refusal: 'insufficient_permission',
  },
  { rule: mayAdminister, who: 'an administrator', facts: someone(permissionsOf(roleTable, ['admin'])) },
  { rule: role('moderator'), who: 'nobody', facts: nobody, refusal: 'invalid_token' },
  {
    rule: role('moderator'),
    who: 'one who has it',
    facts: someone(nothing, undefined, { roles: ['moderator'] }),
  },
  {
    rule: role('moderator'),
    who: 'one with all its permissions, who has it not',
    facts: someone(moderator, undefined, { roles: ['user'] }),
    refusal: 'insufficient_permission',
  },
  {
    rule: role('admin'),
    who: 'an administrator whose permissions are withheld',
    facts: { ...someone(nothing, undefined, { roles: ['admin'] }), withheld: moderator },
    refusal: 'second_factor_required',
  },
  {
    rule: role('moderator'),
    who: 'an administrator whose permissions are withheld, and who has a role that holds none of them',
    facts: { ...someone(nothing, undefined, { roles: ['admin', 'moderator'] }), withheld: moderator },
  },
  ...(['api-key', 'client'] as const).map(kind => ({
    rule: role('admin'),
    who: `the ${kind} of an administrator`,
    facts: someone(moderator, undefined, { kind, roles: ['admin'] }),
    refusal: 'insufficient_permission',
  })),
  { rule: secondFactor(), who: 'nobody', facts: nobody, refusal: 'invalid_token' },
  {
    rule: secondFactor(),
    who: 'one who has shown a password alone',
    facts: someone(moderator),
    refusal: 'second_factor_required',
  },
  {
    rule: secondFactor(),
    who: 'one who has shown it, long ago',
    facts: someone(nothing, undefined, { amr: ['pwd', 'otp', 'mfa'], age: 60 * minute }),
  },
  ...[secondFactor(), recentSignIn()].map(rule => ({
    rule,
    who: 'an API key, whatever it says of itself',
    facts: someone(moderator, undefined, { kind: 'api-key', amr: ['mfa'] }),
    refusal: 'insufficient_permission',
  })),
  { rule: ownSession(), who: 'nobody', facts: nobody, refusal: 'invalid_token' },
  { rule: ownSession(), who: 'a user without a permission', facts: someone(nothing) },
  ...(['api-key', 'client'] as const).map(kind => ({
    rule: ownSession(),
    who: `the ${kind} of a user, whatever it may do`,
    facts: someone(moderator, undefined, { kind }),
    refusal: 'insufficient_permission',
  })),
  { rule: allOf(), who: 'anybody', facts: someone(user), refusal: 'insufficient_permission' },
  { rule: anyOf(), who: 'anybody', facts: someone(user), refusal: 'insufficient_permission' },
]

for (const { rule, who, facts, refusal } of rows)
  test(`"${describeRule(rule)}" ${refusal ? `refuses ${who} with ${refusal}` : `lets in ${who}`}`, () => {
    const verdict = decide(rule, facts)
    assert.equal(verdict.allowed ? undefined : verdict.code, refusal)
  })

test('a sign-in too long ago is told how old it may be, in seconds', () => {
  const verdict = decide(recentSignIn(5 * minute), someone(nothing, undefined, { age: 6 * minute }))
  assert.deepEqual(verdict, { allowed: false, code: 'insufficient_user_authentication', maxAge: 300 })
})

describe('the thing that a rule asks about', () => {
  const named: readonly { readonly rule: AccessRule; readonly thing: string | undefined }[] = [
    { rule: everyone(), thing: undefined },
    { rule: allOf(signedIn(), recentSignIn()), thing: undefined },
    { rule: owner('todo'), thing: 'todo' },
    { rule: anyOf(permission('posts:moderate'), allOf(signedIn(), visible('post'))), thing: 'post' },
  ]
  for (const { rule, thing } of named)
    test(`of "${describeRule(rule)}" is ${thing ?? 'none'}`, () => assert.equal(thingOf(rule), thing))
})
