import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { openSetupLink } from '../../packages/gatewright/src/sign-in/setup-link.ts'
import { type Answer, password, startTestApp, type TestApp } from '../harness.ts'

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

/** What makes a user, and begins no session: so no event can come in between. */
const doors: Readonly<Record<string, () => Promise<Answer>>> = {
  registration: () => t.call('POST', 'register', { body: { username: 'alice', password } }),
  'set-up': async () => {
    const link = await openSetupLink(t.engine)
    assert.ok(link.state === 'made')
    return t.call('POST', 'setup', { body: { token: link.token, username: 'root', password } })
  },
}

describe('whoever is made has to sign in: no session begins, and nothing is given that could be one', () => {
  for (const [name, open] of Object.entries(doors))
    test(name, async () => {
      const { status, headers, text } = await open()
      assert.equal(status, 201, text)
      assert.equal(headers['set-cookie'], undefined)
      assert.doesNotMatch(text, /token|"gw[rs]_|"eyJ/)
      assert.deepEqual(await t.engine.db.selectFrom('sessions').select('id').execute(), [])
    })
})
