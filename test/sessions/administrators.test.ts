import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { changeRoles } from 'gatewright/administration'
import type { Engine } from 'gatewright/compose'
import { inTransaction } from 'gatewright/transaction'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { hour, minute, second, systemClock } from '../../packages/gatewright/src/ground/clock.ts'
import { createLiveRoles } from '../../packages/gatewright/src/permissions/live-roles.ts'
import { administrativePermissions } from '../../packages/gatewright/src/permissions/permissions.ts'
import {
  createRoleTable,
  isAdministrative,
  type RoleTable,
} from '../../packages/gatewright/src/permissions/roles.ts'
import { listSessions } from '../../packages/gatewright/src/sessions/list-sessions.ts'
import { renewSession } from '../../packages/gatewright/src/sessions/sessions.ts'
import { refresh } from '../../packages/gatewright/src/sign-in/refresh.ts'
import { replaceRoles } from '../../packages/gatewright/src/users/users.ts'
import { password, signUp, startTestApp, type TestApp } from '../harness.ts'
import { freshName } from '../senders.ts'
import { type Browser, browse, openBrowser, show } from './browser.ts'
import { addUser, type SignedIn, signInAs } from './signed-in.ts'

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

const idle = hour
const longest = 12 * hour

const wholeSecond = (time: number): number => Math.floor(time / second) * second

/** An engine that knows an application's role which may read the audit log, and one which may not. */
const withRoles = (engine: Engine): Engine => {
  const roles = { auditor: ['audit:read'], author: ['users:read'] } as const
  return { ...engine, roleTable: toLive(createRoleTable({ roles })) }
}

/** As a process has it where nobody makes a role. */
const toLive = (table: RoleTable) => createLiveRoles({ read: async () => table, clock: systemClock }, table)

/** Refreshes by the engine, and holds what came. */
const refreshWith = async (engine: Engine, held: { refresh: string }) =>
  refresh(engine, { text: held.refresh, origin, countUse: () => {} })

const sessionOf = (id: string) =>
  t.engine.db.selectFrom('sessions').selectAll().where('id', '=', id).executeTakeFirstOrThrow()

const open = async (roles: readonly string[]): Promise<SignedIn> =>
  signInAs(t.engine, (await addUser(t.engine, freshName(), { roles })).id)

const statusOf = async ({ access }: { readonly access: string }): Promise<string> =>
  show(await t.call('GET', 'me', { token: access }))

const refreshed = async (held: { readonly refresh: string }) =>
  t.call('POST', 'refresh', { body: { refresh_token: held.refresh } })

/** Uses the session as a client does, so that it is never unused for long. */
const keepInUse = async (held: SignedIn, milliseconds: number): Promise<SignedIn> => {
  let now = held
  for (let passed = 0; passed < milliseconds; ) {
    const step = Math.min(50 * minute, milliseconds - passed)
    t.clock.advance(step)
    passed += step
    const { status, body, text } = await refreshed(now)
    assert.equal(status, 200, text)
    now = { ...now, access: body.access_token, refresh: body.refresh_token }
  }
  return now
}

const endOfSession = async (held: SignedIn): Promise<readonly unknown[]> => {
  const { end_reason } = await sessionOf(held.sessionId)
  return [(await refreshed(held)).body.code, end_reason]
}

const give = (userId: string, ...roles: readonly string[]) =>
  changeRoles(t.engine, { userId, roles: ['user', ...roles], origin })

describe('an administrator is whoever holds an administrative permission', () => {
  const { roleTable } = withRoles({} as Engine)
  for (const [roles, verdict] of [
    [['admin'], true],
    [['auditor'], true],
    [['user', 'auditor'], true],
    [['author'], false],
    [['user', 'moderator'], false],
    [[], false],
    [['no such role'], false],
    [['constructor'], false],
  ] as const)
    test(`${JSON.stringify(roles)}: ${verdict}`, () =>
      assert.equal(isAdministrative(roleTable, roles), verdict))

  test('which are those of the contract', () =>
    assert.deepEqual([...administrativePermissions].sort(), [
      ...['api-keys:write', 'audit:read', 'clients:write', 'metrics:read', 'revocations:read', 'roles:write'],
      ...['sessions:write', 'settings:read', 'signing-keys:write', 'users:write'],
    ]))
})

