import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { disableUser } from 'gatewright/administration'
import { day, hour, minute, second } from 'gatewright/clock'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { fingerprintOf } from '../../packages/gatewright/src/unusual/fingerprint.ts'
import { parsePassword } from '../../packages/gatewright/src/users/password.ts'
import { deviceCookie } from '../attacks/played-attacks.ts'
import { password, startTestApp, type TestApp } from '../harness.ts'
import { giveLink } from '../mail/given-link.ts'
import { keepHashesCheap } from '../models/cheap-passwords.ts'
import { type CountedApp, startCountedApp } from '../sessions/counted-app.ts'
import { addPeople, addPerson, raisedBy, signIn, subjectsTo } from './watched.ts'

let t: TestApp
let counted: CountedApp
before(async () => {
  t = await startTestApp({ limitsScale: 1 })
  keepHashesCheap(t.engine.hasher)
  counted = await startCountedApp(t.engine)
})
after(async () => {
  await counted.close()
  await t.close()
})

const wrong = 'a wrong one, and long'
const from = (n: number) => ({ address: `198.18.${Math.floor(n / 250)}.${n % 250}` })
const marksOf = (pattern: string) =>
  t.engine.db.selectFrom('sign_in_marks').selectAll().where('pattern', '=', pattern).execute()
const forget = () => t.engine.db.deleteFrom('sign_in_marks').execute()

describe('what is kept of a wrong password', () => {
  test('is one of 256 numbers, the same for everybody on that day, and another one the day after', async () => {
    await forget()
    const [one, two, three] = await addPeople(t, 3)
    await signIn(t, one?.username ?? '', wrong, from(1))
    await signIn(t, two?.username ?? '', wrong, from(2))
    const [first, second] = await marksOf('one-password-many-users')
    assert.equal(first?.subject, second?.subject)
    assert.match(first?.subject ?? '', /^password\.\d+\.\d{1,3}$/)
    for (const { mark } of [first, second].flatMap(each => each ?? [])) assert.match(mark, /^\d{1,3}$/)
    t.clock.advance(day)
    await signIn(t, three?.username ?? '', wrong, from(3))
    const subjects = (await marksOf('one-password-many-users')).map(({ subject }) => subject)
    assert.equal(new Set(subjects.map(subject => subject.split('.')[1])).size, 2)
    const tried = Array.from({ length: 20 }, (_, n) => parsePassword(`${wrong} ${n}`))
    const numbers = () => tried.map(each => fingerprintOf(t.engine, each))
    const today = numbers()
    t.clock.advance(day)
    assert.ok(numbers().filter((number, n) => number === today[n]).length < 10)
  })

  test('is nothing where it may be right: it was not looked at, or opens a disabled user', async () => {
    await forget()
    const held = await addPerson(t)
    for (let n = 0; n < 10; n++) await signIn(t, held.username, wrong, from(n))
    const before = await marksOf('one-password-many-users')
    await signIn(t, held.username, password, from(20))
    assert.deepEqual(await marksOf('one-password-many-users'), before, 'held')
    await forget()
    const disabled = await addPerson(t)
    await disableUser(t.engine, { userId: disabled.id, origin })
    for (let n = 0; n < 6; n++) await signIn(t, disabled.username, password, from(30 + n))
    const subjects = (await marksOf('one-password-many-users')).map(({ subject }) => subject)
    assert.ok(new Set(subjects).size > 1, 'any of them')
  })

  test('leaves no password, no name and no address in the table', async () => {
    await forget()
    await signIn(t, 'a-name-as-it-was-typed', wrong, { address: '203.0.113.77' })
    const rows = JSON.stringify(await t.engine.db.selectFrom('sign_in_marks').selectAll().execute())
    for (const secret of [wrong, 'a-name-as-it-was-typed', '203.0.113'])
      assert.ok(!rows.includes(secret), secret)
  })

  test('of one in a known browser is nothing at all', async () => {
    const person = await addPerson(t)
    const cookie = deviceCookie(await signIn(t, person.username, password, from(40)))
    await forget()
    await signIn(t, person.username, wrong, { ...from(40), cookie })
    assert.deepEqual(await t.engine.db.selectFrom('sign_in_marks').selectAll().execute(), [])
  })
})

