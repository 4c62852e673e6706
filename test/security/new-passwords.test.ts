import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { openSetupLink } from '../../packages/gatewright/src/sign-in/setup-link.ts'
import { type Answer, type Caller, password, signUp, startTestApp, type TestApp } from '../harness.ts'
import { type BreachService, startBreachService } from './breach-service.ts'

const stolen = 'a phrase that was stolen'

let t: TestApp
/** An installation that has no administrator yet. */
let fresh: TestApp
let service: BreachService
let admin: Caller
let setupToken = ''
before(async () => {
  service = await startBreachService([stolen])
  const settings = {
    appName: 'Rosengarten',
    publicUrl: 'http://localhost:3000',
    breachCheck: 'refuse',
    breachCheckUrl: service.url,
  } as const
  ;[t, fresh] = await Promise.all([startTestApp(settings), startTestApp(settings)])
  const link = await openSetupLink(fresh.engine)
  assert.ok(link.state === 'made')
  setupToken = link.token
  admin = await signUp(t, 'root-of-all', ['admin'])
})
afterEach(() => service.misbehave())
after(async () => {
  await Promise.all([t.close(), fresh.close()])
  await service.close()
})

let names = 0
const freshName = (): string => `person${++names}`

/** Every door over HTTP that sets a password, and where it is named. The command line has its own test. */
const doors: Readonly<
  Record<string, { readonly path: string; readonly send: (text: string) => Promise<Answer> }>
> = {
  'POST /register': {
    path: '/password',
    send: text => t.call('POST', 'register', { body: { username: freshName(), password: text } }),
  },
  'POST /users': {
    path: '/password',
    send: text => t.call('POST', 'users', { body: { username: freshName(), password: text } }),
  },
  'POST /users of an administrator': {
    path: '/password',
    send: text =>
      t.call('POST', 'users', {
        token: admin.access,
        body: { username: freshName(), password: text, roles: ['user'] },
      }),
  },
  'POST /setup': {
    path: '/password',
    send: text =>
      fresh.call('POST', 'setup', { body: { token: setupToken, username: freshName(), password: text } }),
  },
  'PUT /me/password': {
    path: '/new_password',
    send: async text => {
      const { access } = await signUp(t, freshName())
      const body = { current_password: password, new_password: text }
      return t.call('PUT', 'me/password', { token: access, body })
    },
  },
}

const readUsers = async ({ engine }: TestApp): Promise<string> =>
  JSON.stringify(
    await engine.db.selectFrom('users').select(['username', 'password_hash']).orderBy('id').execute(),
  )

const refuses = async (door: string, text: string, code: string, status = 400): Promise<Answer> => {
  const { send, path } = doors[door] ?? assert.fail()
  const answer = await send(text)
  assert.deepEqual([answer.status, answer.body.code], [status, code], answer.text)
  if (status === 400) assert.equal(answer.body.errors[0].path, path)
  assert.ok(!answer.text.includes(text))
  return answer
}

for (const door of Object.keys(doors))
  describe(`${door} refuses`, () => {
    test('a common password, and says what would help', async () => {
      const { body } = await refuses(door, 'password1234567', 'password_blocklisted')
      assert.match(body.errors[0].message, /commonly used password\. Add more words/)
    })

    test("a password of the service's own names", async () => {
      const { body } = await refuses(door, 'Rosengarten-2026!', 'password_blocklisted')
      assert.match(body.errors[0].message, /your own names, or those of this service/)
      await refuses(door, 'moderator1234567', 'password_blocklisted')
    })

    test('a password that was stolen', async () => {
      await refuses(door, stolen, 'password_blocklisted')
    })

    test('every password while the breach service is away', async () => {
      service.misbehave(response => response.writeHead(503).end())
      const { headers } = await refuses(door, 'quite another password', 'unavailable', 503)
      assert.equal(headers['retry-after'], '30')
    })
  })

describe('a password of own names is refused', () => {
  test('at the registration: username and e-mail address', async () => {
    const register = (text: string) =>
      t.call('POST', 'register', {
        body: { username: 'liddell', email: 'queen.of.hearts@wonderland.example', password: text },
      })
    for (const text of ['liddell-liddell!', 'queen+hearts2026', 'wonderland.example7'])
      assert.equal((await register(text)).body.code, 'password_blocklisted', text)
    assert.equal((await register('quite another password')).status, 201)
  })

  test('at a change: those of the account', async () => {
    const { access } = await signUp(t, 'cheshire')
    const body = { current_password: password, new_password: 'Cheshire-1865!!' }
    assert.equal(
      (await t.call('PUT', 'me/password', { token: access, body })).body.code,
      'password_blocklisted',
    )
  })
})

test('a refused password changes nothing: no user, no hash, and the set-up link stays open', async () => {
  const { access } = await signUp(t, freshName())
  const before = await Promise.all([readUsers(t), readUsers(fresh)])
  const body = { current_password: password, new_password: 'password1234567' }
  await t.call('PUT', 'me/password', { token: access, body })
  for (const door of ['POST /register', 'POST /setup']) await refuses(door, stolen, 'password_blocklisted')
  assert.deepEqual(await Promise.all([readUsers(t), readUsers(fresh)]), before)
  assert.equal((await t.call('GET', 'me', { token: access })).status, 200)
  await refuses('POST /setup', 'tiny', 'password_too_short')
})

