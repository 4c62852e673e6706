import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { auditEvents } from '../../packages/gatewright/src/audit/events.ts'
import { toNewEvent } from '../../packages/gatewright/src/audit/new-event.ts'
import { writeEvents } from '../../packages/gatewright/src/audit/write-events.ts'
import { second } from '../../packages/gatewright/src/ground/clock.ts'
import { type Answer, type Caller, password, signUp, startTestApp, type TestApp } from '../harness.ts'

let t: TestApp
let chief: Caller
let alice: Caller
before(async () => {
  t = await startTestApp()
  chief = await signUp(t, 'chief', ['admin'])
  alice = await signUp(t, 'alice')
})
after(() => t.close())

const ask = (query: Readonly<Record<string, string>>, caller = chief): Promise<Answer> =>
  t.call('GET', `admin/audit?${new URLSearchParams(query)}`, { token: caller.access })

type Event = {
  readonly id: string
  readonly at: string
  readonly event: string
  readonly address: string | null
  readonly user: { readonly id: string; readonly username: string } | null
  readonly details: Readonly<Record<string, unknown>>
}

const list = async (query: Readonly<Record<string, string>>): Promise<readonly Event[]> => {
  const { status, body, text } = await ask(query)
  assert.equal(status, 200, text)
  return body.data
}

const namesOf = async (query: Readonly<Record<string, string>>) =>
  (await list(query)).map(({ event }) => event).filter(event => !event.startsWith('unusual.'))

const origin = { actor: null, address: null, requestId: null }
const plant = (...events: readonly Omit<Parameters<typeof toNewEvent>[1], 'origin'>[]) =>
  writeEvents(
    t.engine.db,
    events.map(event => toNewEvent(auditEvents, { origin, ...event })),
  )

