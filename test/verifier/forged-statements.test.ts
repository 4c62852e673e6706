import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { describe, type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { nameOf } from '../../packages/verifier/src/cut-offs.ts'
import { until } from '../process/until.ts'
import {
  encode,
  type Forge,
  honest,
  judge,
  makeKey,
  openOn,
  type ScriptedIssuer,
  sessionId,
  signText,
  startScriptedIssuer,
  toJws,
  withMembers,
} from './scripted-issuer.ts'

const stranger = makeKey()

/** What somebody sends who is not the issuer, has an old answer of it, or holds a part of what it needs. */
const forgeries: Readonly<Record<string, (issuer: ScriptedIssuer) => Forge>> = {
  'signed by a stranger under the key id of the issuer': () => draft => honest({ ...draft, key: stranger }),
  'signed by a stranger under a key id of its own':
    () =>
    ({ header, members }) =>
      toJws({ ...header, kid: stranger.kid }, members, stranger),
  'without a signature, by the algorithm none':
    () =>
    ({ header, members }) =>
      `${encode({ ...header, alg: 'none' })}.${encode(members)}.`,
  'signed with the public key as a shared secret':
    () =>
    ({ header, members, key }) => {
      const text = `${encode({ ...header, alg: 'HS256' })}.${encode(members)}`
      const pem = key.publicKey.export({ format: 'pem', type: 'spki' })
      return `${text}.${createHmac('sha256', pem).update(text).digest('base64url')}`
    },
  'that brings its own key':
    () =>
    ({ header, members }) =>
      toJws({ ...header, jwk: stranger.jwk }, members, stranger),
  'changed under its signature': () => draft => {
    const [head, , signature] = honest(draft).split('.')
    return `${head}.${encode({ ...draft.members, age: 1 })}.${signature}`
  },
  'of the type of an access token':
    () =>
    ({ header, members, key }) =>
      toJws({ ...header, typ: 'at+jwt' }, members, key),
  'that is an access token': issuer => () => issuer.token(),
  'of the type of any JWT':
    () =>
    ({ header, members, key }) =>
      toJws({ ...header, typ: 'JWT' }, members, key),
  'for another audience': issuer => withMembers({ aud: issuer.issuer }),
  'of another issuer': () => withMembers({ iss: 'https://elsewhere.example' }),
  'without a nonce': () => withMembers({ nonce: undefined }),
  'with the nonce of another request': () => withMembers({ nonce: 'A'.repeat(43) }),
  'that skips a part: it starts at a later place': () => withMembers({ after: 'epoch one/7' }),
  'that goes backwards: it starts at a former place': () => withMembers({ after: 'epoch one/0' }),
  'with a kind of entry that is not known': () =>
    withMembers({ entries: [['planet', nameOf('planet', 'x'), 9e9]] }),
  'with an entry without its version': () => withMembers({ entries: [['user', nameOf('user', 'x'), 9e9]] }),
  'with an entry that names nothing': () => withMembers({ entries: [['session', '', 9e9]] }),
  'with a negative age': () => withMembers({ age: -60_000 }),
  'with an age that is a text': () => withMembers({ age: '0' }),
  'without an age': () => withMembers({ age: undefined }),
  'with a member that nobody knows': () => withMembers({ except: ['alice'] }),
  'with a member twice':
    () =>
    ({ header, members, key }) =>
      signText(`${encode(header)}.${encode(JSON.stringify(members).replace('{', '{"age":0,'))}`, key),
  'with a list that does not go on': () => withMembers({ last: false, entries: [] }),
  'that is cut off': () => draft => honest(draft).slice(0, -20),
  'of more than its bound': () => withMembers({ place: 'x'.repeat(2 ** 23) }),
}

/** An issuer with a session ended, and a verifier that has read so much. */
const setUp = async (t: TestContext) => {
  const issuer = await startScriptedIssuer()
  t.after(issuer.close)
  issuer.cutOff('session', 'somebody else')
  const verifier = openOn(issuer)
  t.after(verifier.close)
  await until('the list was read', () => verifier.age() < 1_000)
  return { issuer, verifier }
}

describe('a forged feed closes the door until a good list was read: a statement', { concurrency: 8 }, () => {
  for (const [name, forge] of Object.entries(forgeries))
    test(name, async t => {
      const { issuer, verifier } = await setUp(t)
      const token = issuer.token()
      assert.equal(await judge(verifier, token), '200')
      const asked = issuer.countOf('/feed')
      issuer.script.forge = forge(issuer)
      issuer.wake()
      await until(
        'it was asked again',
        () => issuer.countOf('/feed') > asked + 1 && verifier.faults.length > 0,
      )
      // A statement that is too large is no statement: it is as if there were no answer, until the bound.
      if (!name.includes('bound')) assert.equal(verifier.age(), Number.POSITIVE_INFINITY)
      verifier.pass(1_100)
      assert.equal(await judge(verifier, token), 'unavailable revocations_stale')
      issuer.script.forge = honest
      await until('it is read anew', () => verifier.age() < 1_000)
      assert.equal(await judge(verifier, token), '200')
      issuer.cutOff('session', sessionId)
      await until('it is followed', async () => (await judge(verifier, token)).startsWith('session_ended'))
    })
})

test('replay: an answer that was right a moment ago does not count a second time', async t => {
  const { issuer, verifier } = await setUp(t)
  let kept = ''
  issuer.script.forge = draft => {
    kept ||= honest(draft)
    return kept
  }
  issuer.wake()
  await until('the first of them was shown again', () => verifier.faults.length > 0)
  assert.match(verifier.faults[0] ?? '', /answers another request/)
  assert.equal(verifier.age(), Number.POSITIVE_INFINITY)
})

test('a missing page: a list counts only with every page, and not one before its last is read', async t => {
  const issuer = await startScriptedIssuer()
  t.after(issuer.close)
  for (let number = 0; number < 6; number += 1) issuer.cutOff('session', `session ${number}`)
  issuer.cutOff('session', sessionId)
  issuer.script.most = 2
  const skip = withMembers({ after: 'epoch one/4', place: 'epoch one/6' })
  issuer.script.forge = draft => (draft.members.after === 'epoch one/2' ? skip : honest)(draft)
  const verifier = openOn(issuer)
  t.after(verifier.close)
  await until('the page was missed', () => verifier.faults.length > 1)
  assert.equal(await judge(verifier, issuer.token()), 'unavailable revocations_stale')
  const ages: number[] = []
  issuer.script.forge = draft => {
    ages.push(verifier.age())
    return honest(draft)
  }
  await until('all was read', () => verifier.age() < 1_000)
  assert.deepEqual(new Set(ages.slice(0, 4)), new Set([Number.POSITIVE_INFINITY]))
  assert.equal(await judge(verifier, issuer.token()), 'session_ended session_ended')
})

test('a long list counts from its first page: what was ended while it was read may be missing', async t => {
  const issuer = await startScriptedIssuer()
  t.after(issuer.close)
  for (let number = 0; number < 4; number += 1) issuer.cutOff('session', `session ${number}`)
  issuer.script.most = 1
  const ages: number[] = []
  const verifier = openOn(issuer)
  t.after(verifier.close)
  issuer.script.forge = draft => {
    ages.push(verifier.age())
    if (draft.members.after === 'epoch one/2') verifier.set.monotonic += 900
    return honest(draft)
  }
  await until('the feed was asked after the list', () => ages.length > 4)
  assert.ok((ages[4] ?? 0) >= 900, `${ages}`)
})

test('another epoch closes the door at once: what goes on as if it were the same does not count', async t => {
  const { issuer, verifier } = await setUp(t)
  const ages: number[] = []
  issuer.script.forge = draft => {
    ages.push(verifier.age())
    return withMembers({ epoch: 'epoch two' })(draft)
  }
  issuer.wake()
  await until('it is read from its start', () => ages.length > 1)
  assert.equal(ages[1], Number.POSITIVE_INFINITY)
  assert.match(verifier.faults[0] ?? '', /another place/)
})

test('a key that was revoked signs no statement: its successor signs the one that says so', async t => {
  const { issuer, verifier } = await setUp(t)
  const [revoked, successor] = issuer.keys
  const tokens = [issuer.token(), issuer.token({}, successor)] as const
  for (const token of tokens) assert.equal(await judge(verifier, token), '200')
  issuer.script.signs = successor
  issuer.cutOff('signing-key', revoked.kid)
  await until('the key is refused', async () => (await judge(verifier, tokens[0])) !== '200')
  assert.equal(await judge(verifier, tokens[0]), 'invalid_token key_revoked')
  assert.equal(await judge(verifier, tokens[1]), '200')
  issuer.script.signs = revoked
  issuer.wake()
  await until('the door is closed', () => verifier.age() === Number.POSITIVE_INFINITY)
  assert.match(verifier.faults.at(-1) ?? '', /revoked key/)
  issuer.script.signs = successor
  await until('it opens', () => verifier.age() < 1_000)
  assert.deepEqual(
    [await judge(verifier, tokens[0]), await judge(verifier, tokens[1])],
    ['invalid_token key_revoked', '200'],
  )
})

test('a revoked key that signs its own revocation is not believed', async t => {
  const { issuer, verifier } = await setUp(t)
  issuer.cutOff('signing-key', issuer.keys[0].kid)
  await until('the door is closed', () => verifier.age() === Number.POSITIVE_INFINITY)
  assert.match(verifier.faults.at(-1) ?? '', /revoked key/)
})

test('a restored database tells everything anew: what had ended before stays ended', async t => {
  const { issuer, verifier } = await setUp(t)
  const token = issuer.token()
  issuer.cutOff('session', sessionId)
  await until('it has ended', async () => (await judge(verifier, token)).startsWith('session_ended'))
  issuer.entries.length = 0
  issuer.script.epoch = 'epoch two'
  const asked = issuer.countOf('/feed')
  issuer.wake()
  await until('the new list was read', () => issuer.countOf('/feed') > asked + 2 && verifier.age() < 1_000)
  assert.equal(await judge(verifier, token), 'session_ended session_ended')
  assert.equal(await judge(verifier, issuer.token({ sid: 'anotherSession22Charac.1' })), '200')
})

test('a flood of entries closes the door, and takes no memory beyond the bound', async t => {
  const issuer = await startScriptedIssuer()
  t.after(issuer.close)
  for (let number = 0; number < 30; number += 1) issuer.cutOff('session', `session ${number}`)
  const verifier = openOn(issuer, { mostCutOffs: 20 })
  t.after(verifier.close)
  await until('it was refused', () => verifier.faults.length > 0)
  assert.match(verifier.faults[0] ?? '', /too much/)
  assert.equal(await judge(verifier, issuer.token()), 'unavailable revocations_stale')
})

test('a packed answer that grows beyond the bound is not read to its end', async t => {
  const { issuer, verifier } = await setUp(t)
  const bomb = gzipSync(Buffer.alloc(64 * 1_024 * 1_024, 0x20))
  issuer.script.answer = (request, response) => {
    if (!request.url?.startsWith('/feed')) return false
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(bomb)
    return true
  }
  const before = process.memoryUsage().rss
  issuer.wake()
  await until('it was refused', () => verifier.faults.some(fault => fault.includes('is packed')))
  assert.ok(process.memoryUsage().rss - before < 128 * 1_024 * 1_024)
})
