import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isRole, permissions, permissionsOf, roles } from './roles.ts'

const user = ['posts:write', 'todos:read', 'todos:write', 'users:read']

/** As the contract names them. */
const expected: Record<string, readonly string[]> = {
  user,
  moderator: ['posts:moderate', ...user],
  admin: Object.keys(permissions).sort(),
}

for (const [role, names] of Object.entries(expected))
  test(`the role ${role} has exactly the permissions of the contract`, () => {
    assert.deepEqual([...permissionsOf([role])].sort(), [...names].sort())
  })

test('there are no other roles', () => assert.deepEqual(Object.keys(roles), Object.keys(expected)))

test('several roles allow together what each allows, and nothing more', () => {
  assert.deepEqual([...permissionsOf(['moderator', 'user'])].sort(), ['posts:moderate', ...user].sort())
})

const nobody = ['Admin', 'ADMIN', ' admin', 'admin ', '', 'root', 'constructor', '__proto__', 'toString']
for (const name of nobody)
  test(`a role called ${JSON.stringify(name)} does not exist and allows nothing`, () => {
    assert.ok(!isRole(name))
    assert.equal(permissionsOf([name]).size, 0)
  })

test('no role allows nothing', () => assert.equal(permissionsOf([]).size, 0))
