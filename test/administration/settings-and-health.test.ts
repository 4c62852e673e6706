import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { newSecret, systemRandom } from 'gatewright/random'
import { describeSettings } from '../../packages/gatewright/src/ground/load-settings.ts'
import { type Answer, type Caller, signUp, startTestApp, type TestApp } from '../harness.ts'
import { freshName } from '../senders.ts'
import { addUser, signInAs } from '../sessions/signed-in.ts'

const secret = newSecret(systemRandom)
const smtpPassword = 'the-password-of-the-mail-server'
let t: TestApp
let chief: Caller
before(async () => {
  t = await startTestApp({
    gatewrightSecret: [secret],
    smtpUrl: `smtps://mailer:${smtpPassword}@mail.example.org`,
  })
  chief = await signUp(t, 'chief', ['admin'])
})
after(() => t.close())

const ask = (path: string, token = chief.access): Promise<Answer> => t.call('GET', `admin/${path}`, { token })

describe('the settings over HTTP', () => {
  test('are those that the command line prints, each with where it comes from', async () => {
    const { status, body } = await ask('settings')
    assert.equal(status, 200)
    assert.deepEqual(body.settings, describeSettings(t.engine))
    const names = body.settings.map(({ name }: { name: string }) => name)
    assert.ok(names.includes('DATABASE_URL') && names.includes('REGISTRATION'))
  })

  test('hide every secret', async () => {
    const { text } = await ask('settings')
    assert.ok(!text.includes(secret) && !text.includes(smtpPassword))
    assert.match(text, /"name":"GATEWRIGHT_SECRET","value":"hidden"/)
  })
})

describe('health over HTTP', () => {
  test('says whether this process is ready, who runs beside it, and what of mail waits', async () => {
    const { status, body } = await ask('health')
    assert.equal(status, 200)
    assert.deepEqual([body.ready, body.reasons, body.mail.given_up], [true, [], 0])
    assert.equal(body.processes.length, 1)
    assert.equal(body.processes[0].kind, 'server')
    assert.ok(Array.isArray(body.housekeeping))
  })

  test('names no secret, and no address of a person', async () => {
    const { text } = await ask('health')
    for (const word of ['secret', 'machine', '@', secret]) assert.ok(!text.includes(word), word)
  })
})

test('nobody sees either without the permission, whatever else the caller may do', async () => {
  for (const path of ['settings', 'health']) {
    assert.equal((await t.call('GET', `admin/${path}`)).body.code, 'invalid_token')
    for (const roles of [['user'], ['moderator'], []]) {
      const { id } = await addUser(t.engine, freshName(), { roles })
      const { access } = await signInAs(t.engine, id)
      assert.equal((await ask(path, access)).body.code, 'insufficient_permission')
    }
  }
})
