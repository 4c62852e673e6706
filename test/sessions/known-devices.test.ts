import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { disableUser, enableUser } from 'gatewright/administration'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { day, minute } from '../../packages/gatewright/src/ground/clock.ts'
import { systemRandom } from '../../packages/gatewright/src/ground/random.ts'
import {
  deviceLifetime,
  mostDevices,
  rememberDevice,
} from '../../packages/gatewright/src/sessions/known-devices.ts'
import { throttleRule } from '../../packages/gatewright/src/sign-in/throttle-rule.ts'
import { inTransaction } from '../../packages/gatewright/src/storage/transaction.ts'
import { hashDeviceSecret, newDeviceSecret } from '../../packages/gatewright/src/tokens/device-secret.ts'
import { type Answer, type Call, password, startTestApp, type TestApp } from '../harness.ts'
import { keepHouse } from '../housekeeping/keep-house.ts'
import { hashCheaply, keepHashesCheap } from '../models/cheap-passwords.ts'
import { freshName } from '../senders.ts'
import { show } from './browser.ts'
import { openSecondConnection, type SecondConnection } from './second-connection.ts'
import { addUser } from './signed-in.ts'

const passwordHash = hashCheaply(password)
const wrong = 'not the password of anybody'

let t: TestApp
let second: SecondConnection
let network = 0
let name: string
let userId: string
before(async () => {
  t = await startTestApp({ limitsScale: 1 })
  keepHashesCheap(t.engine.hasher)
  second = openSecondConnection(t.engine)
})
after(async () => {
  second.close()
  await t.close()
})
beforeEach(async () => {
  t.clock.advance(2 * minute)
  name = freshName()
  userId = (await addUser(t.engine, name, { passwordHash })).id
})

/** Each from an address that nobody had before. */
const address = (): string =>
  `10.${Math.floor(network / 65_536)}.${Math.floor(network / 256) % 256}.${network++ % 256}`

const enter = (
  cookie?: string,
  { path = 'sessions', ...call }: Call & { readonly path?: string } = {},
  as = name,
) =>
  t.call('POST', path, {
    body: { username: as, password },
    address: address(),
    ...call,
    headers: { ...(cookie !== undefined && { cookie }), ...call.headers },
  })

const cookiesOf = ({ headers }: Answer): readonly string[] => [headers['set-cookie'] ?? []].flat().map(String)

/** The cookie of the device, as the browser sends it. */
const deviceOf = (answer: Answer): string => {
  const cookie = cookiesOf(answer).find(text => text.startsWith('gw_device='))
  assert.ok(cookie !== undefined, answer.text)
  return cookie.split(';')[0] ?? ''
}

const guess = (cookie?: string, as = name) => enter(cookie, { body: { username: as, password: wrong } }, as)
const useUp = async (cookie?: string, as = name): Promise<void> => {
  for (let n = 0; n < throttleRule.free; n++) {
    if (cookie !== undefined) t.clock.advance(minute)
    assert.equal((await guess(cookie, as)).status, 401)
  }
}
const devices = (of = userId) =>
  second.rows('select * from known_devices where user_id = ? order by created_at', of)

