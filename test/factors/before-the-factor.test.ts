import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { minute } from 'gatewright/clock'
import { deleteUser } from '../../packages/gatewright/src/administration/delete-user.ts'
import { invite } from '../../packages/gatewright/src/administration/invitations.ts'
import { createUser } from '../../packages/gatewright/src/administration/users.ts'
import { systemOrigin } from '../../packages/gatewright/src/audit/record.ts'
import { checkFurtherRule } from '../../packages/gatewright/src/gate/check-access.ts'
import { recentSignIn, signedIn } from '../../packages/gatewright/src/permissions/access-rule.ts'
import { endAllOtherSessions, endOtherSession } from '../../packages/gatewright/src/sign-in/end-sessions.ts'
import { askForEmail } from '../../packages/gatewright/src/sign-in/own-email.ts'
import { changePassword } from '../../packages/gatewright/src/sign-in/own-password.ts'
import { parsePassword } from '../../packages/gatewright/src/users/password.ts'
import { type Caller, password, signUp } from '../harness.ts'
import { freshName, signInAgain } from '../senders.ts'
import { show } from '../sessions/browser.ts'
import { plantTotp } from './enrolled.ts'
import { second, t, useScene } from './scene.ts'

/** An administrator, who has a second factor by now. */
let ann: Caller
/** A session that a thief of her password began before; just now, so it is as recent as can be. */
let thief: Caller
useScene()
beforeEach(async () => {
  t.clock.advance(minute)
  ann = await signUp(t, freshName(), ['admin'])
  thief = await signInAgain(t, ann)
  await plantTotp(t.engine, ann.id)
  await second.run(`update sessions set amr = 'pwd' where id = ?`, sessionOf(thief))
})

const sessionOf = ({ access }: Caller): string =>
  JSON.parse(Buffer.from(access.split('.')[1] ?? '', 'base64url').toString()).sid.split('.')[0]
const newUser = () => ({ username: freshName(), password, roles: ['admin'] })
const count = (table: string): number => Number(second.row(`select count(*) as n from ${table}`)?.n)
const asked = '401 insufficient_user_authentication'

describe('a thief of the password, in a session from before the second factor,', () => {
  test('makes no administrator', async () => {
    const body = newUser()
    const before = count('users')
    assert.equal(show(await t.call('POST', 'users', { token: thief.access, body })), asked)
    assert.equal(count('users'), before)
    assert.equal((await t.call('POST', 'users', { token: ann.access, body })).status, 201)
  })

  test('ends no session of the owner, and may still end the own one', async () => {
    const [hers, own] = [sessionOf(ann), sessionOf(thief)]
    assert.equal(show(await t.call('DELETE', `sessions/${hers}`, { token: thief.access })), asked)
    assert.equal((await t.call('GET', 'me', { token: ann.access })).status, 200)
    assert.equal((await t.call('DELETE', `sessions/${own}`, { token: thief.access })).status, 204)
  })
})

describe('a factor that is added between the gate’s look and the change', () => {
  const origin = systemOrigin
  const changes = {
    'ends another session': own =>
      endOtherSession(t.engine, { ...own, origin, otherSessionId: sessionOf(ann) }),
    'ends all others': own => endAllOtherSessions(t.engine, { ...own, origin }),
    'changes the password': own => {
      const newPassword = parsePassword(`${password}, another`, '/new_password')
      const shown = { ...own, origin, newPassword, password: parsePassword(password, '/password') }
      return changePassword(t.engine, shown)
    },
    'asks for another address': own => askForEmail(t.engine, { ...own, origin, email: 'thief@example.com' }),
    'makes an administrator': own => createUser(t.engine, newUser(), origin, own),
    'invites one': own => invite(t.engine, { email: 'thief@example.com', roles: ['admin'] }, origin, own),
    'deletes the account': own => deleteUser(t.engine, { userId: own.userId, origin }, own),
  } satisfies Record<
    string,
    (own: { readonly userId: string; readonly sessionId: string }) => Promise<unknown>
  >
  for (const [name, change] of Object.entries(changes))
    test(`${name} for nobody who has not shown it`, async () => {
      await signUp(t, freshName(), ['admin'])
      const own = { userId: ann.id, sessionId: sessionOf(thief) }
      await assert.rejects(change(own), { code: 'insufficient_user_authentication' })
      const { access } = ann
      assert.equal((await t.call('GET', 'me', { token: access })).status, 200)
      await change({ userId: ann.id, sessionId: sessionOf(ann) })
    })
})

test('a handler that asks for a recent sign-in its route did not declare fails, and lets nobody through', () => {
  const principal = undefined
  const ask = (rule: Parameters<typeof checkFurtherRule>[1]) => () =>
    checkFurtherRule(t.engine, rule, { principal, isFactorDue: undefined, rolesBehind: undefined })
  assert.throws(ask(recentSignIn()), TypeError)
  assert.throws(ask(signedIn()), { code: 'invalid_token' })
})
