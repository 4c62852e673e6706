import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { minute } from 'gatewright/clock'
import { type Caller, password, signUp, startTestApp, type TestApp } from '../harness.ts'

let t: TestApp
let user: Caller
before(async () => {
  t = await startTestApp({ limitsScale: 1 })
  user = await signUp(t, 'carol')
})
after(() => t.close())

for (const page of ['Infinity', '-Infinity', '1e999', '9'.repeat(400), 'NaN', '1.5', '0', '-1'])
  test(`a page number that is none is refused and never reaches the database: ${page.slice(0, 12)}`, async () => {
    const answer = await t.call('GET', `posts?page=${page}`)
    assert.equal(answer.status, 400, answer.text)
    assert.equal(answer.body.errors[0].path, '/page')
  })

test('a body of thousands of unknown fields is refused before it is held to a schema', async () => {
  const body = Object.fromEntries(Array.from({ length: 5_001 }, (_, n) => [`field${n}`, n]))
  const answer = await t.call('POST', 'posts', { token: user.access, body })
  assert.equal(answer.body.code, 'malformed_json')
  assert.ok(answer.text.length < 1_000)
})

test('a body of many mistakes gets a short list of them', async () => {
  const body = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`field${n}`, n]))
  const answer = await t.call('POST', 'posts', { token: user.access, body })
  assert.equal(answer.body.code, 'validation_failed')
  assert.equal(answer.body.errors.length, 20)
})

test('spraying one password over many names from one address is stopped before a hash', async () => {
  const address = '198.51.100.7'
  const sprayed = await Promise.all(
    Array.from({ length: 60 }, (_, n) =>
      t.call('POST', 'login', { address, body: { username: `victim${n}`, password } }),
    ),
  )
  const hashes = t.engine.hasher.count()
  assert.equal(sprayed.filter(({ status }) => status === 401).length, 15)
  assert.equal(sprayed.filter(({ status }) => status === 429).length, 45)
  await t.call('POST', 'login', { address, body: { username: 'victim99', password } })
  assert.equal(t.engine.hasher.count(), hashes)
  const elsewhere = await t.call('POST', 'login', {
    address: '203.0.113.9',
    body: { username: 'carol', password },
  })
  assert.equal(elsewhere.status, 200)
  t.clock.advance(minute)
})

test('asking for things that are not there counts like asking for those that are', async () => {
  const statuses: number[] = []
  for (let n = 0; n < 130; n += 1) {
    const { status } = await t.call('DELETE', `posts/${'a'.repeat(22)}`, { token: user.access })
    statuses.push(status)
  }
  assert.equal(statuses.filter(status => status === 404).length, 120)
  assert.equal(statuses.at(-1), 429)
})
