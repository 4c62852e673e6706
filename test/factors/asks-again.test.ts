import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { minute } from 'gatewright/clock'
import { type Caller, signUp } from '../harness.ts'
import { show } from '../sessions/browser.ts'
import { t, useScene } from './scene.ts'

useScene()

/** Where somebody changes an account, its sessions or those of others. */
const guarded = /^\/api\/v1\/(me|sessions|api-keys|admin)(\/|$)/

/** These change nothing that an account is opened by, or ask in their handler. */
const exempt: Readonly<Record<string, string>> = {
  'PATCH /api/v1/me': 'the language of mail, and what was asked after a reset',
  'POST /api/v1/me/email/verification': 'the same link once more, to the same address',
  'POST /api/v1/sessions': 'a sign-in itself',
  'DELETE /api/v1/sessions/:id': 'the own one at any time, another one after a recent sign-in',
}

const sensitive = () =>
  t.app.routeTable.routes
    .filter(({ method, url }) => guarded.test(url) && !['GET', 'HEAD'].includes(method))
    .map(({ method, url }) => ({ method, url, name: `${method} ${url}` }))

describe('what an account is opened by, and every change by an administrator,', () => {
  test('asks a session of eleven minutes ago who it is, before anything else, also one of an administrator', async () => {
    const ann: Caller = await signUp(t, 'ann', ['admin'])
    t.clock.advance(11 * minute)
    const { body: pair } = await t.call('POST', 'refresh', { body: { refresh_token: ann.refresh } })
    const asking = sensitive().filter(({ name }) => !Object.hasOwn(exempt, name))
    assert.ok(asking.length > 12)
    for (const { method, url, name } of asking) {
      const path = url.replace('/api/v1/', '').replace(':id', 'A'.repeat(22))
      const answer = await t.call(method, path, { token: pair.access_token })
      assert.equal(show(answer), '401 insufficient_user_authentication', name)
    }
  })

  test('but for four that say why', () => {
    const names = sensitive().map(({ name }) => name)
    for (const [name, why] of Object.entries(exempt)) assert.ok(names.includes(name) && why, name)
  })
})
