import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { changeRoles, createUser, disableUser, enableUser } from 'gatewright/administration'
import { deleteUser } from '../../packages/gatewright/src/administration/delete-user.ts'
import { endAllSessions } from '../../packages/gatewright/src/administration/end-user-sessions.ts'
import { forcePasswordChange } from '../../packages/gatewright/src/administration/force-password-change.ts'
import { invite } from '../../packages/gatewright/src/administration/invitations.ts'
import { resetFactors } from '../../packages/gatewright/src/administration/reset-factors.ts'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import type { Caller } from '../../packages/gatewright/src/sessions/hold-session.ts'
import { plantTotp } from '../factors/enrolled.ts'
import { password } from '../harness.ts'
import { freshName } from '../senders.ts'
import type { SignedIn } from '../sessions/signed-in.ts'
import { useOwnApplication } from './own-application.ts'

const app = useOwnApplication()
const signIn = (...held: readonly string[]) => app.signIn(...held)
const newUser = (...held: readonly string[]) => app.newUser(...held)
const rolesOf = (userId: string) => app.rolesOf(userId)

type Operation = (caller: Caller, userId: string) => Promise<unknown>

/** What an administrator does to another user. */
const operations: Readonly<Record<string, Operation>> = {
  'resets the factors of': (caller, userId) =>
    resetFactors(app.engine, { userId, reason: 'lost', origin }, caller),
  disables: (caller, userId) => disableUser(app.engine, { userId, origin }, caller),
  'forces a new password of': (caller, userId) => forcePasswordChange(app.engine, { userId, origin }, caller),
  'ends all sessions of': (caller, userId) => endAllSessions(app.engine, { userId, origin }, caller),
  deletes: (caller, userId) => deleteUser(app.engine, { userId, origin }, caller),
  enables: (caller, userId) => enableUser(app.engine, { userId, origin }, caller),
  'leaves the roles as they are of': async (caller, userId) =>
    changeRoles(app.engine, { userId, roles: await rolesOf(userId), origin }, caller),
  'takes all roles from': (caller, userId) => changeRoles(app.engine, { userId, roles: [], origin }, caller),
}

const nobody = { code: 'insufficient_permission' }
const everything = async (userId: string) => ({
  users: await app.engine.db.selectFrom('users').selectAll().where('id', '=', userId).execute(),
  roles: await rolesOf(userId),
  factors: await app.engine.db.selectFrom('totp_factors').selectAll().where('user_id', '=', userId).execute(),
  events: await app.engine.db
    .selectFrom('audit_events')
    .select('event')
    .where('user_id', '=', userId)
    .execute(),
})

for (const [does, operation] of Object.entries(operations))
  describe(`who ${does} another`, () => {
    let helen: SignedIn
    beforeEach(async () => {
      helen = await signIn('helpdesk')
    })

    for (const [holds, held] of Object.entries({
      everything: ['admin'],
      'a permission that the caller lacks': ['analyst'],
      'one that the caller lacks, beside those that both have': ['analyst', 'helpdesk'],
      'an administrative one that the caller lacks': ['keeper'],
    }))
      test(`is refused where the other holds ${holds}, and nothing has changed`, async () => {
        const userId = await newUser(...held)
        await plantTotp(app.engine, userId)
        const was = await everything(userId)
        await assert.rejects(operation(helen, userId), nobody)
        assert.deepEqual(await everything(userId), was)
      })

    test('is refused who may not administer users, whatever the other holds', async () => {
      await assert.rejects(operation(await signIn('keeper', 'editor', 'analyst'), await newUser()), nobody)
    })

    test('is refused once the own role is taken, in a session that goes on', async () => {
      await changeRoles(app.engine, { userId: helen.userId, roles: ['user'], origin })
      await assert.rejects(operation(helen, await newUser()), nobody)
    })

    test('is refused once the own session has ended', async () => {
      await disableUser(app.engine, { userId: helen.userId, origin })
      await assert.rejects(operation(helen, await newUser()), { code: 'session_ended' })
    })

    test('is let do it where the other holds no more than the caller', async () => {
      await operation(helen, await newUser('helpdesk'))
      await operation(await signIn('helpdesk', 'editor'), await newUser('analyst', 'helpdesk'))
      await operation(await signIn('admin'), await newUser('admin'))
    })
  })

