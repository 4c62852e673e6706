import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { selectEvents } from '../../packages/gatewright/src/audit/read-events.ts'
import { limits } from '../../packages/gatewright/src/limits/table.ts'
import { password, startTestApp, type TestApp } from '../harness.ts'
import { freshName, makeOwner, sessionIdOf } from '../senders.ts'

let t: TestApp
before(async () => {
  t = await startTestApp({ limitsScale: 1 })
})
after(() => t.close())

const publicUrl = 'http://localhost:3000'

const hosts: readonly Readonly<Record<string, string>>[] = [
  { host: 'evil.example' },
  { host: 'evil.example:443' },
  { host: 'localhost.evil.example:3000' },
  { host: 'evil.example', 'x-forwarded-host': 'evil.example' },
  { 'x-forwarded-host': 'evil.example' },
  { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https', 'x-forwarded-port': '443' },
  { forwarded: 'for=192.0.2.1;host=evil.example;proto=https' },
  { 'x-original-host': 'evil.example', 'x-host': 'evil.example', 'x-forwarded-server': 'evil.example' },
  { 'x-forwarded-proto': 'https', 'x-url-scheme': 'https', 'front-end-https': 'on' },
  { 'x-forwarded-prefix': '/evil', 'x-script-name': '/evil' },
]

const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())

for (const headers of hosts)
  test(`host spoofing: ${JSON.stringify(headers)} is in no link, no issuer and no header`, async () => {
    const { username, access } = await makeOwner(t)
    const refused = await t.call('GET', 'me', { headers })
    assert.equal(refused.body.type, `${publicUrl}/docs/errors#invalid_token`)
    const login = await t.call('POST', 'login', { headers, body: { username, password } })
    const { iss, aud } = claimsOf(login.body.access_token)
    assert.deepEqual({ iss, aud }, { iss: publicUrl, aud: publicUrl })
    const post = { title: 'a', content: 'b' }
    const made = await t.call('POST', 'posts', { token: access, headers, body: post })
    assert.equal(made.headers.location, `/api/v1/posts/${made.body.id}`)
    const missing = await t.call('GET', '/nowhere', { headers })
    const page = await t.call('GET', '/console/setup', { headers })
    for (const answer of [refused, login, made, missing, page]) {
      assert.doesNotMatch(JSON.stringify(answer.headers) + answer.text, /evil\.example|\/evil/)
      assert.equal(answer.headers['strict-transport-security'], undefined, 'this is not https')
    }
  })

const addressHeaders = [
  'x-forwarded-for',
  'forwarded',
  'x-real-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-originating-ip',
  'x-remote-ip',
  'x-remote-addr',
  'true-client-ip',
  'cf-connecting-ip',
  'fastly-client-ip',
  'client-ip',
  'via',
]

/** Every header that names an address, all of them naming this one. */
const claim = (address: string): Readonly<Record<string, string>> =>
  Object.fromEntries(addressHeaders.map(name => [name, name === 'forwarded' ? `for="${address}"` : address]))

test('address spoofing: without a trusted proxy the address in the audit log and on the session is the real one', async () => {
  const { username, id } = await makeOwner(t)
  const call = { headers: claim('6.6.6.6'), address: '192.0.2.7' }
  const login = await t.call('POST', 'login', { ...call, body: { username, password } })
  await t.call('POST', 'login', { ...call, body: { username, password: 'a wrong password' } })
  const events = await selectEvents(t.engine.db).orderBy('audit_events.id').execute()
  const own = events.filter(event => event.user_id === id)
  for (const name of ['session.started', 'sign-in.failed'])
    assert.equal(own.findLast(({ event }) => event === name)?.address, '192.0.2.7', name)
  assert.ok(!own.some(({ address }) => address === '6.6.6.6'))
  const { sessions } = (await t.call('GET', 'sessions', { token: login.body.access_token })).body
  const current = sessions.find(
    (session: { id: string }) => session.id === sessionIdOf(login.body.access_token),
  )
  assert.equal(current.address, '192.0.2.7')
  assert.equal(
    t.logLines.some(line => line.includes('6.6.6.6')),
    false,
  )
})

test('address spoofing: a new address in every request moves nobody to a fresh limit', async () => {
  const [{ count }] = limits.read
  const statuses: number[] = []
  for (let index = 0; index <= count; index++) {
    const headers = claim(`198.51.100.${index % 256}`)
    statuses.push((await t.call('GET', 'posts', { headers, address: '192.0.2.8' })).status)
  }
  assert.deepEqual(new Set(statuses.slice(0, count)), new Set([200]))
  assert.equal(statuses.at(-1), 429)
})

test('address spoofing: guessing one password from many claimed addresses is limited as from one', async () => {
  const [{ count }] = limits['sign-in']
  const username = freshName()
  const answers: string[] = []
  for (let index = 0; index <= count; index++) {
    const options = { headers: claim(`203.0.113.${index}`), address: '192.0.2.9' }
    const { body } = await t.call('POST', 'login', { ...options, body: { username, password: 'a guess' } })
    answers.push(body.code)
  }
  assert.deepEqual(answers, [...Array(count).fill('invalid_credentials'), 'rate_limited'])
})

test('address spoofing: nobody is limited for what others claimed in that address', async () => {
  const answer = await t.call('GET', 'posts', { address: '198.51.100.1' })
  assert.equal(answer.status, 200)
})

test('CORS: an origin that is not listed gets no header, however it looks', async () => {
  for (const origin of [
    'https://evil.example',
    'null',
    publicUrl,
    'http://localhost:3000.evil.example',
    '*',
    '',
  ])
    for (const method of ['GET', 'OPTIONS']) {
      const headers = { origin, 'access-control-request-method': 'DELETE' }
      const answer = await t.call(method, 'posts', { headers, address: '192.0.2.10' })
      for (const name of Object.keys(answer.headers)) assert.doesNotMatch(name, /^access-control-/, origin)
    }
})
