import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { describe, type TestContext, test } from 'node:test'
import { queryObjects } from 'node:v8'
import { until } from '../process/until.ts'
import {
  honest,
  judge,
  openOn,
  sessionId,
  startScriptedIssuer,
  untilLetIn,
  untilRefused,
  withMembers,
} from './scripted-issuer.ts'

const stale = 'unavailable revocations_stale'

const open = async (t: TestContext, more: Parameters<typeof openOn>[1] = {}) => {
  const issuer = await startScriptedIssuer()
  t.after(issuer.close)
  const verifier = openOn(issuer, more)
  t.after(verifier.close)
  await until('the list was read', () => verifier.age() < 1_000)
  return { issuer, verifier, token: issuer.token() }
}

/** From now on the feed answers nothing: the connection stands, and is silent. */
const silence = (issuer: Awaited<ReturnType<typeof open>>['issuer']): void => {
  issuer.script.answer = () => true
}

test('before the first list was read nobody is let in', async t => {
  const issuer = await startScriptedIssuer()
  t.after(issuer.close)
  silence(issuer)
  const verifier = openOn(issuer)
  t.after(verifier.close)
  assert.equal(await judge(verifier, issuer.token()), stale)
  issuer.script.answer = () => false
})

test('a request that comes before the first list waits shortly for it', async t => {
  const issuer = await startScriptedIssuer()
  t.after(issuer.close)
  const verifier = openOn(issuer)
  t.after(verifier.close)
  await untilLetIn(verifier, issuer.token())
})

test('an issuer that falls silent is believed up to the bound and not longer, and again when it speaks', async t => {
  const { issuer, verifier, token } = await open(t)
  silence(issuer)
  verifier.pass(1_000)
  assert.equal(await judge(verifier, token), '200')
  verifier.pass(1)
  assert.equal(await judge(verifier, token), stale)
  issuer.script.answer = () => false
  await untilLetIn(verifier, token)
})

test('the age in a statement counts: a node that is late makes no verifier fresh', async t => {
  const { issuer, verifier, token } = await open(t)
  issuer.script.age = 1_001
  verifier.pass(1_001)
  assert.equal(await judge(verifier, token), stale)
  const asked = issuer.countOf('/feed')
  await until('only old statements were read', () => issuer.countOf('/feed') > asked + 1)
  assert.equal(await judge(verifier, token), stale)
  issuer.script.age = 0
  await untilLetIn(verifier, token)
})

test('age counts from the sending of the request: an answer that was on its way for long is old', async t => {
  const { issuer, verifier, token } = await open(t)
  issuer.script.forge = draft => {
    verifier.set.monotonic += 1_500
    return honest(draft)
  }
  issuer.wake()
  await until('late answers came', () => verifier.age() > 1_000)
  assert.equal(await judge(verifier, token), stale)
})

describe('a clock that jumps', () => {
  test('forward makes the view stale until the next statement', async t => {
    const { issuer, verifier, token } = await open(t)
    silence(issuer)
    verifier.set.wall += 2_000
    assert.equal(await judge(verifier, token), stale)
  })

  test('back makes the view stale until the next statement', async t => {
    const { issuer, verifier, token } = await open(t)
    silence(issuer)
    verifier.set.wall -= 60_000
    assert.equal(verifier.age(), Number.POSITIVE_INFINITY)
    assert.equal(await judge(verifier, token), stale)
  })

  test('or stands while the machine sleeps: the other one counts', async t => {
    const { issuer, verifier, token } = await open(t)
    silence(issuer)
    verifier.set.monotonic += 2_000
    assert.equal(await judge(verifier, token), stale)
  })

  test('is followed by a new question at once, and not after the long one', async t => {
    const { issuer, verifier, token } = await open(t, { maxAge: 5_000 })
    // Whoever waits is answered never.
    issuer.script.answer = ({ url = '' }) => url.startsWith('/feed') && !url.endsWith('wait_ms=0')
    const asked = issuer.countOf('/feed')
    issuer.wake()
    await until('a long question waits', () => issuer.countOf('/feed') > asked)
    verifier.set.wall -= 60_000
    await untilLetIn(verifier, token)
  })

  test('an hour back makes no expired token good: the issuer says what time it is', async t => {
    const { issuer, verifier } = await open(t)
    const now = Math.floor(Date.now() / 1_000)
    const expired = issuer.token({ iat: now - 700, exp: now - 1 })
    assert.equal(await judge(verifier, expired), 'token_expired token_expired')
    verifier.set.wall -= 3_600_000
    await untilRefused(verifier, expired, 'token_expired token_expired')
  })

  test('a year forward and back forgets nothing that was ended', async t => {
    const { issuer, verifier, token } = await open(t)
    issuer.cutOff('session', sessionId)
    await until('it has ended', async () => (await judge(verifier, token)).startsWith('session_ended'))
    verifier.set.wall += 365 * 86_400_000
    issuer.cutOff('session', 'another one')
    await untilRefused(verifier, token, 'token_expired token_expired')
    verifier.set.wall -= 365 * 86_400_000
    await untilRefused(verifier, token, 'session_ended session_ended')
  })
})