describe('the audit log is searched', () => {
  test('by user: what concerns one, and what that one did to others, by id or by name', async () => {
    const target = await signUp(t, 'target')
    const body = { reason: 'left in anger' }
    const answer = await t.call('POST', `admin/users/${target.id}/disable`, { token: chief.access, body })
    assert.equal(answer.status, 204, answer.text)
    for (const user of [target.id, 'target', 'TARGET']) {
      const events = await list({ user })
      assert.ok(events.every(event => event.user?.id === target.id && event.user.username === 'target'))
      assert.ok(events.some(({ event }) => event === 'session.started'))
    }
    const done = (await list({ user: 'chief' })).find(({ event }) => event === 'user.disabled')
    assert.equal(done?.user?.username, 'target')
    assert.deepEqual(done?.details, { said: 'left in anger' })
  })

  test('by event, and by the beginning of some', async () => {
    assert.deepEqual(new Set(await namesOf({ event: 'session.started' })), new Set(['session.started']))
    const names = new Set(await namesOf({ event: 'session.', limit: '100' }))
    assert.ok(names.size > 1 && [...names].every(name => name.startsWith('session.')))
    assert.deepEqual(await list({ event: 'session.refreshed', user: 'alice' }), [])
    assert.deepEqual(await list({ event: 'no.such' }), [])
    assert.deepEqual(await list({ event: 'no.such.' }), [])
  })

  test('by time: from one moment on, and not as far as the other', async () => {
    const at = Date.parse('2020-01-01T00:00:00Z')
    for (const [index, reason] of ['a', 'b', 'c'].entries())
      await plant({ at: at + index * second, event: 'sign-in.failed', reason })
    const from = '2020-01-01T00:00:00Z'
    const found = async (query: Readonly<Record<string, string>>) =>
      (await list(query)).map(each => Date.parse(each.at) - at)
    assert.deepEqual(await found({ from, until: '2020-01-01T00:00:02Z' }), [1_000, 0])
    assert.deepEqual(
      await found({ from: '2020-01-01T00:00:01Z', until: '2020-01-01T00:00:02.001Z' }),
      [2_000, 1_000],
    )
    assert.deepEqual(await found({ from, until: from }), [])
  })

  test('by address, session, request and reason, and by several together', async () => {
    const address = '192.0.2.77'
    const sign = { body: { username: 'alice', password } }
    const failed = await t.call('POST', 'login', {
      address,
      body: { username: 'alice', password: 'a wrong one' },
    })
    const login = await t.call('POST', 'login', { address, ...sign })
    const logout = await t.call('POST', 'logout', { address, token: login.body.access_token })
    const session = JSON.parse(
      Buffer.from(login.body.access_token.split('.')[1], 'base64url').toString(),
    ).sid.split('.')[0]
    assert.deepEqual(await namesOf({ address }), ['session.ended', 'session.started', 'sign-in.failed'])
    assert.deepEqual(await namesOf({ address: `::ffff:${address}` }), await namesOf({ address }))
    assert.deepEqual(await namesOf({ session }), ['session.ended', 'session.started'])
    assert.deepEqual(await namesOf({ request: failed.body.request_id }), ['sign-in.failed'])
    assert.deepEqual(await namesOf({ request: String(logout.headers['x-request-id']) }), ['session.ended'])
    assert.deepEqual(await namesOf({ reason: 'wrong_password', user: 'alice', address }), ['sign-in.failed'])
    assert.deepEqual(await namesOf({ reason: 'wrong_password', user: 'chief', address }), [])
    assert.deepEqual(await namesOf({ address: '192.0.2.7' }), [])
  })

  test('page by page, each event once and in order, also where many have one moment', async () => {
    const at = Date.parse('2021-01-01T00:00:00Z')
    await plant(
      ...Array.from({ length: 25 }, (_, index) => ({
        at: at + Math.floor(index / 10),
        event: index % 5 === 0 ? 'user.enabled' : 'user.disabled',
        userId: 'somebody',
      })),
    )
    for (const query of [
      { user: 'somebody' },
      { user: 'somebody', event: 'user.' },
      { event: 'user.', until: '2021-01-02T00:00:00Z', from: '2021-01-01T00:00:00Z' },
    ]) {
      const seen: Event[] = []
      let cursor: string | undefined
      do {
        const { body } = await ask({ ...query, limit: '10', ...(cursor && { cursor }) })
        seen.push(...body.data)
        cursor = body.next_cursor ?? undefined
      } while (cursor)
      const ids = seen.map(({ id }) => Number(id))
      assert.deepEqual(
        ids,
        [...new Set(ids)].sort((a, b) => b - a),
      )
      assert.equal(ids.length, 25)
    }
    assert.equal((await list({ user: 'somebody', event: 'user.enabled' })).length, 5)
  })
})

test('one event is shown by its id, with what is personal', async () => {
  const [newest] = await list({ user: 'alice', event: 'session.started', limit: '1' })
  const { status, body } = await t.call('GET', `admin/audit/${newest?.id}`, { token: chief.access })
  assert.deepEqual([status, body], [200, newest])
  assert.deepEqual(body.details, { amr: ['pwd'] })
  assert.equal(body.address, '192.0.2.77')
})

test('every event there is has a row, those of the application among them', async () => {
  const { body } = await t.call('GET', 'admin/audit/events', { token: chief.access })
  const names = body.events.map(({ event }: { event: string }) => event)
  for (const name of [...Object.keys(auditEvents), 'post.deleted-by-moderator'])
    assert.ok(names.includes(name))
})

