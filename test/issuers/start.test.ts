import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestApp } from '../harness.ts'
import { parseIssuers, plainEntry } from './scene.ts'

const entry = (permissions: Record<string, readonly string[]>, others: Record<string, unknown> = {}) =>
  parseIssuers([{ ...plainEntry({ issuer: 'https://sso.example.org' }), permissions, ...others }])

test('a start stops where an entry gives a permission that there is not, and names those that there are', async () => {
  const trustedIssuers = entry({ a: ['users:raed'] })
  await assert.rejects(
    startTestApp({ trustedIssuers }),
    /no permission users:raed: write one of .*users:read/,
  )
})

test('a start stops where an entry makes administrators without saying so, and goes on where it does', async test => {
  const trustedIssuers = entry({ a: ['users:write'] })
  await assert.rejects(startTestApp({ trustedIssuers }), /"gives_administrative_permissions": true/)
  const said = entry({ a: ['users:write'] }, { gives_administrative_permissions: true })
  const t = await startTestApp({ trustedIssuers: said })
  test.after(t.close)
  assert.ok(t.engine.warnings.some(line => line.includes('gives_administrative_permissions')))
})