describe('a sign-in makes the browser a known device', () => {
  for (const path of ['sessions', 'login'])
    test(`at /${path}: by a cookie that no script sees, for 400 days, of which the hash alone is stored`, async () => {
      const answer = await enter(undefined, { path })
      const [, ...flags] = cookiesOf(answer).at(-1)?.split('; ') ?? []
      assert.deepEqual(flags, ['Path=/', 'Max-Age=34560000', 'HttpOnly', 'SameSite=Strict'])
      const secret = deviceOf(answer).replace('gw_device=', '')
      assert.match(secret, /^gwd_[\w-]{48}$/)
      const [row, ...others] = devices()
      assert.deepEqual([row?.secret_hash, others], [hashDeviceSecret(secret as never), []])
      assert.ok(!JSON.stringify([row, t.logLines, answer.text]).includes(secret))
    })

  test('the session remembers which, also under its next id', async () => {
    const { body } = await enter(undefined, { path: 'login' })
    const of = (): unknown =>
      second.row('select known_device_id from sessions where user_id = ? and ended_at is null', userId)
        ?.known_device_id
    const [row] = devices()
    assert.equal(of(), row?.id)
    const renewed = await t.call('POST', 'step-up', { token: body.access_token, body: { password } })
    assert.equal(renewed.status, 200)
    assert.equal(of(), row?.id)
  })

  test('the same browser stays one device, and a second user of it is known by the same cookie', async () => {
    const cookie = deviceOf(await enter())
    assert.equal(deviceOf(await enter(cookie)), cookie)
    assert.equal(devices().length, 1)
    const another = await addUser(t.engine, freshName(), { passwordHash })
    assert.equal(deviceOf(await enter(cookie, {}, another.username)), cookie)
    assert.equal(devices(another.id)[0]?.secret_hash, devices()[0]?.secret_hash)
  })

  test('two tabs that sign in at once are both let in', async () => {
    const cookie = deviceOf(await enter())
    const another = await addUser(t.engine, freshName(), { passwordHash })
    const answers = await Promise.all([1, 2, 3].map(() => enter(cookie, {}, another.username)))
    assert.deepEqual(answers.map(show), ['201', '201', '201'])
  })

  test('and a wrong password makes none, nor a sign-in that a disabled user tries', async () => {
    assert.deepEqual(cookiesOf(await guess()), [])
    await disableUser(t.engine, { userId, origin })
    assert.deepEqual(cookiesOf(await enter()), [])
    assert.deepEqual(devices(), [])
  })

  test('a made-up secret is never adopted', async () => {
    const planted = `gw_device=${newDeviceSecret(systemRandom)}`
    assert.notEqual(deviceOf(await enter(planted)), planted)
    assert.equal(devices().length, 1)
  })

  test('a secret that was ended is not taken up again: whoever stole it gains nothing', async () => {
    const stolen = deviceOf(await enter())
    await disableUser(t.engine, { userId, origin })
    await enableUser(t.engine, { userId, origin })
    assert.notEqual(deviceOf(await enter(stolen)), stolen)
  })

  test('nor one that is ended while the password is checked: the browser gets a new one', async () => {
    const shown = newDeviceSecret(systemRandom)
    const known = { id: 'ended meanwhile', userId }
    const secret = await inTransaction(t.engine.db, work =>
      rememberDevice(t.engine, work, known, { shown, known }),
    )
    assert.notEqual(secret, shown)
    assert.equal(devices()[0]?.secret_hash, hashDeviceSecret(secret))
  })

  test(`a user has ${mostDevices} at most: the longest unused one makes room, and never the new one`, async () => {
    const first = deviceOf(await enter())
    t.clock.advance(1)
    const unused = deviceOf(await enter())
    t.clock.advance(1)
    assert.equal(deviceOf(await enter(first)), first)
    for (let n = devices().length; n < mostDevices + 1; n++) {
      t.clock.advance(1)
      await enter()
    }
    assert.equal(devices().length, mostDevices)
    assert.equal(deviceOf(await enter(first)), first)
    assert.notEqual(deviceOf(await enter(unused)), unused)
  })

  test('a program that keeps no cookies pushes out no browser in use', async () => {
    const cookie = deviceOf(await enter())
    t.clock.advance(1)
    assert.equal(deviceOf(await enter(cookie)), cookie)
    for (let n = 0; n < mostDevices + 1; n++) {
      t.clock.advance(1)
      await enter(undefined, { path: 'login' })
    }
    assert.equal(devices().length, mostDevices)
    assert.equal(deviceOf(await enter(cookie)), cookie)
  })

  test('is a new one once nobody has signed in with it for a year, swept or not', async () => {
    const cookie = deviceOf(await enter())
    t.clock.advance(deviceLifetime - day)
    assert.equal(deviceOf(await enter(cookie)), cookie)
    t.clock.advance(deviceLifetime)
    assert.notEqual(deviceOf(await enter(cookie)), cookie)
    await keepHouse(t)
    assert.equal(devices().length, 1)
  })
})

describe('a known device of the user', () => {
  test('is let in while strangers are throttled, and lifts the delay for all', async () => {
    const cookie = deviceOf(await enter())
    await useUp()
    assert.equal(show(await enter()), '401 invalid_credentials')
    assert.equal(show(await enter(cookie)), '201')
    assert.equal(show(await enter()), '201')
  })

  test('is held to the same rule by itself, and throttles nobody else by it', async () => {
    const cookie = deviceOf(await enter())
    await useUp(cookie)
    assert.equal(show(await enter(cookie)), '401 invalid_credentials')
    assert.equal(show(await enter()), '201')
    t.clock.advance(minute)
    assert.equal(show(await enter(cookie)), '201')
  })

  test('is not refused for what others behind its address have used up, at its name or at all', async () => {
    const office = { address: address() }
    const cookie = deviceOf(await enter())
    for (let n = 0; n < 5; n++)
      await enter(undefined, { ...office, body: { username: name, password: wrong } })
    for (let n = 0; n < 30; n++)
      await enter(undefined, { ...office, body: { username: freshName(), password } })
    assert.equal(show(await enter(undefined, office)), '429 rate_limited')
    assert.equal(show(await enter(cookie, office)), '201')
    const failures = (await enter(cookie, { ...office, body: { username: name, password: wrong } })).headers
    assert.match(String(failures['ratelimit-policy']), /"sign-in-device";q=5;w=60/)
    assert.doesNotMatch(String(failures['ratelimit-policy']), /failed-sign-in/)
  })

  test('tries five times a minute, like everybody', async () => {
    const cookie = deviceOf(await enter())
    for (let n = 0; n < 5; n++) assert.equal(show(await guess(cookie)), '401 invalid_credentials')
    assert.equal(show(await guess(cookie)), '429 rate_limited')
  })
})

