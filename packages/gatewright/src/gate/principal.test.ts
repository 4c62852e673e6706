import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KnownKey } from '../api-keys/known-keys.ts'
import { createRoleTable } from '../permissions/roles.ts'
import type { ForeignToken } from '../tokens/foreign-token.ts'
import { toClientPrincipal } from './foreign-caller.ts'
import { toKeyPrincipal } from './principal.ts'

const granting = { roleTable: createRoleTable(), asksAdministrators: () => false }
const roles = ['admin', 'user']

test('over-reach: a handler that asks for roles finds none of what acts for an administrator with less than that', () => {
  const key = { userId: 'u', keyId: 'k', roles, permissions: ['users:read'], hasFactor: true } as const
  const byKey = toKeyPrincipal(granting, key as unknown as KnownKey)
  const token = { issuer: 'https://a.example', subject: 's', foreignId: 'foreign:x' } as ForeignToken
  const user = { userId: 'u', roles }
  const byToken = toClientPrincipal(granting, { token, permissions: ['users:read'], user })
  for (const principal of [byKey, byToken]) {
    assert.deepEqual([...principal.roles], [])
    assert.deepEqual([...principal.permissions], ['users:read'])
    assert.ok(Object.isFrozen(principal.roles))
  }
})
