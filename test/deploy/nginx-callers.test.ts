import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { isOwnAddress } from '../attacks/own-address.ts'
import { password, signUp } from '../harness.ts'
import { until } from '../process/until.ts'
import { findNginx } from '../servers/nginx.ts'
import { type Asked, type BehindNginx, startBehindNginx } from './behind-nginx.ts'

const program = await findNginx()
const other = '127.0.0.2'
const lacksOther = !(await isOwnAddress(other))

describe('a caller behind nginx', { skip: typeof program === 'string' && program }, () => {
  let b: BehindNginx
  before(async () => {
    assert.ok(typeof program === 'object')
    b = await startBehindNginx(program)
    await signUp(b.t, 'alice')
  })
  after(() => b?.close())

  const signIn = (headers: Asked['headers'] = {}) =>
    b.ask('sessions', { method: 'POST', headers, body: JSON.stringify({ username: 'alice', password }) })

  test('signs in with a cookie for this host alone, changes something with it, signs out, and is refused', async () => {
    const origin = b.nginx.publicUrl
    const signedIn = await signIn({ origin })
    assert.equal(signedIn.status, 201, signedIn.text)
    const [, set = ''] = signedIn.lines.find(([, value]) => value.startsWith('__Host-gw_session=')) ?? []
    assert.match(set, /; Secure/)
    const [cookie = ''] = set.split(';')
    const token = String(signedIn.body?.csrf_token)
    assert.equal((await b.ask('me', { headers: { cookie } })).status, 200)
    const title = JSON.stringify({ title: 'Read me' })
    const write = (headers: Asked['headers']) =>
      b.ask('todos', { method: 'POST', body: title, headers: { cookie, ...headers } })
    assert.equal((await write({ origin, 'x-csrf-token': token })).status, 201)
    for (const wrong of [
      { origin },
      { 'x-csrf-token': token },
      { origin: 'http://api.test', 'x-csrf-token': token },
    ])
      assert.equal((await write(wrong as Asked['headers'])).body?.code, 'csrf_failed')
    assert.equal(
      (await b.ask('logout', { method: 'POST', headers: { cookie, origin, 'x-csrf-token': token } })).status,
      200,
    )
    assert.equal((await b.ask('me', { headers: { cookie } })).status, 401)
  })

  test('cross-site: a page elsewhere signs nobody in, and what it sends reaches the server as it is', async () => {
    for (const origin of ['https://evil.test', 'null', b.nginx.publicUrl.replace('https:', 'http:')])
      assert.equal((await signIn({ origin })).body?.code, 'csrf_failed', origin)
  })

  test('is known by the own address, whatever it says of itself', {
    skip: lacksOther && 'this machine has one loopback address',
  }, async () => {
    const headers = { 'x-forwarded-for': '6.6.6.6', forwarded: 'for=6.6.6.6', 'x-real-ip': '6.6.6.6' }
    const id = (await b.ask('me', { headers, from: other })).header('x-request-id') ?? ''
    const line = () => b.t.logLines.map(text => JSON.parse(text)).find(({ request_id }) => request_id === id)
    await until('the server has logged it', () => line() !== undefined)
    assert.equal(line().address, other)
  })

  test('may send a header as long as the server takes it, and hears from the server where it does not', async () => {
    const ask = (...lengths: readonly number[]) =>
      b.ask('me', {
        headers: Object.fromEntries(lengths.map((length, at) => [`x-${at}`, 'a'.repeat(length)])),
      })
    assert.equal((await ask(15_000)).status, 401)
    const refused = await ask(10_000, 10_000)
    assert.deepEqual([refused.status, refused.body?.code], [431, 'headers_too_large'])
  })

  test('may send a body as large as the server takes it', async () => {
    const { access } = await signUp(b.t, 'bob')
    const body = JSON.stringify({ title: 'Long', content: 'x'.repeat(100_000) }).padEnd(256 * 1_024)
    const answer = await b.ask('posts', {
      method: 'POST',
      body,
      headers: { authorization: `Bearer ${access}` },
    })
    assert.ok(answer.status === 201 || answer.body?.code === 'validation_failed', answer.text)
  })
})
