import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { permission, signedIn } from 'gatewright/access'
import { changeRoles } from 'gatewright/administration'
import { createApp } from 'gatewright/app'
import type { Principal } from 'gatewright/principal'
import { principalOf } from 'gatewright/request'
import { pino } from 'pino'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { type Caller, startTestApp, type TestApp } from '../harness.ts'
import { makeOwner } from '../senders.ts'
import { openBrowser } from '../sessions/browser.ts'

/** What a handler tries on whom it was given: a library's bug, or a mistake, or malice. */
type Attempt = (principal: Principal) => unknown

/** The same value to a handler that the compiler does not hold. */
type Loose = {
  permissions: Set<string> & Record<string | symbol, unknown>
  roles: string[]
  amr: string[]
  userId: string
}
const loose = (principal: Principal): Loose => principal as unknown as Loose

const raise = 'users:write'
const attempts: Readonly<Record<string, Attempt>> = {
  'a permission added': principal => loose(principal).permissions.add(raise),
  'a permission added by the method of every set': principal =>
    Set.prototype.add.call(loose(principal).permissions, raise),
  'a permission taken away': principal => loose(principal).permissions.delete('users:read'),
  'all permissions taken away': principal => loose(principal).permissions.clear(),
  'a permission added by what goes through them': ({ permissions }) => {
    const found = permissions[Symbol.iterator]() as unknown as { add: (name: string) => void }
    found.add(raise)
  },
  'has that is always true': principal => {
    loose(principal).permissions.has = () => true
  },
  'has that is defined anew': ({ permissions }) =>
    Object.defineProperty(permissions, 'has', { value: () => true }),
  'another prototype of the permissions': ({ permissions }) =>
    Object.setPrototypeOf(permissions, { add: () => {} }),
  'other permissions': principal => {
    loose(principal).permissions = new Set([raise]) as unknown as Loose['permissions']
  },
  'a role added': principal => loose(principal).roles.push('admin'),
  'a role replaced': principal => {
    loose(principal).roles[0] = 'admin'
  },
  'the roles emptied': principal => {
    loose(principal).roles.length = 0
  },
  'other roles': principal => {
    loose(principal).roles = ['admin']
  },
  'a proof added': principal => loose(principal).amr.push('otp'),
  'another user': principal => {
    loose(principal).userId = 'somebody else'
  },
}

let t: TestApp
let app: FastifyInstance
let attempt: Attempt = () => {}
before(async () => {
  t = await startTestApp()
  const gateOf = (access: ReturnType<typeof signedIn>) =>
    ({ gate: { access, limit: 'read', audit: 'none' } }) as const
  const tell = (request: FastifyRequest) => {
    const { userId, roles, amr, permissions } = principalOf(request)
    return { userId, roles, amr, permissions: [...permissions].sort() }
  }
  const plugin = async (scope: FastifyInstance): Promise<void> => {
    scope.get('/hostile', { config: gateOf(signedIn()) }, async request => {
      try {
        attempt(principalOf(request))
        return { tried: 'done' }
      } catch (error) {
        return { tried: error instanceof TypeError ? 'TypeError' : String(error) }
      }
    })
    scope.get('/told', { config: gateOf(signedIn()) }, async request => tell(request))
    scope.get('/guarded', { config: gateOf(permission(raise)) }, async () => ({}))
  }
  const log = pino({ enabled: false })
  ;({ app } = await createApp({ engine: t.engine, log, mount: '/auth', application: { plugin } }))
})
after(async () => {
  await app.close()
  await t.close()
})

type Shown = Readonly<Record<string, string>>

const get = (url: string, headers: Shown) => app.inject({ method: 'GET', url, headers })
const read = async (url: string, shown: Shown) => (await get(url, shown)).json()

const byToken = ({ access }: Caller): Shown => ({ authorization: `Bearer ${access}` })

const credentials: Readonly<Record<string, () => Promise<Shown>>> = {
  'a token that says the roles': async () => byToken(await makeOwner(t)),
  'a token of a user whose roles are read again': async () => {
    const caller = await makeOwner(t)
    await changeRoles(t.engine, { userId: caller.id, roles: ['moderator'], origin })
    return byToken(caller)
  },
  'a cookie': async () => {
    const { username } = await makeOwner(t)
    return { cookie: (await openBrowser(t, username)).cookie }
  },
}

for (const [credential, make] of Object.entries(credentials))
  describe(`privilege escalation: a handler that changes the caller of ${credential}`, () => {
    let shown: Shown
    before(async () => {
      shown = await make()
    })
    for (const [name, tryIt] of Object.entries(attempts))
      test(`${name}: throws, and changes no other request`, async () => {
        const told = await read('/told', shown)
        attempt = tryIt
        assert.deepEqual(await read('/hostile', shown), { tried: 'TypeError' })
        assert.deepEqual(await read('/told', shown), told)
        assert.equal((await get('/guarded', shown)).statusCode, 403)
      })

    const isMadeOnce = credential !== 'a cookie'
    test(`is given ${isMadeOnce ? 'the same one at every request: nothing of it is made anew' : 'one of its own, as the database has it'}`, async () => {
      const given: Principal[] = []
      attempt = principal => given.push(principal)
      for (const _ of [1, 2]) await get('/hostile', shown)
      assert.equal(given.length, 2)
      assert.equal(given[0] === given[1], isMadeOnce)
    })
  })

test('the compiler as well lets nobody change a caller', () => {
  type Changing = 'add' | 'delete' | 'clear' | 'push' | 'pop' | 'splice' | 'sort'
  type Changes<Value> = Value extends unknown ? Extract<keyof Value, Changing> : never
  type IsFixed = Changes<Principal['permissions' | 'roles' | 'amr']> extends never ? true : false
  const isFixed: IsFixed = true
  assert.ok(isFixed)
})
