import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { changeRoles, createUser, disableUser } from 'gatewright/administration'
import { commandLineOrigin, systemOrigin } from '../../packages/gatewright/src/audit/record.ts'
import { day } from '../../packages/gatewright/src/ground/clock.ts'
import {
  completeSetup,
  openSetupLink,
  replaceSetupLink,
} from '../../packages/gatewright/src/sign-in/setup-link.ts'
import { testsDatabase } from '../environment.ts'
import { type Answer, password, startTestApp, type TestApp } from '../harness.ts'
import { openSecondConnection } from './second-connection.ts'
import { addUser } from './signed-in.ts'

let t: TestApp
beforeEach(async () => {
  t = await startTestApp()
})
afterEach(() => t.close())

const openLink = async (): Promise<string> => {
  const link = await openSetupLink(t.engine)
  assert.ok(link.state === 'made')
  return link.token
}
const setUp = (token: string, username = 'root', extra: object = {}): Promise<Answer> =>
  t.call('POST', 'setup', { body: { token, username, password, ...extra } })

const listAdministrators = async (): Promise<readonly string[]> => {
  const rows = await t.engine.db
    .selectFrom('user_roles')
    .innerJoin('users', 'users.id', 'user_roles.user_id')
    .select('username')
    .where('role', '=', 'admin')
    .execute()
  return rows.map(({ username }) => username)
}

const assertRefused = async (answer: Answer): Promise<void> => {
  assert.deepEqual([answer.status, answer.body.code], [400, 'invalid_link'], answer.text)
}

describe('the set-up link', () => {
  test('makes the first administrator, who may do everything, once', async () => {
    const token = await openLink()
    const made = await setUp(token)
    assert.equal(made.status, 201, made.text)
    assert.deepEqual(made.body.roles, ['admin'])
    assert.deepEqual(made.body.permissions, [...t.engine.roleTable.permissions.keys()].sort())
    const login = await t.call('POST', 'login', { body: { username: 'root', password } })
    const { body } = await t.call('GET', 'protected', { token: login.body.access_token })
    assert.deepEqual(body.permissions, [...t.engine.roleTable.permissions.keys()].sort())
    await assertRefused(await setUp(token, 'second'))
    assert.deepEqual(await listAdministrators(), ['root'])
  })

  test('used by twenty at once makes one administrator', async () => {
    const token = await openLink()
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => setUp(token, `root${n}`)))
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, ...Array(19).fill(400)])
    assert.equal((await listAdministrators()).length, 1)
    assert.equal((await t.engine.db.selectFrom('users').select('id').execute()).length, 1)
  })

  test('is not held by a set-up that waits for its turn: who replaces it meanwhile waits for nobody', async () => {
    const token = await openLink()
    const second = openSecondConnection(t.engine)
    await second.run(testsDatabase.kind === 'sqlite' ? 'begin immediate' : 'begin')
    if (testsDatabase.kind === 'postgres') await second.run('select 1 from installation for no key update')
    const setup = completeSetup(t.engine, { token, username: 'root', password }, systemOrigin)
    setup.catch(() => {})
    await second.untilBlocked(1)
    if (testsDatabase.kind === 'postgres') await second.run("set lock_timeout = '100ms'")
    await second.run('delete from setup_links')
    await second.run('commit')
    second.close()
    await assert.rejects(setup, { code: 'invalid_link' })
  })

  test('is kept as a hash only', async () => {
    const token = await openLink()
    const rows = await t.engine.db.selectFrom('setup_links').selectAll().execute()
    assert.equal(rows.length, 1)
    assert.ok(!JSON.stringify(rows).includes(token))
  })

  const wrong: Record<string, (token: string) => string> = {
    'another token': () => 'A'.repeat(43),
    'its own with a letter more': token => `${token}A`,
    'its own in another case': token => token.toUpperCase(),
    'its hash': () => 'n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg',
    'a wildcard': () => '%',
  }
  for (const [name, change] of Object.entries(wrong))
    test(`is not opened by ${name}, and stays open`, async () => {
      const token = await openLink()
      const hashes = t.engine.hasher.count()
      await assertRefused(await setUp(change(token)))
      assert.equal(t.engine.hasher.count(), hashes, 'nothing was hashed')
      assert.equal((await setUp(token)).status, 201)
    })

  test('is not opened by what stands in the database', async () => {
    await openLink()
    const { token_hash } = await t.engine.db.selectFrom('setup_links').selectAll().executeTakeFirstOrThrow()
    await assertRefused(await setUp(token_hash))
  })

  test('works until a day has passed, and not a moment longer', async () => {
    const token = await openLink()
    t.clock.advance(day)
    await assertRefused(await setUp(token))
    t.clock.advance(-1)
    assert.equal((await setUp(token)).status, 201)
  })

  test('that expired is replaced at the next start, one that is open is not', async () => {
    const old = await openLink()
    assert.equal((await openSetupLink(t.engine)).state, 'open already')
    t.clock.advance(day)
    const token = await openLink()
    await assertRefused(await setUp(old))
    assert.equal((await setUp(token)).status, 201)
  })

  test('that was replaced by command opens nothing any more', async () => {
    const old = await openLink()
    const made = await replaceSetupLink(t.engine, commandLineOrigin)
    assert.ok(made.state === 'made')
    await assertRefused(await setUp(old))
    assert.equal((await setUp(made.token)).status, 201)
  })

  const spoilt: Record<
    string,
    { readonly extra: object; readonly username?: string; readonly status: number }
  > = {
    'a short password': { extra: { password: 'short' }, status: 400 },
    'a name that can not be one': { extra: {}, username: 'a@b', status: 400 },
    'a name that is taken': { extra: {}, username: 'alice', status: 409 },
    'roles of the own choice': { extra: { roles: ['admin'] }, status: 400 },
  }
  for (const [name, { extra, username, status }] of Object.entries(spoilt))
    test(`is not used up by ${name}`, async () => {
      await addUser(t.engine, 'alice')
      const token = await openLink()
      assert.equal((await setUp(token, username, extra)).status, status)
      assert.equal(
        (await setUp(token, 'admin')).status,
        201,
        'a reserved name is for the first administrator',
      )
    })

  test('is not changed by people who register first: they are plain users', async () => {
    const token = await openLink()
    const { body } = await t.call('POST', 'register', { body: { username: 'early', password } })
    assert.deepEqual(body.roles, ['user'])
    assert.equal((await setUp(token)).status, 201)
    assert.deepEqual(await listAdministrators(), ['root'])
  })
})

