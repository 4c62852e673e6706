import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Permission } from './access-rule.ts'
import { createRoleTable, permissionsOf, type RoleDeclaration } from './roles.ts'

const builtIn = createRoleTable()

const allowed = (table: typeof builtIn, ...names: readonly string[]): readonly string[] =>
  [...permissionsOf(table, names)].sort()

test('the built-in roles are those of the contract, and the application says what they may do in it', () => {
  assert.deepEqual([...builtIn.roles.keys()], ['user', 'moderator', 'admin'])
  assert.deepEqual(allowed(builtIn, 'user'), ['users:read'])
  assert.deepEqual(allowed(builtIn, 'moderator'), ['users:read'])
  assert.deepEqual(allowed(builtIn, 'admin'), [...builtIn.permissions.keys()].sort())
})

const nobody = ['Admin', 'ADMIN', ' admin', 'admin ', '', 'root', 'constructor', '__proto__', 'toString']
for (const name of nobody)
  test(`a role called ${JSON.stringify(name)} does not exist and allows nothing`, () => {
    assert.ok(!builtIn.roles.has(name))
    assert.deepEqual(allowed(builtIn, name), [])
  })

test('no role allows nothing', () => assert.deepEqual(allowed(builtIn), []))

/** What a caller without types might write. */
const fromJavaScript = (declaration: object): RoleDeclaration => declaration as RoleDeclaration
const own = fromJavaScript({
  permissions: { 'reports:read': 'read reports' },
  roles: { analyst: ['reports:read', 'audit:read'], user: ['reports:read'] },
})

describe("an application's own", () => {
  test('role allows what it lists, be it own or built in, and nothing of another role', () =>
    assert.deepEqual(allowed(createRoleTable(own), 'analyst'), ['audit:read', 'reports:read']))

  test('role and a built-in one allow together what each allows, and nothing more', () =>
    assert.deepEqual(allowed(createRoleTable(own), 'analyst', 'moderator'), [
      'audit:read',
      'reports:read',
      'users:read',
    ]))

  test('permissions are added to what a built-in role has', () =>
    assert.deepEqual(allowed(createRoleTable(own), 'user'), ['reports:read', 'users:read']))

  test('permissions are all allowed to administrators, and to no other role that does not list them', () => {
    const table = createRoleTable(own)
    assert.ok(permissionsOf(table, ['admin']).has('reports:read' as Permission))
    assert.deepEqual(allowed(table, 'moderator'), ['users:read'])
  })

  test('role that is no longer declared allows nothing', () => {
    const { permissions = {} } = own
    assert.deepEqual(allowed(createRoleTable({ permissions }), 'analyst'), [])
  })

  test('declaration changes no other table', () => assert.deepEqual(allowed(builtIn, 'analyst'), []))
})

const refused: readonly [string, object, RegExp][] = [
  ['a permission that is built in', { permissions: { 'users:write': 'x' } }, /users:write is built in/],
  ['a permission without a verb', { permissions: { reports: 'x' } }, /"reports" is no name of a permission/],
  ['a permission with a space', { permissions: { 'a:b c': 'x' } }, /is no name of a permission/],
  ['a permission in capitals', { permissions: { 'Reports:read': 'x' } }, /is no name of a permission/],
  ['a permission that says nothing', { permissions: { 'a:b': '' } }, /a:b does not say what it allows/],
  ['a role that takes everything', { roles: { admin: ['users:read'] } }, /admin has every permission/],
  ['a role with a space', { roles: { 'two words': [] } }, /"two words" is no name of a role/],
  ['a role in capitals', { roles: { Admin: [] } }, /"Admin" is no name of a role/],
  ['a role too long for tokens', { roles: { ['a'.repeat(33)]: [] } }, /is no name of a role/],
  ['a role that is no list', { roles: { analyst: 'users:read' } }, /analyst is no list of permissions/],
  [
    'a permission that nobody declared',
    { roles: { analyst: ['reports:raed'] } },
    /analyst names the permission reports:raed, which nobody declared/,
  ],
  [
    'an administrative permission for everybody who registers',
    { roles: { user: ['users:write'] } },
    /user can get own permissions only, not users:write/,
  ],
]

describe('the start is stopped by', () => {
  for (const [what, declaration, says] of refused)
    test(what, () =>
      assert.throws(() => createRoleTable(fromJavaScript(declaration)), { name: 'TypeError', message: says }),
    )
})
