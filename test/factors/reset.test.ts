import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resetFactors } from '../../packages/gatewright/src/administration/reset-factors.ts'
import { systemOrigin } from '../../packages/gatewright/src/audit/record.ts'
import { type Caller, password, signUp } from '../harness.ts'
import { freshName } from '../senders.ts'
import { show } from '../sessions/browser.ts'
import { plantTotp } from './enrolled.ts'
import { second, t, useScene } from './scene.ts'

useScene()

const short = 'vT9#qLx2'

/** Somebody with an authenticator app, and this password beside it. */
const enrolledWith = async (new_password: string): Promise<Caller> => {
  const ann = await signUp(t, freshName())
  await plantTotp(t.engine, ann.id)
  const { body: pair } = await t.call('POST', 'refresh', { body: { refresh_token: ann.refresh } })
  const body = { current_password: password, new_password }
  const changed = await t.call('PUT', 'me/password', { token: pair.access_token, body })
  assert.equal(changed.status, 200, changed.text)
  return ann
}

const verify = ({ id, username }: Caller): Promise<void> =>
  second.run(
    'update users set email = ?, email_key = ?, email_verified_at = 1 where id = ?',
    `${username}@example.com`,
    `${username}@example.com`,
    id,
  )

const reset = ({ id }: Caller) =>
  resetFactors(t.engine, { userId: id, reason: 'lost the telephone', origin: systemOrigin })
const signIn = ({ username }: Caller, shown: string) =>
  t.call('POST', 'login', { body: { username, password: shown } })

test('a password that was enough only beside a factor opens nothing once the factors are reset', async () => {
  const ann = await enrolledWith(short)
  await verify(ann)
  assert.equal(await reset(ann), true)
  assert.equal(show(await signIn(ann, short)), '401 invalid_credentials')
})

test('one that is enough alone goes on; where no mail reaches its owner, one that is not opens the choice of another', async () => {
  const long = `${password}, another`
  const [ann, bob] = [await enrolledWith(long), await enrolledWith(short)]
  await verify(ann)
  for (const each of [ann, bob]) assert.equal(await reset(each), true)
  assert.equal((await signIn(ann, long)).status, 200)
  const asked = await signIn(bob, short)
  assert.equal(show(asked), '401 password_change_required')
  const choose = (new_password: string) =>
    t.call('POST', 'password/reset', { body: { token: asked.body.password_token, new_password } })
  assert.equal(show(await choose(short)), '400 password_too_short')
  assert.equal((await choose(long)).status, 204)
  assert.equal((await signIn(bob, long)).status, 200)
})