test('what matters no more is forgotten, by the issuer’s time', async t => {
  const { issuer, verifier, token } = await open(t, { mostCutOffs: 2 })
  const now = Math.floor(Date.now() / 1_000)
  issuer.cutOff('session', sessionId)
  issuer.cutOff('session', 'another one')
  await until('it has ended', async () => (await judge(verifier, token)).startsWith('session_ended'))
  issuer.script.forge = withMembers({ iat: now + 7_200 })
  issuer.wake()
  await until('time has passed', async () => (await judge(verifier, token)).startsWith('token_expired'))
  issuer.cutOff('session', 'a third one')
  const asked = issuer.countOf('/feed')
  await until('it was read', () => issuer.countOf('/feed') > asked + 1)
  assert.deepEqual(verifier.faults, [])
})

test('an issuer whose time was wrong for a while: what was forgotten by it is told again', async t => {
  const { issuer, verifier, token } = await open(t)
  const now = Math.floor(Date.now() / 1_000)
  issuer.cutOff('session', sessionId)
  await until('it has ended', async () => (await judge(verifier, token)).startsWith('session_ended'))
  issuer.script.forge = withMembers({ iat: now + 86_400 })
  issuer.wake()
  await until('a day has passed', async () => (await judge(verifier, token)).startsWith('token_expired'))
  issuer.script.forge = honest
  issuer.wake()
  await until('it is noticed', () => verifier.faults.some(fault => fault.includes('went back')))
  await until('it is fresh', () => verifier.age() < 1_000)
  assert.equal(await judge(verifier, token), 'session_ended session_ended')
})

describe('what is taken back', () => {
  const endings: Readonly<
    Record<string, readonly [kind: string, id: string, detail: number | undefined, told: string]>
  > = {
    'a session': ['session', sessionId, undefined, 'session_ended session_ended'],
    'everything of a user below a version': ['user', 'alice', 2, 'session_ended session_ended'],
    'what the user had under the own version': ['user', 'alice', 1, '200'],
    'a session of the same id as a user': ['user', sessionId, 2, '200'],
    'a re-read of roles': [
      'reread-user',
      'alice',
      Math.floor(Date.now() / 1_000) + 3_600,
      'token_stale stale',
    ],
    'a re-read that the token is newer than': ['reread-user', 'alice', Math.floor(Date.now() / 1_000), '200'],
  }
  for (const [name, [kind, id, detail, told]] of Object.entries(endings))
    test(`${name}: ${told}`, async t => {
      const { issuer, verifier, token } = await open(t)
      assert.equal(await judge(verifier, token), '200')
      issuer.cutOff(kind, id, detail)
      issuer.cutOff('session', 'a mark')
      const asked = issuer.countOf('/feed')
      await until('it was read', () => issuer.countOf('/feed') > asked + 1)
      assert.equal(await judge(verifier, token), told)
    })

  test('is not loosened by a former version that comes later', async t => {
    const { issuer, verifier, token } = await open(t)
    issuer.cutOff('user', 'alice', 5)
    issuer.cutOff('user', 'alice', 1)
    await until('it has ended', async () => (await judge(verifier, token)).startsWith('session_ended'))
  })
})

test('a verifier that was closed lets nobody in and asks nothing more', async t => {
  const { issuer, verifier, token } = await open(t)
  verifier.close()
  assert.equal(await judge(verifier, token), 'unavailable closed')
  assert.equal(verifier.age(), Number.POSITIVE_INFINITY)
  const asked = issuer.countOf('/feed')
  await until('some time has passed', () => false, 400).catch(() => {})
  // One may have been on its way.
  assert.ok(issuer.countOf('/feed') <= asked + 1)
})

test('many who wait behind a silent issuer are bounded, and it is not asked for each of them', async t => {
  const { issuer, verifier, token } = await open(t)
  silence(issuer)
  verifier.pass(1_001)
  const asked = issuer.countOf('/feed')
  const told = await Promise.all(Array.from({ length: 1_200 }, () => judge(verifier, token)))
  assert.equal(told.filter(answer => answer === 'unavailable too_many_wait').length, 200)
  assert.equal(told.filter(answer => answer === stale).length, 1_000)
  assert.ok(issuer.countOf('/feed') - asked <= 3)
})

test('nothing is kept of those who waited for an issuer that is away', async t => {
  const { issuer, verifier, token } = await open(t)
  silence(issuer)
  verifier.pass(1_001)
  const kinds = [Promise, Function]
  const count = () => kinds.map(kind => queryObjects(kind, { format: 'count' }))
  const before = count()
  await Promise.all(Array.from({ length: 1_000 }, () => judge(verifier, token)))
  const kept = count().map((number, index) => number - (before[index] ?? 0))
  assert.ok(Math.max(...kept) < 500, `${kept}`)
})