describe('who gives a role', () => {
  test('is refused one that allows more than the caller may do, also beside others', async () => {
    const [caller, userId] = [await signIn('helpdesk', 'analyst'), await newUser('user')]
    for (const given of [['admin'], ['editor'], ['analyst', 'keeper']]) {
      await assert.rejects(changeRoles(app.engine, { userId, roles: given, origin }, caller), nobody)
      const made = { username: freshName(), password, roles: given }
      await assert.rejects(createUser(app.engine, made, origin, caller), nobody)
      const asked = { email: 'new@example.org', roles: given }
      await assert.rejects(invite(app.engine, asked, origin, caller), nobody)
    }
    assert.deepEqual(await rolesOf(userId), ['user'])
  })

  test('gives what the caller has', async () => {
    const userId = await newUser('user')
    const after = ['analyst', 'helpdesk', 'user']
    await changeRoles(app.engine, { userId, roles: after, origin }, await signIn('helpdesk', 'editor'))
    assert.deepEqual(await rolesOf(userId), after)
  })

  test('gives nothing to the own user that it has not', async () => {
    const helen = await signIn('helpdesk')
    const own = { userId: helen.userId, roles: ['admin'], origin }
    await assert.rejects(changeRoles(app.engine, own, helen), nobody)
    assert.deepEqual(await rolesOf(helen.userId), ['helpdesk'])
  })
})

test('the command line has no caller, and is asked for nothing', async () => {
  const userId = await newUser('admin')
  await resetFactors(app.engine, { userId, reason: 'lost', origin })
  await disableUser(app.engine, { userId, origin })
  await enableUser(app.engine, { userId, origin })
  await changeRoles(app.engine, { userId, roles: ['analyst'], origin })
  assert.deepEqual(await rolesOf(userId), ['analyst'])
})

const rounds = 12

/** What the second of two calls is told that the first one has taken the right from. */
const late = ['insufficient_permission', 'session_ended']

const both = (...calls: readonly (() => Promise<unknown>)[]): Promise<readonly string[]> =>
  Promise.all(
    calls.map(call =>
      call().then(
        () => 'done',
        (error: { code?: string }) => error.code ?? String(error),
      ),
    ),
  )

describe('of two administrators who change each other at once, never both do', () => {
  const pairs: Readonly<Record<string, readonly [Operation, Operation]>> = {
    'one demotes, the other resets factors': [
      (caller, userId) => changeRoles(app.engine, { userId, roles: ['user'], origin }, caller),
      (caller, userId) => resetFactors(app.engine, { userId, reason: 'lost', origin }, caller),
    ],
    'both demote': [
      (caller, userId) => changeRoles(app.engine, { userId, roles: ['user'], origin }, caller),
      (caller, userId) => changeRoles(app.engine, { userId, roles: ['user'], origin }, caller),
    ],
    'one demotes, the other disables': [
      (caller, userId) => changeRoles(app.engine, { userId, roles: ['user'], origin }, caller),
      (caller, userId) => disableUser(app.engine, { userId, origin }, caller),
    ],
  }
  for (const [what, [first, second]] of Object.entries(pairs))
    test(what, async () => {
      const winners = new Set<boolean>()
      for (let round = 0; round < rounds; round++) {
        const [ann, ben] = [await signIn('admin'), await signIn('admin')]
        await app.engine.db
          .updateTable('sessions')
          .set({ amr: 'pwd mfa' })
          .where('user_id', 'in', [ann.userId, ben.userId])
          .execute()
        await plantTotp(app.engine, ann.userId)
        const calls = [() => first(ann, ben.userId), () => second(ben, ann.userId)]
        const isTurned = round % 2 === 1
        const answers = await both(...(isTurned ? calls.toReversed() : calls))
        assert.equal(answers.filter(answer => answer === 'done').length, 1, answers.join(', '))
        for (const answer of answers) if (answer !== 'done') assert.ok(late.includes(answer), answer)
        winners.add((answers[0] === 'done') !== isTurned)
      }
      assert.equal(winners.size, 2, 'each of them was first once')
    })
})

test('a permission counts only in a session that has shown the factor that it asks for', async () => {
  const strict = { ...app.engine, asksAdministrators: () => true }
  const helen = await signIn('helpdesk')
  const userId = await newUser()
  const disable = () => disableUser(strict, { userId, origin }, helen)
  await assert.rejects(disable(), nobody)
  await app.engine.db
    .updateTable('sessions')
    .set({ amr: 'pwd mfa' })
    .where('id', '=', helen.sessionId)
    .execute()
  await disable()
})
