import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { disableUser, enableUser } from 'gatewright/administration'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { hour, minute, second } from '../../packages/gatewright/src/ground/clock.ts'
import { password, startTestApp, type TestApp } from '../harness.ts'
import { openScene, type Pair, renewPair, type Scene, signIn } from './scene.ts'

const maxAge = 5 * second

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

const claimsOf = ({ access }: Pair) =>
  JSON.parse(Buffer.from(access.split('.')[1] ?? '', 'base64url').toString())
const open = (on: TestApp, { access }: Pair) => on.call('GET', 'protected', { token: access })

/** Another process on the same database, whose clock stands as far apart as it is told. */
const startNode = async (apart = 0, settings: Parameters<typeof startTestApp>[0] = {}): Promise<TestApp> => {
  const node = await startTestApp({ ...t.engine.settings, ...settings })
  node.clock.advance(t.clock.now() - node.clock.now() + apart)
  return node
}

const changePassword = async (on: TestApp, { self }: Scene): Promise<Pair> => {
  const body = { current_password: password, new_password: 'quite another password' }
  const answer = await on.call('PUT', 'me/password', { token: self.pair.access, body })
  assert.equal(answer.status, 200, answer.text)
  return { access: answer.body.access_token, refresh: answer.body.refresh_token }
}

const assertCutBetween = async (
  on: TestApp,
  { self, other }: Scene,
  after: readonly Pair[],
): Promise<void> => {
  for (const { pair } of [self, other]) assert.equal((await open(on, pair)).body.code, 'session_ended')
  for (const pair of after) assert.equal((await open(on, pair)).status, 200)
}

describe('within one second', () => {
  test('tokens of before a change of the password are refused and those of after it accepted, all with one iat', async () => {
    const scene = await openScene(t)
    const changed = await changePassword(t, scene)
    const { pair: anew } = await signIn(t, scene.userId)
    const times = [scene.self.pair, scene.other.pair, changed, anew].map(pair => claimsOf(pair).iat)
    assert.equal(new Set(times).size, 1)
    await assertCutBetween(t, scene, [changed, anew])
  })

  test('a user disabled and enabled again: no token of before, every token of after', async () => {
    const scene = await openScene(t)
    await disableUser(t.engine, { userId: scene.userId, origin })
    await enableUser(t.engine, { userId: scene.userId, origin })
    const { pair } = await signIn(t, scene.userId)
    assert.equal(claimsOf(pair).iat, claimsOf(scene.self.pair).iat)
    await assertCutBetween(t, scene, [pair])
  })
})

describe('two processes whose clocks differ', () => {
  for (const apart of [-3 * second, 3 * second])
    test(`by ${apart} ms agree on what was before and what was after a change of the password`, async () => {
      const node = await startNode(apart)
      const scene = await openScene(t)
      const changed = await changePassword(node, scene)
      const { pair: anew } = await signIn(node, scene.userId)
      assert.equal(claimsOf(changed).iat - claimsOf(scene.self.pair).iat, apart / second)
      await assertCutBetween(node, scene, [changed, anew])
      // Past the bound a request catches up by itself, so nothing is waited for here.
      t.clock.advance(maxAge + 1)
      await assertCutBetween(t, scene, [changed, anew])
      await node.close()
    })
})

describe('a token that was promised 60 minutes', () => {
  const settings = { accessTokenTtl: hour }
  const ends: Record<string, (node: TestApp, scene: Scene) => Promise<unknown>> = {
    'a logout': (node, { self }) => node.call('POST', 'logout', { token: self.pair.access }),
    'a step-up': (node, { self }) =>
      node.call('POST', 'step-up', { token: self.pair.access, body: { password } }),
    'a refresh and then a logout': async (node, { self }) => {
      const { pair } = self
      node.clock.advance(minute)
      await renewPair(node, self)
      await node.call('POST', 'logout', { token: self.pair.access })
      self.pair = pair
    },
  }
  for (const [name, end] of Object.entries(ends))
    test(`stays refused 11 minutes after ${name} on a process that promises 10`, async () => {
      const generous = await startNode(0, settings)
      const scene = await openScene(generous)
      assert.equal((await open(generous, scene.self.pair)).status, 200)
      const strict = await startNode(0, { accessTokenTtl: 10 * minute })
      await end(strict, scene)
      for (const node of [generous, strict]) node.clock.advance(11 * minute)
      const late = await startNode(11 * minute)
      for (const node of [generous, strict, late])
        assert.equal((await open(node, scene.self.pair)).body.code, 'session_ended')

      const { matters_until } = await t.engine.db
        .selectFrom('cut_offs')
        .select('matters_until')
        .where('subject', '=', scene.self.sessionId)
        .executeTakeFirstOrThrow()
      assert.ok(matters_until >= claimsOf(scene.self.pair).exp * second + minute)
      for (const node of [generous, strict, late]) await node.close()
    })
})