describe('the own events', () => {
  const own = async (caller: Caller, query = 'limit=100') => {
    const { status, body, text } = await t.call('GET', `me/events?${query}`, { token: caller.access })
    assert.equal(status, 200, text)
    return body
  }

  test('are of the caller alone, and of what an administrator did they say neither who nor from where nor in what words', async () => {
    const bob = await signUp(t, 'bob')
    const body = { reason: 'saw the passport' }
    const from = { token: chief.access, address: '192.0.2.99' }
    await t.call('POST', `admin/users/${bob.id}/disable`, { ...from, body })
    await t.call('POST', `admin/users/${bob.id}/enable`, from)
    await t.call('POST', 'login', {
      body: { username: 'bob', password: 'a wrong one' },
      address: '192.0.2.66',
    })
    const again = await t.call('POST', 'login', { body: { username: 'bob', password } })
    const { data } = await own({ ...bob, access: again.body.access_token })
    const usual = data.filter(({ event }: { event: string }) => !event.startsWith('unusual.'))
    const told = usual.map(({ event, by, address }: Record<string, unknown>) => [event, by, address])
    assert.deepEqual(told.slice(0, 2), [
      ['session.started', 'you', '127.0.0.1'],
      ['sign-in.failed', 'unknown', '192.0.2.66'],
    ])
    const others = data.filter(({ by }: { by: string }) => by === 'administrator')
    assert.ok(others.length > 0)
    const ended = data.find(({ event }: { event: string }) => event === 'session.ended')
    assert.match(ended.text, /^Your session.* ended because an administrator disabled the user\.$/)
    assert.ok(!JSON.stringify(data).includes('chief'))
    for (const { address, details } of others) assert.deepEqual([address, details], [null, null])
    const text = JSON.stringify(data)
    for (const hidden of [chief.id, '192.0.2.99', 'saw the passport', alice.id])
      assert.ok(!text.includes(hidden), hidden)
  })

  test('come in pages, and a cursor of the audit log is none of theirs', async () => {
    const { data, next_cursor } = await own(alice, 'limit=1')
    const { data: next } = await own(alice, `limit=1&cursor=${next_cursor}`)
    assert.ok(Number(next[0].id) < Number(data[0].id))
    const { body } = await ask({ limit: '1' })
    for (const cursor of [body.next_cursor, 'x']) {
      const answer = await t.call('GET', `me/events?cursor=${cursor}`, { token: alice.access })
      assert.deepEqual([answer.status, answer.body.code], [400, 'validation_failed'])
    }
    assert.equal((await t.call('GET', 'me/events')).status, 401)
  })
})

describe('what is not answered', () => {
  const wrong: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    'a NUL in a filter': { user: 'a\0b' },
    'a line break in a filter': { reason: 'a\nb' },
    'an empty filter': { user: '' },
    'a filter too long': { session: 'x'.repeat(201) },
    'an event that can be none': { event: "x' or 1=1" },
    'a time that is none': { from: 'yesterday' },
    'a leap second': { from: '2026-11-22T23:59:60Z' },
    'a time before 1970': { until: '1969-12-31T23:59:59Z' },
    'an address that can be none': { address: "1' or 1=1" },
    'an unknown filter': { password: 'x' },
    'too many at once': { limit: '101' },
    'none at once': { limit: '0' },
    'a cursor that is none': { cursor: 'x' },
    'a cursor of another database type': {
      cursor: Buffer.from(JSON.stringify(['x', 'a\0', '1'])).toString('base64url'),
    },
  }
  for (const [name, query] of Object.entries(wrong))
    test(name, async () => {
      const { status, body } = await ask(query)
      assert.deepEqual([status, body.code], [400, 'validation_failed'])
    })

  test('a cursor of another search', async () => {
    const { body } = await ask({ limit: '1', user: 'alice' })
    for (const query of [{ user: 'chief' }, {}, { user: 'alice', event: 'session.started' }]) {
      const answer = await ask({ ...query, cursor: body.next_cursor, limit: '1' })
      assert.deepEqual([answer.status, answer.body.code], [400, 'validation_failed'])
    }
    // In whatever order it is asked.
    assert.equal((await ask({ cursor: body.next_cursor, user: 'alice', limit: '1' })).status, 200)
  })

  for (const path of ['admin/audit', 'admin/audit/events', 'admin/audit/1'])
    test(`${path} to a user without the permission`, async () => {
      const { status, body } = await t.call('GET', path, { token: alice.access })
      assert.deepEqual([status, body.code], [403, 'insufficient_permission'])
      assert.equal((await t.call('GET', path)).status, 401)
    })

  for (const id of ['0', '01', '-1', '1.5', 'x', '9'.repeat(15), '9'.repeat(16), "1'"])
    test(`an event that is not there: ${id}`, async () => {
      const { status } = await t.call('GET', `admin/audit/${encodeURIComponent(id)}`, { token: chief.access })
      assert.equal(status, 404)
    })
})