test('a user who is deleted leaves nothing in either table', async () => {
  const { id, username } = await addPerson(t, { roles: ['admin'] })
  const { body } = await t.call('POST', 'login', { body: { username, password } })
  await signIn(t, username, wrong, from(41))
  await signIn(t, username, password, from(42))
  const count = async () => {
    const rows = (table: 'sign_in_marks' | 'unusual') =>
      t.engine.db.selectFrom(table).select('pattern').where('subject', '=', id).execute()
    return [(await rows('sign_in_marks')).length, (await rows('unusual')).length]
  }
  assert.deepEqual(await count(), [3, 2])
  await addPerson(t, { roles: ['admin'] })
  assert.equal((await t.call('DELETE', 'me', { token: body.access_token })).status, 204)
  assert.deepEqual(await count(), [0, 0])
})

test('username enumeration: a wrong password is the same statements, whoever has the name', async () => {
  const person = await addPerson(t)
  const ask = (username: string) =>
    counted.ask('POST', 'login', {}, { username, password: wrong }).then(({ queries }) => queries)
  // What is known for a while is asked first.
  await ask('nobody-first')
  const [ofSomebody, ofNobody] = [await ask(person.username), await ask('nobody-at-all')]
  assert.deepEqual(ofSomebody, ofNobody)
  assert.equal(ofNobody.filter(sql => sql.includes('sign_in_marks')).length, 2)
})

describe('what is no attack', () => {
  test('who gets in at an address after a slip is no failure there', async () => {
    t.clock.advance(2 * day)
    const class_ = async () => {
      for (const { username } of await addPeople(t, 16)) {
        t.clock.advance(4 * minute)
        await signIn(t, username, `${wrong} ${username}`, from(50))
        await signIn(t, username, password, from(50))
      }
    }
    assert.deepEqual(await raisedBy(t, class_), {})
  })

  test('one user who fails again and again at one address is not many', async () => {
    t.clock.advance(2 * day)
    const { username } = await addPerson(t)
    const insist = async () => {
      for (let n = 0; n < 14; n++) {
        t.clock.advance(minute)
        await signIn(t, username, wrong, from(130))
      }
    }
    assert.deepEqual(await raisedBy(t, insist), {})
  })

  test('an administrator who comes back to a network within 90 days of the last time', async () => {
    const { username } = await addPerson(t, { roles: ['admin'] })
    const at = (address: string) => signIn(t, username, password, { address })
    await at('192.0.2.1')
    t.clock.advance(80 * day)
    await at('192.0.2.1')
    await at('203.0.113.1')
    t.clock.advance(80 * day)
    assert.deepEqual(await raisedBy(t, () => at('192.0.2.1')), {})
    t.clock.advance(11 * day)
    await at('192.0.2.1')
    const back = await raisedBy(t, () => at('203.0.113.1'))
    assert.deepEqual(back, { 'administrator-from-new-network': 1 })
  })

  test('a new password by mail ends what was guessed at the former one', async () => {
    t.clock.advance(2 * day)
    const person = await addPerson(t)
    const cookie = deviceCookie(await signIn(t, person.username, password, from(60)))
    for (let n = 0; n < 9; n++) await signIn(t, person.username, wrong, from(70 + n))
    const token = await giveLink(t.engine, 'reset-password', person.id, { email: person.email })
    const chosen = 'another one, and longer'
    assert.equal(
      (await t.call('POST', 'password/reset', { body: { token, new_password: chosen } })).status,
      204,
    )
    const back = () => signIn(t, person.username, chosen, { ...from(60), cookie })
    assert.deepEqual(await raisedBy(t, back), {})
  })

  test('failures of two days ago are none of today', async () => {
    t.clock.advance(2 * day)
    const person = await addPerson(t)
    const guess = async () => {
      for (let n = 0; n < 9; n++) await signIn(t, person.username, wrong, from(90 + n))
    }
    const slow = async () => {
      for (let n = 0; n < 3; n++) {
        await guess()
        t.clock.advance(day + hour)
      }
    }
    assert.deepEqual(await raisedBy(t, slow), {})
  })

  test('many passwords of many people are not one, however many fall together by chance', async () => {
    t.clock.advance(day)
    await forget()
    const row = { pattern: 'one-password-many-users', count: 1, forgotten_at: t.clock.now() + hour }
    const dayNumber = Math.floor(t.clock.now() / day)
    const rows = Array.from({ length: 256 * 20 }, (_, n) => ({
      ...row,
      subject: `password.${dayNumber}.${n % 256}`,
      mark: `x${Math.floor(n / 256)}`,
    }))
    for (let at = 0; at < rows.length; at += 512)
      await t.engine.db
        .insertInto('sign_in_marks')
        .values(rows.slice(at, at + 512))
        .execute()
    assert.deepEqual(await raisedBy(t, () => signIn(t, 'nobody', wrong, from(120))), {})
  })
})

