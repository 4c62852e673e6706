import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { minute } from 'gatewright/clock'
import { password, startTestApp, type TestApp } from '../harness.ts'
import { codeOf, logIn, mailTo, newPerson, type Person } from './person.ts'

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

const subjectsTo = async ({ email }: Person): Promise<readonly string[]> =>
  (await mailTo(t, email)).map(({ subject }) => subject)
const signIn = (username: string, userAgent: string) =>
  t.call('POST', 'login', { headers: { 'user-agent': userAgent }, body: { username, password } })

describe('an owner is told', () => {
  test('of a sign-in by what was never seen there, and not of the first one, nor of the same again', async () => {
    const person = await newPerson(t)
    const told = 'A sign-in on a new device'
    await signIn(person.username, 'first/1.0')
    assert.deepEqual(await subjectsTo(person), [])
    await signIn(person.username, 'first/1.0')
    assert.deepEqual(await subjectsTo(person), [])
    await signIn(person.username, 'other/2.0')
    assert.deepEqual(await subjectsTo(person), [told])
    const [mail] = await mailTo(t, person.email)
    assert.match(mail?.text ?? '', /^Device: other$/m)
    assert.equal(mail?.link?.path, '/console/not-me')
  })

  test('of an old refresh token that was used again', async () => {
    const person = await newPerson(t)
    const { refresh: old } = await logIn(t, person)
    const refresh = (token: string) => t.call('POST', 'refresh', { body: { refresh_token: token } })
    for (let turn = 0; turn < 2; turn++) {
      t.clock.advance(minute)
      await refresh(turn === 0 ? old : ((await refresh(old)).body.refresh_token ?? old))
    }
    assert.equal(codeOf(await refresh(old)), 'session_ended')
    assert.ok((await subjectsTo(person)).includes('You were signed out on one device, to be safe'))
  })

  test('of a new password, at the verified address only', async () => {
    const person = await newPerson(t)
    const { access: token } = await logIn(t, person)
    const body = { current_password: password, new_password: 'another one, and longer' }
    assert.equal((await t.call('PUT', 'me/password', { token, body })).status, 200)
    assert.deepEqual(await subjectsTo(person), ['Your password was changed'])
  })
})

test('mail bombing: nobody is sent more than five such mails a day, and who asks is told nothing of it', async context => {
  const strict = await startTestApp({ limitsScale: 1, trustedProxies: ['127.0.0.1'] })
  context.after(() => strict.close())
  const person = await newPerson(strict)
  for (let n = 0; n < 12; n++) {
    const headers = { 'x-forwarded-for': `198.51.100.${n + 1}` }
    const answer = await strict.call('POST', 'password/forgot', {
      headers,
      body: { email: person.email.toUpperCase() },
    })
    assert.equal(answer.status, 202)
  }
  assert.equal((await mailTo(strict, person.email)).length, 5)
  const second = await strict.engine.db.selectFrom('mails').select('content').execute()
  assert.ok(
    second.every(({ content }) => content === ''),
    'what is not sent is erased as well',
  )
})

test('mail bombing: one address asks for three mails an hour', async context => {
  const strict = await startTestApp({ limitsScale: 1 })
  context.after(() => strict.close())
  const answers: (string | number)[] = []
  for (let n = 0; n < 8; n++)
    answers.push(
      codeOf(await strict.call('POST', 'password/forgot', { body: { email: `v${n}@example.org` } })),
    )
  assert.equal(answers.filter(answer => answer === 202).length, 3)
  assert.equal(answers.at(-1), 'rate_limited')
})
