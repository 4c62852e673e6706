import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { changeRoles } from 'gatewright/administration'
import { minute, second as oneSecond } from 'gatewright/clock'
import { newId, systemRandom } from 'gatewright/random'
import { createRole } from '../../packages/gatewright/src/administration/change-role.ts'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { type Answer, type Caller, password, signUp, startTestApp, type TestApp } from '../harness.ts'
import { freshName } from '../senders.ts'
import { openSecondConnection, type SecondConnection } from '../sessions/second-connection.ts'
import { addUser, signInAs } from '../sessions/signed-in.ts'

let t: TestApp
let second: SecondConnection
let chief: Caller
before(async () => {
  t = await startTestApp()
  second = openSecondConnection(t.engine)
  chief = await signUp(t, 'chief', ['admin'])
  for (const [name, permissions] of Object.entries({
    keeper: ['users:read', 'signing-keys:write'],
    helpdesk: ['users:read', 'users:write', 'sessions:write'],
  }))
    await createRole(t.engine, { name, description: '', permissions }, origin)
})
after(async () => {
  second.close()
  await t.close()
})

const show = ({ status, body }: Answer): string => (body?.code ? `${status} ${body.code}` : String(status))
const ask = (method: string, rest = '', token = chief.access): Promise<Answer> =>
  t.call(method, `admin/signing-keys${rest}`, { token })
const kidOf = (state: string): string =>
  String(second.row('select kid from signing_keys where state = ?', state)?.kid)
const states = () => second.rows('select kid, state from signing_keys order by kid')
const signInAgain = async ({ username }: Caller): Promise<string> =>
  (await t.call('POST', 'login', { body: { username, password } })).body.access_token

describe('administrators over HTTP', () => {
  test('see each key with its state and times, and no part of the key itself', async () => {
    const { status, body, text } = await ask('GET')
    assert.equal(status, 200)
    for (const { kid, algorithm, state, activated_at } of body.signing_keys) {
      assert.deepEqual([state, algorithm], [kidOf('active') === kid ? 'active' : 'published', 'ES256'])
      assert.equal(activated_at === null, state !== 'active')
    }
    assert.equal(body.signing_keys.length, 2)
    for (const { private_key, public_key } of second.rows('select private_key, public_key from signing_keys'))
      for (const secret of [private_key, JSON.parse(String(public_key)).x])
        assert.ok(!text.includes(String(secret)))
  })

  test('rotate: the next key signs, and tokens of the one before are good', async () => {
    t.clock.advance(oneSecond)
    const [active, next] = [kidOf('active'), kidOf('published')]
    const { body } = await ask('POST', '/rotate')
    assert.deepEqual(body, { rotated: true, kid: next, rotates_at: null })
    assert.equal(kidOf('retired'), active)
    assert.equal(show(await ask('GET')), '200')
    const event = second.row("select actor from audit_events where event = 'signing-key.rotation-asked'")
    assert.equal(event?.actor, chief.id)
  })

  test('rotate again too soon: it is said when the next key signs', async () => {
    const active = kidOf('active')
    const { body } = await ask('POST', '/rotate')
    assert.deepEqual([body.rotated, body.kid], [false, active])
    assert.ok(Date.parse(body.rotates_at) > t.clock.now())
  })

  test('revoke: every token that the key signed ends, their own too, and sessions go on', async () => {
    const kid = kidOf('active')
    chief = { ...chief, access: await signInAgain(chief) }
    const { status, body } = await ask('POST', `/${kid}/revoke`)
    assert.deepEqual([status, body], [200, { changed: true, kid, active: kidOf('active') }])
    assert.notEqual(body.active, kid)
    assert.equal(show(await ask('GET')), '401 invalid_token')
    chief = { ...chief, access: await signInAgain(chief) }
    assert.deepEqual((await ask('POST', `/${kid}/revoke`)).body.changed, false)
    const events = second.rows("select actor from audit_events where event = 'signing-key.revoked'")
    assert.deepEqual(
      events.map(({ actor }) => actor),
      [chief.id],
    )
  })
})

describe('refused, and nothing has changed:', () => {
  const cases: Readonly<Record<string, readonly [string, () => Promise<string>]>> = {
    'nobody at all': ['401 invalid_token', async () => ''],
    'whoever administers users and sessions, and no keys': [
      '403 insufficient_permission',
      async () =>
        (await signInAs(t.engine, (await addUser(t.engine, freshName(), { roles: ['helpdesk'] })).id)).access,
    ],
    'a sign-in of more than ten minutes ago': [
      '401 insufficient_user_authentication',
      async () => {
        const { id } = await addUser(t.engine, freshName(), { roles: ['keeper'] })
        const { access } = await signInAs(t.engine, id)
        const claims = await t.engine.accessTokens.verify(access)
        const sign = await t.engine.accessTokens.getSign()
        return sign({ ...claims, authTime: t.clock.now() - 10 * minute - oneSecond })
      },
    ],
    'whoever has lost the role since': [
      '403 insufficient_permission',
      async () => {
        const { id } = await addUser(t.engine, freshName(), { roles: ['keeper'] })
        const { access } = await signInAs(t.engine, id)
        await changeRoles(t.engine, { userId: id, roles: ['user'], origin })
        return access
      },
    ],
  }
  for (const [who, [refusal, enter]] of Object.entries(cases))
    test(who, async () => {
      const token = await enter()
      const was = states()
      for (const path of ['/rotate', `/${kidOf('active')}/revoke`]) {
        const call = t.call('POST', `admin/signing-keys${path}`, token === '' ? {} : { token })
        assert.equal(show(await call), refusal)
      }
      assert.deepEqual(states(), was)
    })

  test('an id that no key has, or none can have', async () => {
    chief = { ...chief, access: await signInAgain(chief) }
    const was = states()
    for (const id of [newId(systemRandom), 'x', '*'])
      assert.equal(show(await ask('POST', `/${id}/revoke`)), '404 not_found')
    assert.deepEqual(states(), was)
  })

  test('a body', async () => {
    for (const path of ['rotate', `${kidOf('active')}/revoke`]) {
      const body = { kid: kidOf('active') }
      const answer = await t.call('POST', `admin/signing-keys/${path}`, { token: chief.access, body })
      assert.equal(show(answer), '400 validation_failed')
    }
  })
})

test('race: of two who revoke the key that signs at once, one does, and one key signs after it', async () => {
  const kid = kidOf('active')
  const other = await signUp(t, freshName(), ['admin'])
  const answers = await Promise.all([
    ask('POST', `/${kid}/revoke`),
    ask('POST', `/${kid}/revoke`, other.access),
  ])
  // The second one's own token was signed by it.
  const told = answers.map(answer => (answer.status === 200 ? answer.body.changed : show(answer)))
  assert.equal(told.filter(each => each === true).length, 1)
  assert.equal(second.rows("select 1 from signing_keys where state = 'active'").length, 1)
})
