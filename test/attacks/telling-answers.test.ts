import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Answer, password, type TestApp } from '../harness.ts'
import { startMatrixApp } from '../issuers/matrix-issuer.ts'
import { matrix, parseMatrix, type Row, requests } from '../route-matrix.ts'
import { type Cast, freshName, makeCast, type SenderName, senderNames, things } from '../senders.ts'

let t: TestApp
let cast: Cast
before(async () => {
  t = await startMatrixApp()
  cast = await makeCast(t)
  // What a process has not seen to be good is counted by another limit as well, which its answer names.
  for (const { headers } of Object.values(cast.senders)) await t.call('GET', 'protected', { headers })
})
after(() => t.close())

/** Differs from request to request, and tells nothing of what was asked for. */
const changing = ['x-request-id', 'date', 'ratelimit']

/** All that an answer tells: its status, every header, and its body as it stood, but for the request's id. */
const toldBy = ({ status, headers, text, body }: Answer): string => {
  const told = Object.entries(headers).filter(([name]) => !changing.includes(name))
  const id = String(body?.request_id)
  assert.equal(headers['x-request-id'], id)
  return JSON.stringify([status, told, text.replace(`"request_id":"${id}"`, '')])
}

const ask = async ({ route, of }: Row, name: SenderName): Promise<Answer> => {
  const [method = '', url = ''] = route.split(' ')
  const { owner, senders } = cast
  const sender = senders[name]
  const path = url.replace(':id', (await things[of]?.(t, owner, sender)) ?? '')
  const search = new URLSearchParams(requests[route]?.query).toString()
  const body = await requests[route]?.body?.({ t, owner, sender, of })
  return t.call(method, search === '' ? path : `${path}?${search}`, {
    headers: { ...sender.headers, ...requests[route]?.headers },
    body,
  })
}

const { rows } = parseMatrix(matrix)
const withId = Map.groupBy(
  rows.filter(({ route }) => route.includes(':id')),
  ({ route }) => route,
)

for (const [route, cases] of withId)
  test(`${route} tells nobody whether a thing is there: one refusal is like the other, byte by byte`, async () => {
    for (const name of senderNames) {
      const refused = cases.filter(({ expected }) => !expected[name].startsWith('2'))
      for (const alike of Map.groupBy(refused, ({ expected }) => expected[name]).values()) {
        const told: string[] = []
        for (const row of alike) told.push(toldBy(await ask(row, name)))
        assert.deepEqual(
          new Set(told).size,
          1,
          `${name}: ${alike.map(({ of }) => of).join(', ')}\n${told.join('\n')}`,
        )
      }
    }
  })

test("another's private thing, an unknown one and a deleted one are one and the same to a stranger", async () => {
  const { owner, senders } = cast
  const stranger = senders.other.access
  for (const [thing, path] of [
    ['todo', 'todos'],
    ['draft', 'posts'],
  ] as const) {
    const [kept = '', deleted = ''] = [
      await things[thing]?.(t, owner, senders.owner),
      await things[thing]?.(t, owner, senders.owner),
    ]
    assert.equal((await t.call('DELETE', `${path}/${deleted}`, { token: owner.access })).status, 204)
    const told = new Set<string>()
    for (const id of [kept, deleted, 'AAAAAAAAAAAAAAAAAAAAAA', '%20', "'", 'a'.repeat(150)])
      told.add(toldBy(await t.call('GET', `${path}/${id}`, { token: stranger })))
    assert.equal(told.size, 1, [...told].join('\n'))
  }
})

test('a body is not looked at before the caller may: a wrong one tells nothing of the thing', async () => {
  const { owner, senders } = cast
  const id = await things.todo?.(t, owner, senders.owner)
  const told = new Set<string>()
  for (const path of [`todos/${id}`, 'todos/AAAAAAAAAAAAAAAAAAAAAA'])
    for (const body of [{ title: 'a' }, { title: 1 }, {}, { unknown: 1 }])
      told.add(toldBy(await t.call('PUT', path, { token: senders.other.access, body })))
  assert.equal(told.size, 1, [...told].join('\n'))
})

test('lists count nothing that the reader may not see', async () => {
  const { owner, senders } = cast
  const totals = async () => {
    const seen: number[] = []
    for (const sender of [senders.anonymous, senders.other, senders.roleless])
      for (const path of ['posts', `posts?user_id=${owner.id}`]) {
        const { body } = await t.call('GET', path, { headers: sender.headers })
        seen.push(body.total)
      }
    seen.push((await t.call('GET', 'todos', { token: senders.other.access })).body.total)
    return seen
  }
  const before = await totals()
  await things.draft?.(t, owner, senders.owner)
  await things.todo?.(t, owner, senders.owner)
  assert.deepEqual(await totals(), before)
})

test('registering with an e-mail address tells nobody whether somebody has it', async () => {
  const register = (email: string) =>
    t.call('POST', 'register', { body: { username: freshName(), password, email } })
  const shapeOf = ({ status, body }: Answer) => ({
    status,
    names: Object.keys(body),
    verified: body.email_verified,
  })
  const first = shapeOf(await register('taken@b.example'))
  assert.deepEqual(first, { status: 201, names: first.names, verified: false })
  for (const email of ['taken@b.example', 'TAKEN@b.example', 'free@b.example'])
    assert.deepEqual(shapeOf(await register(email)), first, email)
})

test('signing in tells neither whether a username is there nor whether an e-mail address is', async () => {
  const { username } = cast.owner
  await t.call('POST', 'register', { body: { username: freshName(), password, email: 'mine@b.example' } })
  const told = new Set<string>()
  for (const name of [username, 'nobody-of-that-name', 'mine@b.example', 'free@c.example', '@', "'", ' '])
    told.add(
      toldBy(await t.call('POST', 'login', { body: { username: name, password: 'not the password' } })),
    )
  assert.equal(told.size, 1, [...told].join('\n'))
})

test('an unverified e-mail address signs nobody in, not even with the right password', async () => {
  await t.call('POST', 'register', { body: { username: freshName(), password, email: 'new@b.example' } })
  const answer = await t.call('POST', 'login', { body: { username: 'new@b.example', password } })
  assert.equal(`${answer.status} ${answer.body.code}`, '401 invalid_credentials')
})

test('an unknown path is answered alike, signed in or not', async () => {
  const told = new Set<string>()
  for (const name of senderNames)
    for (const path of ['/api/v1/nowhere', '/api/v1/me/secret', '/.env', '/admin', '/api/v1/users/a/b'])
      told.add(toldBy(await t.call('GET', path, { headers: cast.senders[name].headers })))
  assert.equal(told.size, 1, [...told].join('\n'))
})
