import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { password, signUp, startTestApp, type TestApp } from '../harness.ts'

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

test('a password does not grow old: it signs in after two years, and nothing asks for another', async () => {
  await signUp(t, 'alice')
  t.clock.advance(2 * 365 * 24 * 3_600_000)
  const { status, body } = await t.call('POST', 'login', { body: { username: 'alice', password } })
  assert.equal(status, 200)
  assert.equal((await t.call('GET', 'me', { token: body.access_token })).status, 200)
})

test('a start and a sign-in measure no password and load no dictionary', async () => {
  await signUp(t, 'ann')
  assert.equal(t.engine.strength.isLoaded(), false)
})

const characters: Readonly<Record<string, string>> = {
  'small letters only': 'qwmzpoxnvbdytr',
  'digits only': '93175028640195',
  'inner spaces': 'a b  c   d    e',
  'quotes and brackets': `"]'<;{)&}[(\\>/|`,
  pictures: '🦊🌊🍋🚲🎻🪁🧭🛶🥁🗿🧊🪐🦉🌵🍂',
  'Han characters': '雲深不知處松下問童子言師採藥去',
}

for (const [what, text] of Object.entries(characters))
  test(`no rule of composition: a password of ${what} is taken, and signs in`, async () => {
    const username = `user-${Object.keys(characters).indexOf(what)}`
    const body = { username, password: text.padEnd(15, 'x') }
    assert.equal((await t.call('POST', 'register', { body })).status, 201)
    assert.equal((await t.call('POST', 'login', { body })).status, 200)
  })
