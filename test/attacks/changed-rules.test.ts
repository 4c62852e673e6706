import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { FastifyContextConfig, FastifyInstance } from 'fastify'
import { allOf, everyone, permission, signedIn } from 'gatewright/access'
import { createApp } from 'gatewright/app'
import { pino } from 'pino'
import { type Caller, signUp, startTestApp, type TestApp } from '../harness.ts'

/** The configuration to code that the compiler does not hold. */
type Loose = {
  gate: {
    access: { kind: string; permission: string; rules: unknown[] }
    principals: string[]
    limit: string
    audit: string[]
    ignoresCookie: boolean
    readsOwnCredential: boolean
  }
}

const open = { access: everyone(), limit: 'read', audit: 'none' }

/** What a handler or a plugin tries on the rule of a route, so that others get past it. */
const attempts: Readonly<Record<string, (config: Loose) => unknown>> = {
  'another rule': config => Object.assign(config, { gate: open }),
  'another rule, defined': config => Object.defineProperty(config, 'gate', { value: open }),
  'a rule that is asked for': config => Object.defineProperty(config, 'gate', { get: () => open }),
  'no rule': config => Reflect.deleteProperty(config, 'gate') || Object.assign(config, { gate: open }),
  'another access rule': ({ gate }) => Object.assign(gate, { access: everyone() }),
  'another kind of access rule': ({ gate }) => Object.assign(gate.access, { kind: 'everyone' }),
  'an access rule of other parts': ({ gate }) => Object.assign(gate.access, { rules: [everyone()] }),
  'a part less': ({ gate }) => gate.access.rules.pop(),
  'no parts at all': ({ gate }) => gate.access.rules.splice(0),
  'another part': ({ gate }) => {
    gate.access.rules[1] = everyone()
  },
  'another permission of a part': ({ gate }) =>
    Object.assign(gate.access.rules[1] as object, { permission: 'me:read' }),
  'another limit': ({ gate }) => Object.assign(gate, { limit: 'write' }),
  'one kind of principal more': ({ gate }) => gate.principals.push('client'),
  'one audit event less': ({ gate }) => gate.audit.pop(),
  'a credential that nobody judges': ({ gate }) => Object.assign(gate, { readsOwnCredential: true }),
  'a cookie that nobody judges': ({ gate }) => Object.assign(gate, { ignoresCookie: true }),
  'another prototype of the rule': ({ gate }) => Object.setPrototypeOf(gate, { ignoresCookie: true }),
}

const shut = () => ({
  access: allOf(signedIn(), permission('users:write')),
  principals: ['user'] as const,
  limit: 'read' as const,
  audit: ['user.roles_changed'],
})

let t: TestApp
let app: FastifyInstance
let caller: Caller
let tried: unknown
let attempt: (config: Loose) => unknown = () => {}
const tryOn = (config: FastifyContextConfig): void => {
  try {
    tried = attempt(config as Loose)
  } catch (error) {
    tried = error
  }
}
const kept = { gate: shut() }

before(async () => {
  t = await startTestApp()
  caller = await signUp(t, 'ann')
  const plugin = async (scope: FastifyInstance): Promise<void> => {
    // It sees every answer, also that of a request that was refused, and the first one of each route.
    scope.addHook('onSend', async ({ routeOptions }) => tryOn(routeOptions.config))
    scope.get('/shut', { config: { gate: shut() } }, async () => ({}))
    scope.get('/unseen', { config: { gate: shut() } }, async () => ({}))
    scope.get('/kept', { config: kept }, async () => ({}))
    for (const index of Object.keys(attempts).keys())
      scope.get(`/first/${index}`, { config: { gate: shut() } }, async () => ({}))
  }
  const log = pino({ enabled: false })
  ;({ app } = await createApp({ engine: t.engine, log, mount: '/auth', application: { plugin } }))
})
after(async () => {
  await app.close()
  await t.close()
})

const statusOf = async (url: string): Promise<number> => {
  const headers = { authorization: `Bearer ${caller.access}` }
  return (await app.inject({ url, headers })).statusCode
}

describe('privilege escalation: code behind the gate that changes the rule of a route', () => {
  for (const [index, [name, tryIt]] of Object.entries(attempts).entries())
    test(`${name}: throws, and lets nobody in`, async () => {
      attempt = tryIt
      for (const url of ['/shut', '/shut', `/first/${index}`, `/first/${index}`]) {
        assert.equal(await statusOf(url), 403)
        assert.ok(tried instanceof TypeError, `${url}: ${tried}`)
      }
    })

  test('by what it declared it with: throws, and lets nobody in', async () => {
    attempt = () => {}
    const rule = kept as unknown as Loose
    for (const tryIt of Object.values(attempts)) assert.throws(() => tryIt(rule), TypeError)
    assert.equal(await statusOf('/kept'), 403)
  })

  test('at a request that was refused before its rule was asked for: throws, and lets nobody in', async () => {
    attempt = config => Object.assign(config, { gate: open })
    const host = ['a.test', 'b.test'] as unknown as string
    const refused = await app.inject({ method: 'GET', url: '/unseen', headers: { host } })
    assert.equal(refused.json().code, 'malformed_request')
    assert.ok(tried instanceof TypeError, String(tried))
    assert.equal(await statusOf('/unseen'), 403)
  })
})
