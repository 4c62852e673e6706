import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { disableUser, enableUser } from 'gatewright/administration'
import { minute } from 'gatewright/clock'
import { systemOrigin } from '../../packages/gatewright/src/audit/record.ts'
import { enrolWithCodes } from '../factors/enrolled.ts'
import { type Caller, signUp, startTestApp, type TestApp } from '../harness.ts'
import { freshName } from '../senders.ts'
import { signInAs } from '../sessions/signed-in.ts'

let t: TestApp
let ann: Caller
before(async () => {
  t = await startTestApp()
  ann = await signUp(t, freshName())
})
after(() => t.close())

const take = (access = ann.access, app = t) => app.call('GET', 'me/export', { token: access })

test('a copy has what is kept of its owner: the account, and what the application keeps', async () => {
  await t.call('POST', 'posts', { token: ann.access, body: { title: 'Draft', content: 'for me' } })
  await t.call('POST', 'todos', { token: ann.access, body: { title: 'Milk' } })
  const other = await signUp(t, freshName())
  await t.call('POST', 'todos', { token: other.access, body: { title: 'of somebody else' } })
  const { status, body, text, headers } = await take()
  assert.equal(status, 200, text)
  assert.equal(body.account.username, ann.username)
  assert.deepEqual([body.sessions.length, body.api_keys], [1, []])
  assert.deepEqual(
    [body.application.posts, body.application.todos].map(([{ title }]) => title),
    ['Draft', 'Milk'],
  )
  assert.ok(body.events.some(({ event }: { event: string }) => event === 'session.started'))
  assert.ok(!text.includes('of somebody else') && !text.includes(other.id))
  assert.match(String(headers['content-disposition']), /attachment/)
})

test('a copy has the subjects of other issuers that act for its owner, and nobody else’s', async () => {
  const rows = [ann, await signUp(t, freshName())].map(({ id: user_id }, n) => ({
    issuer: 'https://sso.example.org',
    subject: `subject-${n}`,
    user_id,
    created_at: t.clock.now(),
  }))
  await t.engine.db.insertInto('identities').values(rows).execute()
  const { body } = await take()
  assert.deepEqual(body.identities, [
    {
      issuer: 'https://sso.example.org',
      subject: 'subject-0',
      linked_at: new Date(t.clock.now()).toISOString(),
    },
  ])
})

test('a copy holds no secret: no hash, code, token or key', async () => {
  const bob = await signUp(t, freshName())
  const codes = await enrolWithCodes(t.engine, bob.id)
  const { access } = await signInAs(t.engine, bob.id).catch(() => bob)
  const { text } = await take(access)
  const rows = JSON.stringify([
    await t.engine.db.selectFrom('users').select('password_hash').where('id', '=', bob.id).execute(),
    await t.engine.db.selectFrom('totp_factors').select('secret').where('user_id', '=', bob.id).execute(),
    await t.engine.db.selectFrom('sessions').select('refresh_key').where('user_id', '=', bob.id).execute(),
  ])
  const secrets = [...codes, ...(rows.match(/"[^"]{16,}"/g) ?? []).map(each => each.slice(1, -1))]
  assert.ok(secrets.length > 10)
  for (const secret of secrets) assert.ok(!text.includes(secret))
})

test('what somebody else has done is shown, and not who that was or from where', async () => {
  const [chief, bob] = [await signUp(t, freshName(), ['admin']), await signUp(t, freshName())]
  const origin = { ...systemOrigin, actor: chief.id, address: '192.0.2.77' }
  await disableUser(t.engine, { userId: bob.id, reason: 'by mistake', origin })
  await enableUser(t.engine, { userId: bob.id, origin })
  const { access } = await signInAs(t.engine, bob.id)
  const { text, body } = await take(access)
  assert.ok(body.events.some(({ event }: { event: string }) => event === 'user.disabled'))
  assert.ok(!text.includes(chief.id) && !text.includes('192.0.2.77') && !text.includes('by mistake'))
})

test('a stolen session takes no copy without a recent sign-in', async () => {
  const bob = await signUp(t, freshName())
  t.clock.advance(11 * minute)
  const { body } = await t.call('POST', 'refresh', { body: { refresh_token: bob.refresh } })
  assert.equal((await take(body.access_token)).body.code, 'insufficient_user_authentication')
})

test('a copy is taken five times an hour, and not more', async context => {
  const limited = await startTestApp({ limitsScale: 1 })
  context.after(() => limited.close())
  const { access } = await signUp(limited, 'bob')
  for (let n = 0; n < 5; n++) assert.equal((await take(access, limited)).status, 200)
  assert.equal((await take(access, limited)).body.code, 'rate_limited')
})
