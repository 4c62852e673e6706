import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { day, minute, second as oneSecond } from 'gatewright/clock'
import { deleteUser } from '../../packages/gatewright/src/administration/delete-user.ts'
import { invite, revokeInvitation } from '../../packages/gatewright/src/administration/invitations.ts'
import { changeRoles, disableUser, enableUser } from '../../packages/gatewright/src/administration/users.ts'
import { commandLineOrigin, systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { applyConsequences } from '../../packages/gatewright/src/consequences/apply.ts'
import { logOut } from '../../packages/gatewright/src/sign-in/end-sessions.ts'
import { inTransaction } from '../../packages/gatewright/src/storage/transaction.ts'
import { type Answer, type Caller, password, signUp, startTestApp, type TestApp } from '../harness.ts'
import { openSecondConnection, type SecondConnection } from '../sessions/second-connection.ts'
import { addUser, signInAs } from '../sessions/signed-in.ts'
import { inviteAs, inviteTo, readInvitation } from './invite-to.ts'

let t: TestApp
let second: SecondConnection
let chief: Caller
before(async () => {
  t = await startTestApp()
  second = openSecondConnection(t.engine)
  chief = await signUp(t, 'chief', ['admin'])
})
after(async () => {
  second.close()
  await t.close()
})

let people = 0
const newAddress = (): string => `person${++people}@example.org`
const newName = (): string => `person${++people}`

const register = (invitation: string, more: object = {}, app = t): Promise<Answer> =>
  app.call('POST', 'register', { body: { invitation, username: newName(), password, ...more } })

const assertInvalid = ({ status, body, text }: Answer): void =>
  assert.deepEqual([status, body.code], [400, 'invalid_link'], text)

const countRefused = (): number =>
  second.rows(`select 1 from audit_events where event = 'link.refused' and reason = 'invitation'`).length

const chiefAnew = async (): Promise<Caller> => {
  const { body } = await t.call('POST', 'login', { body: { username: 'chief', password } })
  return { ...chief, access: body.access_token, refresh: body.refresh_token }
}

describe('an invitation', () => {
  test('comes by mail, and makes a user with its roles whose address is verified', async () => {
    const email = newAddress()
    const { token } = await inviteAs(t, chief, email, ['moderator', 'user'])
    const { status, body } = await register(token)
    assert.equal(status, 201)
    assert.deepEqual([body.email, body.email_verified, body.roles], [email, true, ['moderator', 'user']])
    const signedIn = await t.call('POST', 'login', { body: { username: email, password } })
    assert.equal(signedIn.status, 200)
    const event = second.row(`select * from audit_events where event = 'user.registered' order by id desc`)
    const details = JSON.parse(String(event?.details))
    assert.deepEqual([event?.actor, details.invited_by], [body.id, chief.id])
  })

  test('is in the language asked for, else in that of whoever invites, and names the inviter', async () => {
    await t.engine.db.updateTable('users').set({ locale: 'zh-TW' }).where('id', '=', chief.id).execute()
    const [own, asked] = [newAddress(), newAddress()]
    await inviteAs(t, chief, own)
    const body = { email: asked, locale: 'zh-CN' }
    assert.equal((await t.call('POST', 'admin/users', { token: chief.access, body })).status, 201)
    const mails = await t.deliverMail()
    const textTo = (email: string) => mails.findLast(({ to }) => to === email)?.text ?? ''
    assert.match(textTo(own), /chief 邀請您加入/)
    assert.match(textTo(asked), /chief 邀请您加入/)
    await t.engine.db.updateTable('users').set({ locale: 'en' }).where('id', '=', chief.id).execute()
  })

  test('shows its secret to nobody but the reader of the mail', async () => {
    const email = newAddress()
    const body = { email, roles: ['user'] }
    const made = await t.call('POST', 'admin/users', { token: chief.access, body })
    const token = await readInvitation(t, email)
    const listed = await t.call('GET', 'admin/invitations', { token: chief.access })
    const stored = JSON.stringify([
      second.rows('select * from codes'),
      second.rows('select * from audit_events'),
      second.rows('select * from mails'),
    ])
    for (const text of [made.text, listed.text, stored, t.logLines.join('')]) assert.ok(!text.includes(token))
  })

  test('whose name is taken, or whose password is refused, stays good', async () => {
    const token = await inviteTo(t, newAddress())
    assert.equal((await register(token, { username: 'chief' })).body.code, 'username_taken')
    assert.equal((await register(token, { password: 'short' })).body.code, 'password_too_short')
    assert.equal((await register(token)).status, 201)
  })

  test('that is sent once more ends the one before', async () => {
    const email = newAddress()
    const former = await inviteTo(t, email, ['admin'])
    const token = await inviteTo(t, email.toUpperCase(), ['user'])
    assertInvalid(await register(former))
    assert.deepEqual((await register(token)).body.roles, ['user'])
  })

  test('to an address that somebody has verified makes a user whose address is not', async () => {
    const email = newAddress()
    assert.equal((await register(await inviteTo(t, email))).body.email_verified, true)
    const { status, body } = await register(await inviteTo(t, email))
    assert.deepEqual([status, body.email_verified], [201, false])
    const { body: pair } = await t.call('POST', 'login', { body: { username: email, password } })
    const me = await t.call('GET', 'me', { token: pair.access_token })
    assert.notEqual(me.body.id, body.id, 'the address signs in its first owner')
  })
})

describe('the list of open invitations', () => {
  test('has each until it is used, taken back or over, newest first', async () => {
    const app = await startTestApp()
    const admin = await signUp(app, 'lister', ['admin'])
    const list = async (): Promise<readonly string[]> => {
      const { body } = await app.call('GET', 'admin/invitations', { token: admin.access })
      assert.equal(body.total, body.invitations.length)
      return body.invitations.map(({ email }: { email: string }) => email)
    }
    const addresses = ['one@example.org', 'two@example.org', 'three@example.org'] as const
    const made = []
    for (const email of addresses) {
      made.push(await inviteAs(app, admin, email))
      app.clock.advance(oneSecond)
    }
    assert.deepEqual(await list(), addresses.toReversed())
    await register(made[0]?.token ?? '', {}, app)
    const path = `admin/invitations/${made[1]?.id}`
    assert.equal((await app.call('DELETE', path, { token: admin.access })).status, 204)
    assert.equal((await app.call('DELETE', path, { token: admin.access })).status, 404)
    assert.deepEqual(await list(), ['three@example.org'])
    app.clock.advance(7 * day)
    const { body } = await app.call('POST', 'login', { body: { username: 'lister', password } })
    const late = await app.call('GET', 'admin/invitations', { token: body.access_token })
    assert.deepEqual(late.body.invitations, [])
    await app.close()
  })

  test('tells who invited, with which roles, and until when', async () => {
    const email = newAddress()
    const { id } = await inviteAs(t, chief, email, ['moderator'])
    const { body } = await t.call('GET', 'admin/invitations?per_page=100', { token: chief.access })
    const found = body.invitations.find((each: { id: string }) => each.id === id)
    assert.deepEqual([found.email, found.roles, found.invited_by], [email, ['moderator'], 'chief'])
    assert.equal(Date.parse(found.expires_at) - Date.parse(found.created_at), 7 * day)
  })
})

describe('an attacker registers nobody', () => {
  test('with an invitation used twice', async () => {
    const token = await inviteTo(t, newAddress(), ['admin'])
    assert.equal((await register(token)).status, 201)
    const refusals = countRefused()
    assertInvalid(await register(token))
    assert.equal(countRefused(), refusals + 1)
  })

  test('with an invitation used by twenty at once: one registers', async () => {
    const token = await inviteTo(t, newAddress(), ['moderator'])
    const answers = await Promise.all(Array.from({ length: 20 }, () => register(token)))
    const registered = answers.filter(({ status }) => status === 201)
    assert.equal(registered.length, 1)
    for (const answer of answers.filter(({ status }) => status !== 201)) assertInvalid(answer)
  })

  test('with two invitations to one address at once: one registers', async () => {
    for (let round = 0; round < 5; round++) {
      const email = newAddress()
      const first = await inviteTo(t, email)
      const row = second.row('select * from codes where address_key = ?', email)
      const other = await inviteTo(t, email)
      // As two administrators leave it who invite at the same moment.
      const kept = { ...row, purpose: 'invitation', secret_hash: String(row?.secret_hash) }
      await t.engine.db
        .insertInto('codes')
        .values(kept as never)
        .execute()
      const statuses = (await Promise.all([register(first), register(other)])).map(({ status }) => status)
      assert.deepEqual(statuses.sort(), [201, 400])
    }
  })

  test('with an invitation that has expired', async () => {
    const app = await startTestApp()
    const [late, early] = [await inviteTo(app, newAddress()), await inviteTo(app, newAddress())]
    app.clock.advance(7 * day - 1)
    assert.equal((await register(early, {}, app)).status, 201)
    app.clock.advance(1)
    assertInvalid(await register(late, {}, app))
    await app.close()
  })

  test('with an invitation that was taken back', async () => {
    const { id, token } = await inviteAs(t, chief, newAddress())
    assert.equal((await t.call('DELETE', `admin/invitations/${id}`, { token: chief.access })).status, 204)
    assertInvalid(await register(token))
  })

  test('by guessing tokens: each guess is refused alike, counted and recorded, without a hash', async () => {
    const app = await startTestApp({ limitsScale: 1 })
    const known = await inviteTo(app, newAddress())
    const guesses = ['unknown', known.slice(0, -1), `${known}x`, known.toUpperCase(), 'A'.repeat(43)]
    const texts = new Set<string>()
    for (let n = 0; n < 20; n++) {
      const answer = await register(guesses[n % guesses.length] ?? '', {}, app)
      assertInvalid(answer)
      texts.add(JSON.stringify({ ...answer.body, request_id: '' }))
    }
    assert.equal(texts.size, 1)
    assert.equal(app.engine.hasher.count(), 0)
    assert.equal((await register(known, {}, app)).status, 429)
    const rows = await app.engine.db.selectFrom('audit_events').select('event').execute()
    assert.equal(rows.filter(({ event }) => event === 'link.refused').length, 20)
    await app.close()
  })

  test('with a link of another purpose', async () => {
    const token = await inviteTo(t, newAddress())
    await t.engine.db
      .updateTable('codes')
      .set({ purpose: 'reset-password' })
      .where('purpose', '=', 'invitation')
      .execute()
    assertInvalid(await register(token))
    await t.engine.db.deleteFrom('codes').execute()
  })

  test('of another address than the one invited', async () => {
    const token = await inviteTo(t, newAddress())
    const answer = await register(token, { email: 'mallory@example.org' })
    assert.deepEqual([answer.status, answer.body.errors[0].path], [400, '/email'])
    const { body } = await register(token)
    assert.notEqual(body.email, 'mallory@example.org')
  })

  test('with more roles than were given', async () => {
    const token = await inviteTo(t, newAddress())
    const answer = await register(token, { roles: ['admin'] })
    assert.deepEqual([answer.status, answer.body.code], [400, 'validation_failed'])
  })

  test('where registration is closed', async () => {
    const app = await startTestApp()
    const token = await inviteTo(app, newAddress())
    const codes = await app.engine.db.selectFrom('codes').selectAll().execute()
    const closed = await startTestApp({ registration: 'closed' })
    await closed.engine.db.insertInto('codes').values(codes).execute()
    const { status, body } = await register(token, {}, closed)
    assert.deepEqual([status, body.code], [403, 'insufficient_permission'])
    await Promise.all([app.close(), closed.close()])
  })

  test('by a way round the invitation, where it is asked for', async () => {
    const app = await startTestApp({ registration: 'invite' })
    const body = { username: newName(), password }
    for (const path of ['register', 'users'])
      assert.equal((await app.call('POST', path, { body })).status, 403)
    assert.equal((await register(await inviteTo(app, newAddress()), {}, app)).status, 201)
    await app.close()
  })
})

describe('the command line takes an invitation back', () => {
  const open = async () => {
    const made = await inviteAs(t, chief, newAddress())
    return { ...made, revoke: () => revokeInvitation(t.engine, { id: made.id, origin: commandLineOrigin }) }
  }
  const countRevoked = (): number =>
    second.rows(`select 1 from audit_events where event = 'invitation.revoked'`).length

  /** Nothing is taken back, and nothing is said to have been. */
  const assertNotOpen = async (revoke: () => Promise<void>): Promise<void> => {
    const before = countRevoked()
    await assert.rejects(revoke(), { code: 'not_found' })
    assert.equal(countRevoked(), before)
  }

  test('of whoever invited: its link opens nothing from then on', async () => {
    const { token, revoke } = await open()
    await revoke()
    assertInvalid(await register(token))
    await assertNotOpen(revoke)
  })

  test('but none that was used', async () => {
    const { token, revoke } = await open()
    assert.equal((await register(token)).status, 201)
    await assertNotOpen(revoke)
  })

  test('but none that is over', async () => {
    const { revoke } = await open()
    t.clock.advance(7 * day)
    chief = await chiefAnew()
    await assertNotOpen(revoke)
  })

  test('but no link of another purpose', async () => {
    const { id, token, revoke } = await open()
    await t.engine.db.updateTable('codes').set({ purpose: 'undo-email' }).where('id', '=', id).execute()
    await assertNotOpen(revoke)
    await t.engine.db.updateTable('codes').set({ purpose: 'invitation' }).where('id', '=', id).execute()
    assert.equal((await register(token)).status, 201)
  })

  test('of two who do so at once, and of one who registers with it, one does', async () => {
    for (let round = 0; round < 10; round++) {
      const before = countRevoked()
      const { token, revoke } = await open()
      const [answer, ...revoked] = await Promise.allSettled([register(token), revoke(), revoke()])
      assert.equal(answer.status, 'fulfilled')
      const registered = answer.status === 'fulfilled' && answer.value.status === 201 ? 1 : 0
      const takenBack = revoked.filter(({ status }) => status === 'fulfilled').length
      assert.deepEqual([registered + takenBack, countRevoked() - before], [1, takenBack])
    }
  })
})

describe('nobody invites wider than the own permissions', () => {
  const withRole = async (...roles: readonly string[]) => {
    const { id } = await addUser(t.engine, newName(), { roles })
    return { id, ...(await signInAs(t.engine, id)) }
  }
  const invited = (access: string, roles: readonly string[]) =>
    t.call('POST', 'admin/users', { token: access, body: { email: newAddress(), roles } })

  test('whoever does not administer users invites nobody', async () => {
    const { access } = await withRole('user', 'moderator')
    const { status, body } = await invited(access, ['user'])
    assert.deepEqual([status, body.code], [403, 'insufficient_permission'])
  })

  test('a role that nobody declared is refused by name', async () => {
    const { status, body } = await invited(chief.access, ['king'])
    assert.deepEqual([status, body.errors[0].path], [400, '/roles'])
  })

  test('an old sign-in is asked to confirm', async () => {
    t.clock.advance(11 * minute)
    const { status, body } = await invited(chief.access, ['user'])
    assert.equal(status, 401, JSON.stringify(body))
    chief = await chiefAnew()
  })

  test('one whose session ended while the request waited invites nobody, and takes nothing back', async () => {
    const { id } = await inviteAs(t, chief, newAddress())
    const { userId, sessionId } = await signInAs(t.engine, (await withRole('admin')).id)
    await logOut(t.engine, { userId, sessionId, origin })
    const caller = { userId, sessionId }
    const ended = { code: 'session_ended' }
    await assert.rejects(invite(t.engine, { email: newAddress(), roles: ['user'] }, origin, caller), ended)
    await assert.rejects(revokeInvitation(t.engine, { id, origin, caller }), ended)
  })

  test('one who was demoted while the request waited invites nobody, and takes nothing back', async () => {
    const { id } = await inviteAs(t, chief, newAddress())
    const { userId, sessionId } = await signInAs(t.engine, (await withRole('admin')).id)
    await changeRoles(t.engine, { userId, roles: ['moderator'], origin })
    const caller = { userId, sessionId }
    const refused = { code: 'insufficient_permission' }
    await assert.rejects(invite(t.engine, { email: newAddress(), roles: ['user'] }, origin, caller), refused)
    await assert.rejects(revokeInvitation(t.engine, { id, origin, caller }), refused)
  })

  test('of one who is disabled at the same moment no invitation is left', async () => {
    const gone = await withRole('admin')
    const [, answer] = await Promise.all([
      disableUser(t.engine, { userId: gone.id, origin }),
      invited(gone.access, ['user']),
    ])
    if (answer.status === 201) {
      const { body } = await t.call('GET', 'admin/invitations?per_page=100', { token: chief.access })
      const ids = body.invitations.map(({ id }: { id: string }) => id)
      assert.ok(!ids.includes(answer.body.id), 'it ended with its inviter')
    } else assert.equal(answer.status, 401)
  })
})

describe('an invitation is worth nothing', () => {
  const inviteAsNew = async (roles: readonly string[]) => {
    const { id } = await addUser(t.engine, newName(), { roles: ['admin'] })
    const { access, sessionId } = await signInAs(t.engine, id)
    const invitation = await inviteAs(t, { access }, newAddress(), roles)
    return { inviter: id, sessionId, token: invitation.token }
  }
  const applied = (event: 'password changed' | 'all others ended', userId: string, sessionId: string) => {
    const subject = { userId, sessionId, amr: ['pwd'], secretId: t.engine.secrets.newestId, origin }
    return inTransaction(t.engine.db, work => applyConsequences(t.engine, work, event, subject))
  }

  const events: Readonly<Record<string, (inviter: string, sessionId: string) => Promise<unknown>>> = {
    'inviter demoted before it is used': userId => changeRoles(t.engine, { userId, roles: ['user'], origin }),
    'inviter disabled before it is used': userId => disableUser(t.engine, { userId, origin }),
    'inviter disabled and enabled again': async userId => {
      await disableUser(t.engine, { userId, origin })
      await enableUser(t.engine, { userId, origin })
    },
    'inviter deleted before it is used': userId => deleteUser(t.engine, { userId, origin }),
    'a thief invited, and the owner changed the password': (userId, sessionId) =>
      applied('password changed', userId, sessionId),
    'a thief invited, and the owner ended all other sessions': (userId, sessionId) =>
      applied('all others ended', userId, sessionId),
  }
  for (const [which, happen] of Object.entries(events))
    test(which, async () => {
      const { inviter, sessionId, token } = await inviteAsNew(['moderator'])
      await happen(inviter, sessionId)
      assertInvalid(await register(token))
      assertInvalid(await register(token))
    })

  test('inviter demoted and promoted again, once it was tried in between', async () => {
    const { inviter, token } = await inviteAsNew(['moderator'])
    await changeRoles(t.engine, { userId: inviter, roles: ['user'], origin })
    const refusals = countRefused()
    assertInvalid(await register(token))
    const event = second.row(`select * from audit_events where event = 'link.refused' order by id desc`)
    assert.deepEqual([countRefused(), event?.user_id], [refusals + 1, inviter])
    await changeRoles(t.engine, { userId: inviter, roles: ['admin'], origin })
    assertInvalid(await register(token))
  })

  test('where its inviter lost the permission at the same moment: one of both came first', async () => {
    for (let round = 0; round < 10; round++) {
      const { inviter, token } = await inviteAsNew(['admin'])
      const [answer] = await Promise.all([
        register(token),
        changeRoles(t.engine, { userId: inviter, roles: ['user'], origin }),
      ])
      if (answer.status === 201) assert.deepEqual(answer.body.roles, ['admin'])
      else assertInvalid(answer)
      const came = second
        .rows(
          `select event from audit_events where user_id in ('${inviter}', '${answer.body.id}') order by id`,
        )
        .map(({ event }) => event)
        .filter(event => event === 'user.registered' || event === 'user.roles-changed')
      const order = answer.status === 201 ? ['user.registered', 'user.roles-changed'] : ['user.roles-changed']
      assert.deepEqual(came, order)
    }
  })
})

describe('who is invited', () => {
  test('is told to nobody: the answer is the same for an address of somebody', async () => {
    const email = newAddress()
    await register(await inviteTo(t, email))
    const ask = (address: string) =>
      t.call('POST', 'admin/users', { token: chief.access, body: { email: address } })
    const [taken, free] = [await ask(email), await ask(newAddress())]
    const shapeOf = ({ status, body }: Answer) => ({ status, body: { ...body, id: '', email: '' } })
    assert.deepEqual(shapeOf(taken), shapeOf(free))
  })

  test('gets five invitations a day at most, and an administrator sends sixty an hour', async () => {
    const app = await startTestApp({ limitsScale: 1 })
    const { id } = await addUser(app.engine, 'inviter', { roles: ['admin'] })
    const { access } = await signInAs(app.engine, id)
    const ask = (email: string) => app.call('POST', 'admin/users', { token: access, body: { email } })
    for (let n = 0; n < 5; n++) assert.equal((await ask('often@example.org')).status, 201)
    assert.equal((await ask('OFTEN@example.org')).status, 429)
    for (let n = 0; n < 54; n++) assert.equal((await ask(newAddress())).status, 201)
    assert.equal((await ask(newAddress())).status, 429)
    await app.close()
  })
})

describe('an invitation that would be of no use is refused at once', () => {
  for (const [why, settings, detail] of [
    ['without mail', { mail: 'off' }, /MAIL=off/],
    ['where registration is closed', { registration: 'closed' }, /REGISTRATION=closed/],
  ] as const)
    test(why, async () => {
      const app = await startTestApp(settings)
      const admin = await signUp(app, 'useless', ['admin'])
      const body = { email: newAddress() }
      const answer = await app.call('POST', 'admin/users', { token: admin.access, body })
      assert.deepEqual([answer.status, answer.body.code], [409, 'conflict'])
      assert.match(answer.body.detail, detail)
      await app.close()
    })
})