describe('a session of an administrator that holds tokens', () => {
  test('ends when it was unused for an hour, and that of a user does not', async () => {
    const [admin, user] = [await open(['admin']), await open(['user', 'moderator'])]
    t.clock.advance(idle)
    assert.equal((await refreshed(admin)).body.code, 'session_ended')
    assert.deepEqual(await endOfSession(admin), ['session_ended', 'idle'])
    assert.equal((await refreshed(user)).status, 200)
  })

  test('goes on when it was used a moment earlier', async () => {
    const admin = await open(['admin'])
    t.clock.advance(idle - 1)
    assert.equal((await refreshed(admin)).status, 200)
  })

  test('ends twelve hours after the sign-in, however much it was used', async () => {
    const admin = await keepInUse(await open(['admin']), longest - 1)
    t.clock.advance(1)
    assert.deepEqual(await endOfSession(admin), ['session_ended', null])
    assert.equal((await sessionOf(admin.sessionId)).end_reason, 'expired')
  })

  test('promises no access token past that end', async () => {
    const admin = await keepInUse(await open(['admin']), longest - 4 * minute)
    const { body } = await refreshed(admin)
    assert.equal(body.expires_in, 240)
    const { token_expires_at, created_at } = await sessionOf(admin.sessionId)
    assert.equal(token_expires_at, wholeSecond(created_at + longest))
    t.clock.advance(4 * minute)
    assert.equal(await statusOf({ access: body.access_token }), '401 token_expired')
  })

  test('promises none past its idle end either, whatever ACCESS_TOKEN_TTL is', async owner => {
    const own = await startTestApp({ accessTokenTtl: 2 * hour })
    owner.after(() => own.close())
    const { body } = await own.call('POST', 'login', {
      body: { username: (await signUp(own, 'root', ['admin'])).username, password },
    })
    assert.equal(body.expires_in, idle / second)
  })

  const proof = () => ({ userVersion: 1, amr: ['pwd'], secretId: t.engine.secrets.newestId })

  test('is not made longer by a step-up', async () => {
    const admin = await keepInUse(await open(['admin']), longest - minute)
    const { session } = await inTransaction(t.engine.db, work =>
      renewSession(t.engine, work, { ...admin, ...proof(), origin }),
    )
    assert.equal(session.token_expires_at, wholeSecond(session.created_at + longest))
  })

  for (const [reason, passes] of [
    ['idle', idle],
    ['expired', longest],
  ] as const)
    test(`is not renewed when it is over: ${reason}`, async () => {
      const admin =
        reason === 'idle' ? await open(['admin']) : await keepInUse(await open(['admin']), passes - 1)
      t.clock.advance(reason === 'idle' ? passes : 1)
      const renewing = inTransaction(t.engine.db, work =>
        renewSession(t.engine, work, { ...admin, ...proof(), origin }),
      )
      await assert.rejects(renewing, { code: 'session_ended' })
    })

  test('stands in the list with its own end, and no longer when it is over', async () => {
    const first = await open(['admin'])
    const { created_at } = await sessionOf(first.sessionId)
    const [listed] = await listSessions(t.engine, first.userId)
    assert.equal(listed?.expires_at, created_at + longest)
    t.clock.advance(idle)
    const second = await signInAs(t.engine, first.userId)
    assert.deepEqual(
      (await listSessions(t.engine, first.userId)).map(({ id }) => id),
      [second.sessionId],
    )
  })

  test('never lives longer than that of a user, where users have shorter times', async owner => {
    const own = await startTestApp({ sessionIdleTtl: 20 * minute, sessionMaxTtl: 30 * minute })
    owner.after(() => own.close())
    const { refresh: token } = await signUp(own, 'root', ['admin'])
    own.clock.advance(20 * minute)
    const answer = await own.call('POST', 'refresh', { body: { refresh_token: token } })
    assert.equal(answer.body.code, 'session_ended')
  })
})

describe('a session of an administrator that a cookie holds', () => {
  let tab: Browser
  beforeEach(async () => {
    const { username } = await signUp(t, freshName(), ['admin'])
    tab = await openBrowser(t, username)
  })
  const me = () => browse(t, tab, 'GET', 'me')

  test('ends when it was unused for an hour', async () => {
    t.clock.advance(idle)
    assert.equal(show(await me()), '401 session_ended')
  })

  test('is kept by each use, also by a page that asks on its own, but for twelve hours only', async () => {
    for (let passed = 0; passed < longest - 30 * minute; passed += 30 * minute) {
      t.clock.advance(30 * minute)
      assert.equal(show(await me()), '200')
    }
    t.clock.advance(30 * minute)
    assert.equal(show(await me()), '401 session_ended')
  })

  test('is not kept longer by the browser', async () => {
    const answer = await browse(t, tab, 'POST', 'step-up', { body: { password } })
    assert.match(String(answer.headers['set-cookie']), new RegExp(`Max-Age=${longest / second};`))
  })

  test('is judged by the roles in the database at that moment, whatever an event said', async () => {
    const { username } = await signUp(t, freshName())
    const browser = await openBrowser(t, username)
    const { id } = (await browse(t, browser, 'GET', 'me')).body
    t.clock.advance(idle)
    await inTransaction(t.engine.db, work => replaceRoles(t.engine, work, id, ['admin']))
    assert.equal(show(await browse(t, browser, 'GET', 'me')), '401 session_ended')
  })
})

