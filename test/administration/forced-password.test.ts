import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { minute } from 'gatewright/clock'
import { nextCode, plantTotp } from '../factors/enrolled.ts'
import { type Answer, type Caller, password, signUp, startTestApp, type TestApp } from '../harness.ts'
import { giveAddress } from '../mail/given-link.ts'
import { freshName } from '../senders.ts'
import { signInAs } from '../sessions/signed-in.ts'

let t: TestApp
let chief: Caller
before(async () => {
  t = await startTestApp()
  chief = await signUp(t, 'chief', ['admin'])
})
after(() => t.close())

const next = 'a password of their own choice'
const force = async ({ id }: Caller, app = t, by = chief): Promise<void> => {
  const { status, text } = await app.call('POST', `admin/users/${id}/reset-password`, { token: by.access })
  assert.equal(status, 204, text)
}
const logIn = ({ username }: Caller, shown = password, app = t) =>
  app.call('POST', 'login', { body: { username, password: shown } })
const choose = (token: string, new_password = next, app = t) =>
  app.call('POST', 'password/reset', { body: { token, new_password } })
const codeOf = ({ status, body }: Answer) => `${status} ${body?.code ?? ''}`.trim()
const forced = async (): Promise<Caller> => {
  const bob = await signUp(t, freshName())
  await force(bob)
  return bob
}
const due = async (bob: Caller): Promise<string> => (await logIn(bob)).body.password_token

describe('where mail reaches the user', () => {
  test('the former password opens nothing, the mail has a link, and everything but keys has ended', async () => {
    const bob = await signUp(t, freshName())
    const email = `${bob.username}@example.org`
    await giveAddress(t.engine, bob.id, email)
    await force(bob)
    assert.equal(codeOf(await t.call('GET', 'me', { token: bob.access })), '401 session_ended')
    assert.equal(codeOf(await logIn(bob)), '401 invalid_credentials')
    const mail = (await t.deliverMail()).findLast(({ to }) => to === email)
    assert.equal(mail?.link?.path, '/console/reset')
    assert.equal((await choose(mail?.link?.token ?? '')).status, 204)
    assert.equal((await logIn(bob, next)).status, 200)
    const { body } = await t.call('GET', `admin/users/${bob.id}`, { token: chief.access })
    assert.equal(body.password_change_due, false)
  })
})

describe('the password that somebody else may have', () => {
  const forcedByMail = async (): Promise<readonly [Caller, () => Promise<string>]> => {
    const bob = await signUp(t, freshName())
    const email = `${bob.username}@example.org`
    await giveAddress(t.engine, bob.id, email)
    const linkOf = async (): Promise<string> => {
      await force(bob)
      return (await t.deliverMail()).findLast(({ to }) => to === email)?.link?.token ?? ''
    }
    return [bob, linkOf]
  }

  test('is not chosen again by the link of the mail either, nor by a second one', async () => {
    const [bob, linkOf] = await forcedByMail()
    const same = await choose(await linkOf(), password)
    assert.equal(codeOf(same), '400 password_blocklisted')
    assert.match(same.text, /Choose another than the one you have/)
    const token = await linkOf()
    assert.equal(codeOf(await choose(token, password)), '400 password_blocklisted')
    assert.equal((await choose(token)).status, 204)
    assert.equal(codeOf(await logIn(bob)), '401 invalid_credentials')
    assert.equal((await logIn(bob, next)).status, 200)
    const row = t.engine.db.selectFrom('users').select('former_password_hash').where('id', '=', bob.id)
    assert.equal((await row.executeTakeFirst())?.former_password_hash, null)
  })

  test('brute force: the link tells five times whether a password is that one, and no more', async () => {
    const [, linkOf] = await forcedByMail()
    const token = await linkOf()
    for (let n = 0; n < 5; n++)
      assert.equal(codeOf(await choose(token, password)), '400 password_blocklisted')
    assert.equal(codeOf(await choose(token)), '400 invalid_link')
  })
})

