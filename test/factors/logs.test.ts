import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { password, signUp, startTestApp, type TestApp } from '../harness.ts'
import { codeAt, nextCode } from './enrolled.ts'

let t: TestApp
before(async () => {
  t = await startTestApp({ accessLog: 'all', logLevel: 'debug' })
})
after(() => t.close())

test('no secret of an app, code, recovery code or half of a sign-in comes into the log or the audit log', async () => {
  const { id, username, access: token } = await signUp(t, 'alice')
  const { body: shown } = await t.call('POST', 'me/totp', { token })
  const first = codeAt(shown.secret, t.clock.now())
  const { body: added } = await t.call('POST', 'me/totp/confirm', { token, body: { code: first } })
  const begun = await t.call('POST', 'login', { body: { username, password } })
  const { mfa_token } = begun.body
  const code = await nextCode(t.engine, id)
  const [used] = added.recovery_codes
  for (const body of [
    { mfa_token, method: 'totp', code: 'wrong1' },
    { mfa_token, method: 'totp', code },
    { mfa_token, method: 'recovery_code', code: used },
  ])
    await t.call('POST', 'login/mfa', { body })
  const step = { method: 'recovery_code', code: used }
  assert.equal((await t.call('POST', 'step-up', { token: added.access_token, body: step })).status, 200)
  const events = await t.engine.db.selectFrom('audit_events').selectAll().execute()
  const written = `${t.logLines.join('\n')}\n${JSON.stringify(events)}`
  for (const secret of [shown.secret, shown.uri, mfa_token, ...added.recovery_codes])
    assert.ok(!written.includes(secret), secret)
  for (const each of [first, code, 'wrong1']) assert.ok(!written.includes(`"${each}"`), each)
})