describe('whose sign-in is delayed', () => {
  test('reads until when, at GET and PATCH /me and with the session, and null where it is not', async () => {
    const { body } = await enter(undefined, { path: 'login' })
    const token = body.access_token
    const read = async () => [
      (await t.call('GET', 'me', { token })).body.sign_in_delayed_until,
      (await t.call('PATCH', 'me', { token, body: { fields: {} } })).body.sign_in_delayed_until,
      (await t.call('GET', 'sessions/current', { token })).body.user.sign_in_delayed_until,
    ]
    assert.deepEqual(await read(), [null, null, null])
    await useUp()
    assert.deepEqual(await read(), Array(3).fill(new Date(t.clock.now() + minute).toISOString()))
    t.clock.advance(minute)
    assert.deepEqual(await read(), [null, null, null])
  })
})

describe('what is no known device of the user is as a stranger', () => {
  const strangers: readonly {
    readonly what: string
    readonly make: (own: string) => Promise<string> | string
  }[] = [
    {
      what: 'another user’s cookie',
      make: async () => {
        const mallory = await addUser(t.engine, freshName(), { passwordHash })
        return deviceOf(await enter(undefined, {}, mallory.username))
      },
    },
    { what: 'a made-up secret', make: () => `gw_device=${newDeviceSecret(systemRandom)}` },
    {
      what: 'a secret with one letter changed',
      make: own => own.replace(/.$/, end => (end === 'A' ? 'B' : 'A')),
    },
    { what: 'two cookies of the name', make: own => `${own}; ${own}` },
    { what: 'the name of the cookie over https', make: own => `__Host-${own}` },
    { what: 'a name in another case', make: own => own.replace('gw_device', 'GW_DEVICE') },
    { what: 'an empty cookie', make: () => 'gw_device=' },
    { what: 'a session’s secret', make: own => own.replace('gwd_', 'gws_') },
    { what: 'the hash that is stored', make: () => `gw_device=${devices()[0]?.secret_hash}` },
    {
      what: 'the secret of a device that was ended',
      make: async own => {
        await second.run('delete from known_devices where user_id = ?', userId)
        return own
      },
    },
  ]
  for (const { what, make } of strangers)
    test(`${what} gets in no faster while strangers are throttled`, async () => {
      const shown = await make(deviceOf(await enter()))
      await useUp()
      const hashes = t.engine.hasher.count()
      assert.equal(show(await enter(shown)), '401 invalid_credentials')
      assert.equal(t.engine.hasher.count(), hashes)
    })

  test('it signs nobody in: a route for users is 401 with it alone', async () => {
    const cookie = deviceOf(await enter())
    assert.equal((await t.call('GET', 'me', { headers: { cookie } })).status, 401)
  })

  test('made-up secrets do not free an address from its limits', async () => {
    const from = address()
    const answers: Answer[] = []
    for (let n = 0; n < 31; n++) {
      const cookie = `gw_device=${newDeviceSecret(systemRandom)}`
      answers.push(await enter(cookie, { address: from, body: { username: freshName(), password: wrong } }))
    }
    const told = answers.slice(0, 15).map(({ headers }) => String(headers.ratelimit))
    for (const [n, limits] of told.entries())
      assert.match(limits, new RegExp(`"sign-in-address";r=${29 - n};`))
    assert.deepEqual(new Set(answers.slice(0, 15).map(show)), new Set(['401 invalid_credentials']))
    assert.deepEqual(new Set(answers.slice(15).map(show)), new Set(['429 rate_limited']))
  })

  test('a flood of made-up secrets is refused before the database is asked', async () => {
    const from = address()
    const row = { key: { address: from }, name: 'cookie' } as const
    while (t.engine.limiter.look(row.name, row.key).rows[0]?.remaining !== 0)
      await t.engine.limiter.take(row.name, row.key)
    const cookie = `gw_device=${newDeviceSecret(systemRandom)}`
    assert.equal(show(await enter(cookie, { address: from })), '429 rate_limited')
    assert.equal(show(await enter(undefined, { address: from })), '201')
  })
})
