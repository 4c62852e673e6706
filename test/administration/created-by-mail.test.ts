import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { day } from 'gatewright/clock'
import { createRole } from '../../packages/gatewright/src/administration/change-role.ts'
import { createUserByMail } from '../../packages/gatewright/src/administration/create-by-mail.ts'
import { deleteUser } from '../../packages/gatewright/src/administration/delete-user.ts'
import { changeRoles, disableUser } from '../../packages/gatewright/src/administration/users.ts'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { type Answer, type Caller, password, signUp, startTestApp, type TestApp } from '../harness.ts'
import { giveAddress } from '../mail/given-link.ts'
import { givePasskey } from '../passkeys/registered.ts'
import { freshName } from '../senders.ts'
import { addUser, signInAs } from '../sessions/signed-in.ts'

let t: TestApp
let chief: Caller
before(async () => {
  t = await startTestApp()
  chief = await signUp(t, 'chief', ['admin'])
})
after(() => t.close())

const own = 'a password of their own choice'
const codeOf = ({ status, body }: Answer) => `${status} ${body?.code ?? ''}`.trim()
const create = (body: object, { access } = chief): Promise<Answer> =>
  t.call('POST', 'admin/users', { token: access, body })
const linkTo = async (email: string) => (await t.deliverMail()).findLast(({ to }) => to === email)?.link
const choose = (token = '', new_password = own) =>
  t.call('POST', 'password/reset', { body: { token, new_password } })
const logIn = (username: string, shown = own) =>
  t.call('POST', 'login', { body: { username, password: shown } })

type Made = { readonly id: string; readonly username: string; readonly email: string; readonly token: string }

const made = async (body: object = {}): Promise<Made> => {
  const username = freshName()
  const answer = await create({ username, email: `${username}@example.org`, ...body })
  assert.equal(answer.status, 201, answer.text)
  const { id, email } = answer.body
  return { id, username, email, token: (await linkTo(email))?.token ?? assert.fail() }
}

describe('a user who is created by an administrator', () => {
  test('has no password, chooses one by the link of the mail, and the address counts from then on', async () => {
    const [username, email] = [freshName(), `${freshName()}@example.org`]
    const answer = await create({ username, email, roles: ['moderator', 'user'], locale: 'zh-TW' })
    const { id, link_expires_at: until, state, email_verified, roles } = answer.body
    assert.deepEqual(
      [answer.status, state, email_verified, roles],
      [201, 'enabled', false, ['moderator', 'user']],
    )
    assert.equal(Date.parse(until), t.clock.now() + 7 * day)
    const shown = await t.call('GET', `admin/users/${id}`, { token: chief.access })
    assert.deepEqual([shown.body.has_password, shown.body.username], [false, username])
    const link = await linkTo(email)
    assert.equal(link?.path, '/console/reset')
    assert.equal((await choose(link?.token)).status, 204)
    const { status, body } = await logIn(email)
    assert.equal(status, 200)
    const me = await t.call('GET', 'me', { token: body.access_token })
    assert.deepEqual(
      [me.body.email_verified, me.body.roles, me.body.locale, me.body.review_due],
      [true, ['moderator', 'user'], 'zh-TW', false],
    )
  })

  test('is sent one mail, and its secret is in no answer, list, log or event', async () => {
    const count = (await t.deliverMail()).length
    const username = freshName()
    const email = `${username}@example.org`
    const answer = await create({ username, email })
    const mails = (await t.deliverMail()).slice(count)
    assert.deepEqual(
      mails.map(({ to }) => to),
      [email],
    )
    const token = mails[0]?.link?.token ?? assert.fail()
    const events = JSON.stringify(await t.engine.db.selectFrom('audit_events').selectAll().execute())
    for (const text of [answer.text, events, t.logLines.join('')]) assert.ok(!text.includes(token))
  })

  test('is told as any other of a password that is not good, and the link stays', async () => {
    const { token } = await made()
    assert.equal(codeOf(await choose(token, 'short')), '400 password_too_short')
    assert.equal(codeOf(await choose(token, 'password password')), '400 password_blocklisted')
    assert.equal((await choose(token)).status, 204)
  })

  test('with an address that somebody has verified gets in, and the address stays with its owner', async () => {
    const email = `${freshName()}@example.org`
    const first = await addUser(t.engine, freshName())
    await giveAddress(t.engine, first.id, email)
    const { username, token } = await made({ email })
    assert.equal((await choose(token)).status, 204)
    const { body } = await logIn(username)
    assert.equal((await t.call('GET', 'me', { token: body.access_token })).body.email_verified, false)
  })

  test('whose link is over is sent another one, and the former opens nothing', async () => {
    const { id, username, email, token } = await made()
    const path = `admin/users/${id}/reset-password`
    assert.equal((await t.call('POST', path, { token: chief.access })).status, 204)
    assert.equal(codeOf(await choose(token)), '400 invalid_link')
    assert.equal((await choose((await linkTo(email))?.token)).status, 204)
    assert.equal((await logIn(username)).status, 200)
  })
})