describe('who becomes an administrator while signed in', () => {
  /** A user who refreshed a moment ago, so long after the sign-in. */
  const openOld = async (age: number): Promise<SignedIn> => {
    const held = await open(['user'])
    t.clock.advance(age)
    const { body } = await refreshed(held)
    return { ...held, access: body.access_token, refresh: body.refresh_token }
  }

  test('loses a session older than twelve hours at once, tokens and all, and its trace says why', async () => {
    const old = await openOld(longest)
    assert.equal(await statusOf(old), '200')
    await give(old.userId, 'admin')
    assert.equal(await statusOf(old), '401 session_ended')
    assert.deepEqual(await endOfSession(old), ['session_ended', 'expired'])
  })

  test('loses a session unused for an hour', async () => {
    const unused = await open(['user'])
    t.clock.advance(idle)
    await give(unused.userId, 'admin')
    assert.deepEqual(await endOfSession(unused), ['session_ended', 'idle'])
  })

  test('loses a session whose access token would outlive its shorter end', async () => {
    const late = await openOld(longest - 9 * minute)
    await give(late.userId, 'admin')
    assert.equal(await statusOf(late), '401 session_ended')
  })

  test('keeps a younger one, which ends twelve hours after the sign-in and not after the change', async () => {
    const young = await openOld(longest - 30 * minute)
    await give(young.userId, 'admin')
    assert.equal(await statusOf(young), '200')
    t.clock.advance(29 * minute)
    const { body } = await refreshed(young)
    assert.equal(body.expires_in, 60)
    t.clock.advance(minute)
    assert.equal((await refreshed({ refresh: body.refresh_token })).body.code, 'session_ended')
  })

  test('loses a cookie session that is too old', async () => {
    const { id, username } = await signUp(t, freshName())
    const tab = await openBrowser(t, username)
    t.clock.advance(longest)
    assert.equal(show(await browse(t, tab, 'GET', 'me')), '200')
    await give(id, 'admin')
    assert.equal(show(await browse(t, tab, 'GET', 'me')), '401 session_ended')
  })

  test('costs nobody else a session, and a role without such a permission costs none', async () => {
    const [old, other] = [await openOld(longest), await open(['user'])]
    t.clock.advance(minute)
    await give(old.userId, 'moderator')
    assert.equal(await statusOf(old), '200')
    await give((await open(['user'])).userId, 'admin')
    assert.equal(await statusOf(other), '200')
  })

  test("by a role of the application's own is one as well", async () => {
    const engine = withRoles(t.engine)
    const author = await open(['user'])
    const old = await openOld(longest)
    await changeRoles(engine, { userId: old.userId, roles: ['auditor'], origin })
    await changeRoles(engine, { userId: author.userId, roles: ['author'], origin })
    assert.equal(await statusOf(old), '401 session_ended')
    assert.equal((await refreshed(author)).status, 200)
  })

  test('by a declaration that changed has the shorter times from the next refresh on', async () => {
    const held = await open(['author'])
    t.clock.advance(idle)
    const roleTable = toLive(createRoleTable({ roles: { author: ['users:write'] } }))
    await assert.rejects(refreshWith({ ...t.engine, roleTable }, held), { code: 'session_ended' })
  })

  test('while a refresh is under way holds no token past the shorter end, whichever comes first', async () => {
    for (let round = 0; round < 10; round++) {
      const held = await open(['user'])
      t.clock.advance(longest - 5 * minute)
      const [answer] = await Promise.all([refreshed(held), give(held.userId, 'admin')])
      const { created_at, ended_at, token_expires_at } = await sessionOf(held.sessionId)
      assert.ok(ended_at !== null || token_expires_at <= created_at + longest)
      if (ended_at !== null && answer.status === 200)
        assert.equal(await statusOf({ access: answer.body.access_token }), '401 session_ended')
    }
  })
})

describe('who is an administrator no longer', () => {
  test('has the longer times again, in a session that has not ended', async () => {
    const [root, held] = [await open(['admin']), await open(['admin'])]
    await give(held.userId)
    t.clock.advance(longest)
    assert.equal((await refreshed(held)).status, 200)
    assert.ok(root)
  })

  test('does not get back a session that ended by the shorter ones', async () => {
    const held = await open(['admin'])
    t.clock.advance(idle)
    await refreshed(held)
    await give(held.userId)
    assert.equal((await refreshed(held)).body.code, 'session_ended')
  })
})
