import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import Fastify, { type FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { compose, type Engine } from '../compose.ts'
import type { GateRule } from '../gate/passage.ts'
import { defaultSettings } from '../ground/settings.ts'
import {
  allOf,
  anyOf,
  everyone,
  owner,
  type Permission,
  permission,
  role,
  signedIn,
} from '../permissions/access-rule.ts'
import { gatePlugin } from './plugin.ts'

const log = pino({ level: 'silent' })
const folder = mkdtempSync(join(tmpdir(), 'gatewright-'))
const settings = defaultSettings({ databaseUrl: `sqlite:${join(folder, 'test.db')}` })
const gate = { access: everyone(), limit: 'read', audit: 'none' } as const
const handler = async () => 'reached'

let engine: Engine
before(async () => {
  engine = await compose({ settings, durability: 'off' })
})
after(async () => {
  await engine.close()
  rmSync(folder, { recursive: true })
})

/** Starts an API with the gate and these further routes. */
const start = async (
  add: (app: FastifyInstance) => unknown,
  early = (_app: FastifyInstance): unknown => undefined,
) => {
  const app = Fastify()
  early(app)
  await app.register(gatePlugin, { engine, log })
  await add(app)
  await app.ready()
  return app
}

/** What a caller without types might write. */
const fromJavaScript = (gate: Partial<GateRule>): GateRule => gate as GateRule

/** Each is a way to have a route that nobody declared. */
const undeclared: readonly [string, RegExp, (app: FastifyInstance) => unknown][] = [
  ['no declaration', /the route GET \/open has no access rule/, app => app.get('/open', handler)],
  [
    'a declaration without an access rule',
    /GET \/open has no access rule/,
    app => app.get('/open', { config: { gate: fromJavaScript({ limit: 'read', audit: 'none' }) } }, handler),
  ],
  [
    'no limit',
    /GET \/open has no limit/,
    app =>
      app.get('/open', { config: { gate: fromJavaScript({ access: everyone(), audit: 'none' }) } }, handler),
  ],
  [
    'no word on audit events',
    /GET \/open does not say which audit events/,
    app =>
      app.get('/open', { config: { gate: fromJavaScript({ access: everyone(), limit: 'read' }) } }, handler),
  ],
  [
    'an owner of something that nobody can find',
    /speaks of a boat: give its finder/,
    app => app.get('/boats/:id', { config: { gate: { ...gate, access: owner('boat') } } }, handler),
  ],
  [
    'two things, of which the path can name one',
    /GET \/boats\/:id speaks of a boat and a car, and its path names one thing/,
    app => {
      const access = anyOf(allOf(owner('boat'), signedIn()), owner('boat'), owner('car'))
      app.get('/boats/:id', { config: { gate: { ...gate, access } } }, handler)
    },
  ],
  [
    'a permission that nobody declared',
    /the access rule of GET \/open names the permission reports:raed, which nobody declared/,
    app => {
      const access = anyOf(permission('users:write'), permission('reports:raed' as Permission))
      app.get('/open', { config: { gate: { ...gate, access } } }, handler)
    },
  ],
  [
    'a permission that nobody declared, in what a part of its input asks for',
    /the access rule of GET \/open names the permission reports:raed, which nobody declared/,
    app => {
      const furtherAccess = permission('reports:raed' as Permission)
      app.get('/open', { config: { gate: { ...gate, furtherAccess } } }, handler)
    },
  ],
  [
    'a role that nobody declared',
    /the access rule of GET \/open names the role moderater, which nobody declared: .* or write one of user, moderator, admin/,
    app =>
      app.get(
        '/open',
        { config: { gate: { ...gate, access: allOf(signedIn(), role('moderater')) } } },
        handler,
      ),
  ],
  [
    'a kind of principal that there is not',
    /GET \/open names the kind of principal apikey, and there are user, api-key, client: write principals/,
    app =>
      app.get(
        '/open',
        { config: { gate: fromJavaScript({ ...gate, principals: ['apikey'] as never }) } },
        handler,
      ),
  ],
  [
    'no kind of principal',
    /GET \/open is for no kind of principal: write principals/,
    app => app.get('/open', { config: { gate: { ...gate, access: signedIn(), principals: [] } } }, handler),
  ],
  [
    'a limit that counts nobody who may come',
    /GET \/open is public, and its limit write counts nobody without a credential/,
    app => app.get('/open', { config: { gate: { ...gate, limit: 'write' } } }, handler),
  ],
  [
    'a limit of its own that counts strangers only',
    /the limit mine of the route GET \/open counts nobody who is signed in/,
    app => {
      const row = { by: 'anonymous', count: 1, window: 60_000, kind: 'fast', describe: 'A test.' } as const
      app.get('/open', { config: { gate: { ...gate, limit: { name: 'mine', rows: [row] } } } }, handler)
    },
  ],
  [
    'a limit that counts users only, where API keys may come',
    /the limit people of the route GET \/open counts no API key, which the route is for: give it a row by 'api-key'/,
    app => {
      const row = { by: 'user', count: 1, window: 60_000, kind: 'fast', describe: 'A test.' } as const
      const own = { ...gate, access: signedIn(), limit: { name: 'people', rows: [row] } } as const
      app.get('/open', { config: { gate: { ...own, principals: ['user', 'api-key'] } } }, handler)
    },
  ],
  [
    'a limit that counts API keys only, where clients may come',
    /the limit programs of the route GET \/open counts nobody who is signed in/,
    app => {
      const row = { by: 'api-key', count: 1, window: 60_000, kind: 'fast', describe: 'A test.' } as const
      const own = { ...gate, access: signedIn(), limit: { name: 'programs', rows: [row] } } as const
      app.get('/open', { config: { gate: { ...own, principals: ['api-key', 'client'] } } }, handler)
    },
  ],
  [
    'a plugin inside a plugin',
    /the route POST \/deep\/er has no access rule/,
    app =>
      app.register(async outer => {
        await outer.register(async inner => inner.post('/er', handler), { prefix: '/deep' })
      }),
  ],
]

for (const [what, message, add] of undeclared)
  test(`a route with ${what} stops the start and is named`, async () => {
    await assert.rejects(start(add), message)
  })

test('a route added before the gate stops the start', async () => {
  await assert.rejects(
    start(
      () => undefined,
      app => app.get('/early', handler),
    ),
    /register gatewright before any route[\s\S]*\/early/,
  )
})

test('a route that a plugin from before the gate adds past it stops the start', async () => {
  let stranger: FastifyInstance | undefined
  const early = (app: FastifyInstance): unknown =>
    app.register(async scope => {
      stranger = scope
    })
  await assert.rejects(
    start(() => stranger?.get('/past', handler), early),
    /a route was added past the gate[\s\S]*\/past/,
  )
})

test('two routes that the API reference can not tell apart stop the start and are named', async () => {
  await assert.rejects(
    start(server => {
      server.get('/boats/:id', { config: { gate } }, handler)
      server.get('/boats/:name(^x)', { config: { gate } }, handler)
    }),
    /the API reference and the routes do not agree: GET \/boats\/:id and \/boats\/:name/,
  )
})

test('a declared route is served, and HEAD with it', async () => {
  const app = await start(server => server.get('/open', { config: { gate } }, handler))
  assert.equal((await app.inject('/open')).statusCode, 200)
  assert.equal((await app.inject({ method: 'HEAD', url: '/open' })).statusCode, 200)
  await app.close()
})

test('a rule that names another kind of principal does not let a user in, nor anybody without a credential', async () => {
  const app = await start(server =>
    server.get(
      '/keys-only',
      { config: { gate: { ...gate, access: signedIn(), principals: ['api-key'] } } },
      handler,
    ),
  )
  assert.equal((await app.inject('/keys-only')).statusCode, 401)
  await app.close()
})

test('routes of every form are counted: parameters, wildcards, several methods, shared prefixes, expressions', async () => {
  const app = await start(server => {
    for (const url of [
      '/a/:x/b',
      '/a/:x/c',
      '/a',
      '/ab',
      '/abc/*',
      '/files/:name.:type',
      '/n/:id(^\\d+$)',
      '/café',
    ])
      server.get(url, { config: { gate } }, handler)
    server.route({ method: ['PUT', 'PATCH', 'DELETE'], url: '/a', config: { gate }, handler })
    server.route({ method: 'GET', url: '/v', constraints: { version: '1.0.0' }, config: { gate }, handler })
    server.all('/every', { config: { gate } }, handler)
  })
  assert.equal((await app.inject('/abc/d/e')).statusCode, 200)
  await app.close()
})

test("a plugin's own handler for unknown paths is no door without a rule", async () => {
  const app = await start(server =>
    server.register(
      async scope => {
        scope.setNotFoundHandler(async () => 'reached')
      },
      { prefix: '/files' },
    ),
  )
  for (const method of ['GET', 'POST', 'DELETE'] as const) {
    const answer = await app.inject({ method, url: '/files/secret' })
    assert.equal(answer.statusCode, 404)
    assert.equal(answer.json().code, 'not_found')
  }
  await app.close()
})