describe('nobody comes in by such a user', () => {
  test('before the link was followed: no password, no passkey, no forgotten password', async () => {
    const { username, email, id } = await made()
    for (const shown of ['', password, own, 'null'])
      assert.notEqual((await logIn(username, shown || ' ')).status, 200)
    await t.call('POST', 'password/forgot', { body: { email } })
    const mails = (await t.deliverMail()).filter(({ to }) => to === email)
    assert.equal(mails.length, 1)
    const { body } = await t.call('GET', `admin/users/${id}`, { token: chief.access })
    assert.equal(body.last_sign_in_at, null)
  })

  const overs: Readonly<Record<string, (user: Made) => Promise<unknown>>> = {
    'that was used': ({ token }) => choose(token),
    'of a user who was disabled': ({ id }) => disableUser(t.engine, { userId: id, origin }),
    'of a user who was deleted': ({ id }) => deleteUser(t.engine, { userId: id, origin }),
    'of a user who has a password by now': ({ id }) =>
      t.engine.db.updateTable('users').set({ password_hash: 'one' }).where('id', '=', id).execute(),
    'to an address that is no longer the one': ({ id }) => giveAddress(t.engine, id, 'other@example.org'),
    'older than seven days': async () => t.clock.advance(7 * day),
  }
  for (const [which, happen] of Object.entries(overs))
    test(`with a link ${which}`, async () => {
      const user = await made()
      await happen(user)
      assert.equal(codeOf(await choose(user.token, 'another password, long enough')), '400 invalid_link')
      chief = { ...chief, access: (await signInAs(t.engine, chief.id)).access }
    })

  test('with one link used by ten at once: one sets the password', async () => {
    const { token, username } = await made()
    const words = Array.from({ length: 10 }, (_, n) => `${own}, number ${n}`)
    const answers = await Promise.all(words.map(word => choose(token, word)))
    const taken = words.filter((_, n) => answers[n]?.status === 204)
    assert.equal(taken.length, 1)
    assert.equal((await logIn(username, taken[0])).status, 200)
  })

  test('twice by one address: of two whose links are used at once one has it verified, and both have a password', async () => {
    const email = `${freshName()}@example.org`
    const two = [await made({ email }), await made({ email })]
    const answers = await Promise.all(two.map(({ token }) => choose(token)))
    assert.deepEqual(
      answers.map(({ status }) => status),
      [204, 204],
    )
    const rows = await t.engine.db.selectFrom('users').selectAll().where('email', '=', email).execute()
    assert.equal(rows.filter(row => row.email_verified_at !== null).length, 1)
    for (const { username } of two) assert.equal((await logIn(username)).status, 200)
  })

  test('with the link at another door', async () => {
    const { token } = await made()
    for (const [path, body] of [
      ['email/verify', { token }],
      ['email/undo', { token }],
      ['email/not-me', { token }],
      ['sign-in/prove', { token }],
      ['register', { invitation: token, username: freshName(), password }],
    ] as const)
      assert.equal(codeOf(await t.call('POST', path, { body })), '400 invalid_link', path)
    assert.equal((await choose(token)).status, 204)
  })

  test('who has a passkey, and so once came in: no link goes to an address that nobody has verified', async () => {
    const { id, email } = await made()
    await givePasskey(t.engine, id)
    const before = (await t.deliverMail()).length
    await t.call('POST', `admin/users/${id}/reset-password`, { token: chief.access })
    assert.deepEqual(
      (await t.deliverMail()).slice(before).filter(({ to }) => to === email),
      [],
    )
  })
})

describe('such a user is not created', () => {
  const people = () => t.engine.db.selectFrom('users').select('id').execute()
  test('with roles that allow more than the own ones, under a name that is taken, or with a password', async () => {
    const hr = { name: 'hr', description: '', permissions: ['users:write'] }
    await createRole(t.engine, hr, origin)
    const weak = await signUp(t, freshName(), ['hr'])
    const count = (await people()).length
    const body = { username: freshName(), email: `${freshName()}@example.org` }
    assert.equal(codeOf(await create({ ...body, roles: ['admin'] }, weak)), '403 insufficient_permission')
    assert.equal(codeOf(await create({ ...body, roles: ['none'] })), '400 validation_failed')
    assert.equal(codeOf(await create({ ...body, username: 'chief' })), '409 username_taken')
    assert.equal(codeOf(await create({ ...body, username: 'a@b' })), '400 validation_failed')
    assert.equal(codeOf(await create({ ...body, password: own })), '400 validation_failed')
    assert.equal(codeOf(await create({ username: body.username })), '400 validation_failed')
    assert.equal((await people()).length, count)
  })

  test('where no mail is sent', async () => {
    const mail = { ...t.engine.mail, isOn: false }
    const asked = { username: freshName(), email: 'x@example.org', roles: ['user'] }
    await assert.rejects(createUserByMail({ ...t.engine, mail }, asked, origin), { code: 'conflict' })
  })
})

test('an administrator without a password is not the one who is left', async () => {
  const { id } = await made({ roles: ['admin'] })
  const others = await t.engine.db
    .selectFrom('user_roles')
    .select('user_id')
    .where('role', '=', 'admin')
    .where('user_id', 'not in', [id, chief.id])
    .execute()
  for (const { user_id } of others) await disableUser(t.engine, { userId: user_id, origin })
  const stepDown = () => changeRoles(t.engine, { userId: chief.id, roles: ['user'], origin })
  await assert.rejects(stepDown(), { code: 'last_administrator' })
  await t.engine.db.updateTable('users').set({ password_hash: null }).where('id', '=', chief.id).execute()
  await assert.rejects(stepDown(), { code: 'last_administrator' })
  await deleteUser(t.engine, { userId: id, origin }).then(
    () => assert.fail('nobody would be left'),
    error => assert.equal(error.code, 'last_administrator'),
  )
  await givePasskey(t.engine, id)
  await stepDown()
})