describe('once an administrator has existed the link is closed for good', () => {
  const origin = systemOrigin
  const ways: Record<string, () => Promise<unknown>> = {
    'made by command': () =>
      createUser(t.engine, { username: 'root', password, roles: ['admin'] }, commandLineOrigin),
    'made of a plain user': async () => {
      const { id: userId } = await addUser(t.engine, 'alice')
      await changeRoles(t.engine, { userId, roles: ['user', 'admin'], origin })
    },
    'made by command, and disabled by hand in the database': async () => {
      await createUser(t.engine, { username: 'root', password, roles: ['admin'] }, commandLineOrigin)
      await t.engine.db.updateTable('users').set({ disabled_at: 1 }).execute()
    },
    'of two, both taken away again by hand in the database': async () => {
      const { id: userId } = await addUser(t.engine, 'alice', { roles: ['admin'] })
      await addUser(t.engine, 'bob', { roles: ['admin'] })
      await disableUser(t.engine, { userId, origin })
      await t.engine.db.deleteFrom('user_roles').execute()
    },
  }
  for (const [name, make] of Object.entries(ways))
    test(name, async () => {
      const token = await openLink()
      await make()
      await assertRefused(await setUp(token, 'intruder'))
      assert.deepEqual(await openSetupLink(t.engine), { state: 'closed' })
      assert.deepEqual(await replaceSetupLink(t.engine, commandLineOrigin), { state: 'closed' })
      await assertRefused(await setUp(token, 'intruder'))
    })

  test('also for a set-up whose password was being hashed when the administrator was made', async () => {
    const token = await openLink()
    const hash: typeof t.engine.hasher.hash = async shown => {
      await createUser(t.engine, { username: 'root', password, roles: ['admin'] }, commandLineOrigin)
      return t.engine.hasher.hash(shown)
    }
    const overtaken = { ...t.engine, hasher: { ...t.engine.hasher, hash } }
    const setup = completeSetup(overtaken, { token, username: 'intruder', password }, origin)
    await assert.rejects(setup, { code: 'invalid_link' })
    assert.deepEqual(await listAdministrators(), ['root'])
  })
})