test('a refused password costs no hash', async () => {
  const before = t.engine.hasher.count()
  await refuses('POST /register', 'password1234567', 'password_blocklisted')
  assert.equal(t.engine.hasher.count(), before)
})

describe('POST /password/strength', () => {
  const ask = (body: object, address?: string) =>
    t.call('POST', 'password/strength', { body, ...(address && { address }) })

  test('tells score, warning and suggestions', async () => {
    const weak = await ask({ password: 'password1234567' })
    assert.deepEqual(weak.body, {
      score: 1,
      warning: 'This is similar to a commonly used password.',
      suggestions: ['Add more words that are less common.'],
    })
    assert.deepEqual((await ask({ password })).body, { score: 4, warning: null, suggestions: [] })
  })

  test('knows the names of the service and the username that is given', async () => {
    assert.ok((await ask({ password: 'cheshire-1865-x' })).body.score > 0)
    assert.equal((await ask({ password: 'cheshire-1865-x', username: 'cheshire' })).body.score, 0)
    assert.equal((await ask({ password: 'Rosengarten-2026!' })).body.score, 0)
  })

  test('asks no breach service and computes no hash', async () => {
    const [asked, hashed] = [service.asked.length, t.engine.hasher.count()]
    assert.equal((await ask({ password: stolen })).body.score, 4)
    assert.deepEqual([service.asked.length, t.engine.hasher.count()], [asked, hashed])
  })

  test('refuses what is no password', async () => {
    for (const body of [{}, { password: '' }, { password: 'é'.repeat(513) }, { password: 7 }])
      assert.equal((await ask(body)).body.code, 'validation_failed')
    assert.equal((await ask({ password, more: 1 })).body.code, 'validation_failed')
  })

  test('flood of one address is refused', async () => {
    const limited = await startTestApp({ limitsScale: 0.05 })
    const call = () => limited.call('POST', 'password/strength', { body: { password }, address: '192.0.2.1' })
    for (let n = 0; n < 3; n += 1) assert.equal((await call()).status, 200)
    assert.equal((await call()).body.code, 'rate_limited')
    await limited.close()
  })

  test('writes the password nowhere: not into the log, not into the database', async () => {
    const secret = 'a phrase to be found nowhere else'
    await ask({ password: secret, username: 'lewis' })
    assert.ok(!t.logLines.join('').includes(secret))
    const events = await t.engine.db.selectFrom('audit_events').selectAll().execute()
    assert.ok(!JSON.stringify(events).includes(secret))
  })
})

describe('with BREACH_CHECK=warn', () => {
  const registerWith = async (answers: boolean) => {
    const warned = await startTestApp({ breachCheck: 'warn', breachCheckUrl: service.url })
    if (!answers) service.misbehave(response => response.writeHead(503).end())
    const body = { username: 'alice', password: stolen }
    const answer = await warned.call('POST', 'register', { body })
    const again = await warned.call('POST', 'login', { body })
    const events = await warned.engine.db
      .selectFrom('audit_events')
      .select(['event', 'reason', 'user_id', 'request_id'])
      .where('event', '=', 'password.taken-with-doubt')
      .execute()
    const told = warned.logLines.filter(line => line.includes('BREACH_CHECK=warn'))
    await warned.close()
    return { answer, again, events, told }
  }

  for (const [what, answers, reason] of [
    ['a stolen password', true, 'breached_password'],
    ['a password while the service is away', false, 'breach_service_away'],
  ] as const)
    test(`${what} is taken, and noted in the log and the audit events`, async () => {
      const { answer, again, events, told } = await registerWith(answers)
      assert.deepEqual([answer.status, again.status], [201, 200])
      const row = { event: 'password.taken-with-doubt', reason, user_id: answer.body.id }
      assert.deepEqual(
        events.map(({ request_id, ...rest }) => rest),
        [row],
      )
      assert.equal(events[0]?.request_id, answer.headers['x-request-id'])
      assert.equal(told.length, 1)
      assert.ok(!told.join('').includes(stolen))
    })

  test('a change to a stolen password is noted as well', async () => {
    const warned = await startTestApp({ breachCheck: 'warn', breachCheckUrl: service.url })
    const { id, access } = await signUp(warned, 'alice')
    const body = { current_password: password, new_password: stolen }
    assert.equal((await warned.call('PUT', 'me/password', { token: access, body })).status, 200)
    const events = warned.engine.db.selectFrom('audit_events').select(['user_id', 'actor', 'reason'])
    assert.deepEqual(
      (await events.where('event', '=', 'password.taken-with-doubt').execute()).map(row => ({ ...row })),
      [{ user_id: id, actor: id, reason: 'breached_password' }],
    )
    await warned.close()
  })
})