test('an issuer that is late, or begins anew each time, is not asked without a pause', async t => {
  const { issuer, verifier } = await open(t)
  issuer.script.age = 2_000
  verifier.pass(1_001)
  const asked = issuer.countOf('/feed')
  issuer.wake()
  await until('some time has passed', () => false, 1_000).catch(() => {})
  assert.ok(issuer.countOf('/feed') - asked <= 10, String(issuer.countOf('/feed') - asked))
  issuer.script.age = 0
  issuer.cutOff('session', 'another one')
  const before = issuer.countOf('/feed')
  let epochs = 0
  issuer.script.forge = draft => {
    epochs += 1
    issuer.script.epoch = `epoch ${epochs}`
    return honest(draft)
  }
  await until('some time has passed', () => false, 1_000).catch(() => {})
  assert.ok(issuer.countOf('/feed') - before <= 10, String(issuer.countOf('/feed') - before))
})

test('while the issuer is away it is asked with growing pauses, and at once no more', async t => {
  const { issuer, verifier } = await open(t)
  issuer.script.answer = (_, response) => {
    response.writeHead(503, { 'retry-after': '1' }).end()
    return true
  }
  const asked = issuer.countOf('/feed')
  issuer.wake()
  await until('some time has passed', () => false, 2_000).catch(() => {})
  assert.ok(issuer.countOf('/feed') - asked <= 6, String(issuer.countOf('/feed') - asked))
  assert.match(verifier.faults[0] ?? '', /answered 503/)
})

test('a list that fails on a later page is read again with growing pauses, and at once no more', async t => {
  const issuer = await startScriptedIssuer()
  t.after(issuer.close)
  issuer.script.most = 1
  issuer.cutOff('session', 'another one')
  issuer.cutOff('a kind of tomorrow', 'x')
  const verifier = openOn(issuer)
  t.after(verifier.close)
  await until('some time has passed', () => false, 600).catch(() => {})
  assert.ok(verifier.faults.length <= 4, `${verifier.faults.length}`)
})

/** What stands behind a question: the place to go on from, or nothing. */
const recordPlaces = (
  issuer: Awaited<ReturnType<typeof open>>['issuer'],
  answer: typeof issuer.script.answer,
): string[] => {
  const places: string[] = []
  issuer.script.answer = (request, response) => {
    const url = new URL(request.url ?? '', issuer.issuer)
    if (url.pathname !== '/feed') return false
    places.push(url.searchParams.get('after') ?? '')
    return answer(request, response)
  }
  return places
}

describe('a place that the issuer refuses is let go of past the bound, and the whole list read', {
  concurrency: 8,
}, () => {
  for (const status of [302, 400, 404, 500])
    test(`${status}`, async t => {
      const { issuer, verifier, token } = await open(t)
      const places = recordPlaces(issuer, ({ url = '' }, response) => {
        if (url.includes('after=')) response.writeHead(status).end()
        return url.includes('after=')
      })
      issuer.wake()
      await until('it was refused', () => verifier.faults.length > 1)
      assert.ok(places.every(place => place !== ''))
      assert.equal(await judge(verifier, token), '200')
      verifier.pass(1_001)
      await until('it is read anew', () => verifier.age() < 1_000)
      assert.equal(
        places.find(place => place === ''),
        '',
      )
      assert.equal(await judge(verifier, token), '200')
    })
})

describe('after an outage it goes on from its place, so that not all who come back ask for the whole list', {
  concurrency: 8,
}, () => {
  const outages: Readonly<Record<string, (response: ServerResponse) => unknown>> = {
    ...Object.fromEntries(
      [429, 502, 503, 504].map(status => [
        status,
        (response: ServerResponse) => response.writeHead(status).end(),
      ]),
    ),
    'connections that end': response => response.destroy(),
    'an answer that is none': response => response.end('<p>'),
  }
  for (const [name, answer] of Object.entries(outages))
    test(name, async t => {
      const { issuer, verifier, token } = await open(t)
      let isAway = true
      const places = recordPlaces(issuer, (_, response) => {
        if (isAway) answer(response)
        return isAway
      })
      issuer.wake()
      verifier.pass(1_001)
      await until('it was asked', () => verifier.faults.length > 1)
      isAway = false
      await untilLetIn(verifier, token)
      assert.deepEqual(new Set(places), new Set(['epoch one/0']))
    })

  test('keys that can not be read say nothing of the place', async t => {
    const { issuer, verifier, token } = await open(t)
    let isAway = true
    const places = recordPlaces(issuer, () => false)
    const { answer } = issuer.script
    issuer.script.answer = (request, response) => {
      if (answer(request, response) || request.url?.startsWith('/feed') || !isAway) return false
      response.writeHead(500).end()
      return true
    }
    verifier.pass(16 * 60_000)
    issuer.wake()
    await until('they were asked for', () => verifier.faults.length > 1)
    isAway = false
    await until('it is fresh', () => verifier.age() < 1_000)
    assert.deepEqual(new Set(places), new Set(['epoch one/0']))
    assert.equal(await judge(verifier, issuer.token({ exp: 9e9 })), '200')
    assert.equal(await judge(verifier, token), 'token_expired token_expired')
  })
})