describe('where no mail reaches the user', () => {
  test('the former password opens the choice of another, and nothing else', async () => {
    const bob = await forced()
    assert.equal(codeOf(await t.call('GET', 'me', { token: bob.access })), '401 session_ended')
    const asked = await logIn(bob)
    assert.equal(codeOf(asked), '401 password_change_required')
    assert.deepEqual([asked.body.access_token, asked.headers['set-cookie']], [undefined, undefined])
    const token: string = asked.body.password_token
    assert.equal((await choose(token)).status, 204)
    assert.equal(codeOf(await choose(token)), '400 invalid_link')
    assert.equal(codeOf(await logIn(bob)), '401 invalid_credentials')
    assert.equal((await logIn(bob, next)).status, 200)
  })

  test('every door asks: the browser’s gets no cookie either', async () => {
    const bob = await forced()
    const body = { username: bob.username, password }
    const answer = await t.call('POST', 'sessions', { body })
    assert.equal(codeOf(answer), '401 password_change_required')
    assert.ok(!String(answer.headers['set-cookie']).includes('gw_session'))
  })

  test('no door that forgets to ask starts a session', async () => {
    const bob = await forced()
    await assert.rejects(signInAs(t.engine, bob.id))
  })

  test('a second factor is asked for first, so a stolen password tells nothing', async () => {
    const bob = await signUp(t, freshName())
    await plantTotp(t.engine, bob.id)
    await force(bob)
    const half = await logIn(bob)
    assert.equal(codeOf(half), '401 mfa_required')
    assert.equal(half.body.password_token, undefined)
    const mfa = { mfa_token: half.body.mfa_token, method: 'totp', code: await nextCode(t.engine, bob.id) }
    const asked = await t.call('POST', 'login/mfa', { body: mfa })
    assert.equal(codeOf(asked), '401 password_change_required')
    assert.equal((await choose(asked.body.password_token)).status, 204)
  })

  test('the one that is there is not taken again, and a bad one is not either', async () => {
    const bob = await forced()
    const token = await due(bob)
    assert.equal(codeOf(await choose(token, password)), '400 password_blocklisted')
    assert.equal(codeOf(await choose(token, 'short')), '400 password_too_short')
    assert.equal((await choose(token)).status, 204)
  })

  test('brute force: the token tells five times whether a password is the former one, and no more', async () => {
    const token = await due(await forced())
    for (let n = 0; n < 5; n++)
      assert.equal(codeOf(await choose(token, password)), '400 password_blocklisted')
    assert.equal(codeOf(await choose(token)), '400 invalid_link')
  })

  const overs: Record<string, (bob: Caller) => Promise<unknown>> = {
    'older than ten minutes': async () => t.clock.advance(10 * minute),
    'from before another change was forced': bob => force(bob),
    'of a user who was disabled': bob =>
      t.engine.db.updateTable('users').set({ disabled_at: 1 }).where('id', '=', bob.id).execute(),
  }
  for (const [which, happen] of Object.entries(overs))
    test(`a token ${which} sets nothing`, async () => {
      chief = await signUp(t, freshName(), ['admin'])
      const bob = await forced()
      const token = await due(bob)
      await happen(bob)
      assert.equal(codeOf(await choose(token)), '400 invalid_link')
      assert.notEqual((await logIn(bob, next)).status, 200)
    })

  test('the token opens no other door', async () => {
    const token = await due(await forced())
    const answers = [
      await t.call('GET', 'me', { token }),
      await t.call('POST', 'refresh', { body: { refresh_token: token } }),
      await t.call('POST', 'login/mfa', { body: { mfa_token: token, method: 'totp', code: '123456' } }),
      await t.call('POST', 'email/verify', { body: { token } }),
      await t.call('POST', 'email/not-me', { body: { token } }),
    ]
    for (const answer of answers) assert.ok(answer.status >= 400, answer.text)
    assert.equal((await choose(token)).status, 204, 'it was used up')
  })

  test('of five who show one token at once one sets the password', async () => {
    const bob = await forced()
    const token = await due(bob)
    const words = Array.from({ length: 5 }, (_, n) => `${next}, number ${n}`)
    const answers = await Promise.all(words.map(word => choose(token, word)))
    const taken = words.filter((_, n) => answers[n]?.status === 204)
    assert.equal(taken.length, 1)
    assert.equal((await logIn(bob, taken[0])).status, 200)
  })
})

test('enumeration: a wrong password of a user with a change due is answered as any', async () => {
  const [bob, ann] = [await forced(), await signUp(t, freshName())]
  const strip = ({ status, body: { request_id: _, ...body } }: Answer) => ({ status, body })
  assert.deepEqual(
    strip(await logIn(bob, 'wrong, and long enough')),
    strip(await logIn(ann, 'wrong, and long enough')),
  )
})