describe('a clock that was ahead, and was set right', () => {
  const ahead = () => t.clock.now() + 300 * day
  const attack = (names: readonly string[], n: number) => async () => {
    for (const name of names) await signIn(t, name, wrong, from(n))
  }
  const digests = async () => {
    const rows = await t.engine.db
      .selectFrom('mails')
      .select('due_at')
      .where('kind', '=', 'unusual-digest')
      .where('created_at', '=', t.clock.now())
      .execute()
    return rows.map(({ due_at }) => Number(due_at) - t.clock.now())
  }

  test('blinding the alarm: what was raised then is raised again now, and administrators are told at once', async () => {
    t.clock.advance(2 * day)
    const names = Array.from({ length: 13 }, (_, n) => `blind-${n}`)
    assert.deepEqual(await raisedBy(t, attack(names, 140)), { 'many-users-one-address': 1 })
    await t.engine.db.updateTable('unusual').set({ raised_at: ahead() }).execute()
    assert.deepEqual(await raisedBy(t, attack(names.slice(0, 1), 140)), { 'many-users-one-address': 1 })
    assert.deepEqual(await digests(), [0, 0])
    assert.deepEqual(await raisedBy(t, attack(names.slice(0, 1), 140)), {})
  })

  test('unheard alarm: a digest of a process whose clock is a second ahead is out by now, and tells nothing of this', async () => {
    t.clock.advance(2 * day)
    const names = Array.from({ length: 13 }, (_, n) => `unheard-${n}`)
    await t.engine.db.deleteFrom('mails').where('kind', '=', 'unusual-digest').execute()
    const sent = { raised_at: t.clock.now() + second, former_at: null }
    await t.engine.db.updateTable('unusual').set(sent).where('pattern', '=', 'digest').execute()
    assert.deepEqual(await raisedBy(t, attack(names, 145)), { 'many-users-one-address': 1 })
    assert.deepEqual(await digests(), [second + 5 * hour])
    const administrator = await addPerson(t, { roles: ['admin'] })
    t.clock.advance(6 * hour)
    assert.equal((await subjectsTo(t, administrator)).length, 1)
  })

  test('false alarm: failures noted then are none of today', async () => {
    t.clock.advance(2 * day)
    const { id, username } = await addPerson(t)
    const row = { subject: id, pattern: 'many-failures', mark: 'then', count: 30, forgotten_at: ahead() }
    await t.engine.db.insertInto('sign_in_marks').values(row).execute()
    assert.deepEqual(await raisedBy(t, attack([username], 150)), {})
  })
})
