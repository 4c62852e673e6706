import assert from 'node:assert/strict'
import type { SQLInputValue } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { day } from 'gatewright/clock'
import { newSecret, systemRandom } from 'gatewright/random'
import type { CompiledQuery } from 'kysely'
import { deleteUser } from '../../packages/gatewright/src/administration/delete-user.ts'
import { createStatistics } from '../../packages/gatewright/src/administration/statistics.ts'
import { disableUser } from '../../packages/gatewright/src/administration/users.ts'
import { type AuditEventName, auditEvents } from '../../packages/gatewright/src/audit/events.ts'
import { toNewEvent } from '../../packages/gatewright/src/audit/new-event.ts'
import { systemOrigin } from '../../packages/gatewright/src/audit/record.ts'
import { writeEvents } from '../../packages/gatewright/src/audit/write-events.ts'
import { describeSettings } from '../../packages/gatewright/src/ground/load-settings.ts'
import { examineBeside } from '../../packages/gatewright/src/upkeep/checks.ts'
import { giveKey } from '../api-keys/given.ts'
import { plantTotp } from '../factors/enrolled.ts'
import { type Answer, type Caller, signUp, startTestApp, type TestApp } from '../harness.ts'
import { plantPasskey } from '../passkeys/registered.ts'
import { freshName } from '../senders.ts'
import { openSecondConnection } from '../sessions/second-connection.ts'
import { addUser, signInAs } from '../sessions/signed-in.ts'
import { addService } from './added-service.ts'

const secret = newSecret(systemRandom)
const smtpPassword = 'the-password-of-the-mail-server'
let t: TestApp
let chief: Caller
before(async () => {
  t = await startTestApp({
    gatewrightSecret: [secret],
    smtpUrl: `smtps://mailer:${smtpPassword}@mail.example.org`,
  })
  chief = await signUp(t, 'chief', ['admin'])
})
after(() => t.close())

const newUser = async (roles: readonly string[] = ['user']): Promise<string> =>
  (await addUser(t.engine, freshName(), { roles })).id

const ask = (path: string, token = chief.access): Promise<Answer> => t.call('GET', `admin/${path}`, { token })

describe('the settings over HTTP', () => {
  test('are those that the command line prints, each with where it comes from', async () => {
    const { status, body } = await ask('settings')
    assert.equal(status, 200)
    assert.deepEqual(body.settings, describeSettings(t.engine))
    const names = body.settings.map(({ name }: { name: string }) => name)
    assert.ok(names.includes('DATABASE_URL') && names.includes('REGISTRATION'))
  })

  test('hide every secret', async () => {
    const { text } = await ask('settings')
    assert.ok(!text.includes(secret) && !text.includes(smtpPassword))
    assert.match(text, /"name":"GATEWRIGHT_SECRET","value":"hidden"/)
  })
})

describe('health over HTTP', () => {
  test('says whether this process is ready, who runs beside it, and what of mail waits', async () => {
    const { status, body } = await ask('health')
    assert.equal(status, 200)
    assert.deepEqual([body.ready, body.reasons, body.mail.given_up], [true, [], 0])
    assert.equal(body.processes.length, 1)
    assert.equal(body.processes[0].kind, 'server')
    assert.ok(Array.isArray(body.housekeeping))
  })

  test('counts mail that was given up, and not what was sent', async () => {
    const now = t.clock.now()
    const done = { kind: 'reset-password', content: '', attempts: 1, due_at: now, created_at: now }
    const ended = { ...done, forgotten_at: now + day }
    const rows = [
      { ...ended, id: 'sent', sent_at: now },
      { ...ended, id: 'given-up', given_up_at: now, problem: '550' },
    ]
    await t.engine.db.insertInto('mails').values(rows).execute()
    const { waiting, given_up } = (await ask('health')).body.mail
    await t.engine.db.deleteFrom('mails').where('id', 'in', ['sent', 'given-up']).execute()
    assert.deepEqual([waiting, given_up], [0, 1])
  })

  test('says how old its view of what was taken back is', async () => {
    const { feed } = (await ask('health')).body
    assert.ok(feed.age_ms >= 0 && feed.age_ms <= feed.most_ms, JSON.stringify(feed))
    assert.equal(feed.most_ms, t.engine.settings.revocationMaxAge)
  })

  test('says what the doctor finds that a server can see of itself, and nothing of what is well', async () => {
    const all = await examineBeside(t.engine)
    const { findings } = (await ask('health')).body
    assert.deepEqual(
      findings.map(({ check }: { check: string }) => check),
      all.filter(({ level }) => level !== 'ok').map(({ name }) => name),
    )
    assert.deepEqual(
      findings.find(({ check }: { check: string }) => check === 'limits').found,
      'LIMITS_SCALE=1000',
    )
    const checked = all.map(({ name }) => name)
    assert.ok(checked.includes('signing-keys') && checked.includes('housekeeping') && checked.length > 12)
    // They read whole tables, hold the lock for writing, or open connections.
    const apart = ['integrity', 'writing', 'processes', 'roles', 'database-secret', 'notifications', 'valkey']
    assert.deepEqual(
      checked.filter(name => apart.includes(name)),
      [],
    )
  })

  test('tells what was found to who may see the settings alone, and others that there is something', async () => {
    for (const [permissions, sees] of [
      [['metrics:read'], false],
      [['metrics:read', 'settings:read'], true],
    ] as const) {
      const key = await giveKey(t, chief.id, { permissions })
      const { body } = await t.call('GET', 'admin/health', { headers: { 'x-api-key': key } })
      const limits = body.findings.find(({ check }: { check: string }) => check === 'limits')
      assert.deepEqual(
        [limits.level, limits.found, limits.means === null, limits.do === null],
        ['warning', sees ? 'LIMITS_SCALE=1000' : null, !sees, !sees],
      )
    }
  })

  test('names no secret, and no address of a person', async () => {
    const { text } = await ask('health')
    for (const word of ['secret', 'machine', '@', secret]) assert.ok(!text.includes(word), word)
  })
})

describe('statistics over HTTP', () => {
  test('count who there is, in which state, and never a service or a deleted user as a user', async () => {
    const read = createStatistics(t.engine)
    const before = await read()
    const [app, passkey] = [await newUser(), await newUser(['admin'])]
    await plantTotp(t.engine, app)
    await plantPasskey(t.engine, app)
    await plantPasskey(t.engine, passkey)
    await plantPasskey(t.engine, passkey)
    await newUser(['admin'])
    const [away, gone] = [await newUser(['admin']), await newUser(['admin'])]
    await disableUser(t.engine, { userId: away, origin: systemOrigin })
    await deleteUser(t.engine, { userId: gone, origin: systemOrigin })
    const { id: service } = await addService(t.engine, ['admin'])
    await signInAs(t.engine, app)
    for (const expiresAt of [null, t.clock.now() + 1, t.clock.now()]) await giveKey(t, service, { expiresAt })
    const after = await createStatistics(t.engine)()
    const grown = Object.entries(after).flatMap(([name, count]) => {
      const more = Number(count) - Number(before[name as keyof typeof before])
      return more > 0 ? [[name, more]] : []
    })
    assert.deepEqual(Object.fromEntries(grown), {
      users: 4,
      disabled: 1,
      withApp: 1,
      withPasskeyAlone: 1,
      administrators: 2,
      administratorsWithoutFactor: 1,
      services: 1,
      sessions: 1,
      apiKeys: 2,
    })
  })

  test('count what fourteen days had, in UTC, and a day that is over once', async () => {
    const today = Math.floor(t.clock.now() / day) * day
    const note = (at: number, event: AuditEventName) =>
      writeEvents(t.engine.db, [toNewEvent(auditEvents, { at, event, origin: systemOrigin })])
    const old = today - 13 * day
    for (const at of [old - 1, old, old + day - 1]) await note(at, 'session.started')
    await note(old, 'session.refreshed')
    for (const event of ['user.registered', 'user.created', 'sign-in.failed'] as const) await note(old, event)
    const read = createStatistics(t.engine)
    const { days } = await read()
    assert.deepEqual([days.length, days.at(-1)?.start], [14, today])
    const first = { start: old, newUsers: 2, signIns: 2, failedSignIns: 1 }
    assert.deepEqual(days[0], { ...first, failedSecondFactors: 0, newApiKeys: 0 })
    for (const at of [old, today]) await note(at, 'api-key.made')
    t.clock.advance(1)
    let later = await read()
    // What was counted is told for a tenth of a second.
    for (; later.at < t.clock.now(); later = await read()) await delay(5)
    assert.deepEqual(later.days[0], days[0])
    assert.equal(later.days.at(-1)?.newApiKeys, (days.at(-1)?.newApiKeys ?? 0) + 1)
  })

  test('read indexes and no table, and each figure only so far, however many rows there are', async () => {
    const queries: CompiledQuery[] = []
    const db = t.engine.db.withPlugin({
      transformQuery: ({ node, queryId }) => {
        queries.push(t.engine.db.getExecutor().compileQuery(node, queryId))
        return node
      },
      transformResult: async ({ result }) => result,
    })
    await createStatistics({ db, clock: t.engine.clock })()
    const connection = openSecondConnection(t.engine)
    for (const { sql, parameters } of queries) {
      assert.match(sql, / limit /)
      const plan = connection.planOf(sql, ...(parameters as SQLInputValue[])).join('\n')
      assert.doesNotMatch(plan, /Seq Scan|SCAN (?!found|\()(?!.*USING (COVERING )?INDEX)/, `${sql}\n${plan}`)
      assert.equal(sql.includes('audit_events'), plan.includes('audit_events_by_event'), `${sql}\n${plan}`)
    }
    connection.close()
  })

  test('are told in the words of the reference', async () => {
    const { status, body } = await ask('statistics')
    assert.equal(status, 200)
    const { total, enabled, disabled } = body.users
    assert.equal(enabled, total - disabled)
    assert.equal(body.days.at(-1).day, body.counted_at.slice(0, 10))
    assert.ok(body.days.at(-1).sign_ins > 0)
  })
})

const needed = [
  ['admin/settings', 'settings:read'],
  ['admin/health', 'metrics:read'],
  ['admin/statistics', 'metrics:read'],
  ['/metrics', 'metrics:read'],
] as const

describe('an API key', () => {
  const askWith = async (path: string, permissions: readonly string[], owner = chief.id) => {
    const key = await giveKey(t, owner, { permissions })
    const { status, body } = await t.call('GET', path, { headers: { 'x-api-key': key } })
    return status === 200 ? status : body.code
  }

  test('with the permission sees what its owner may, and no other does', async () => {
    const all = [...t.engine.roleTable.permissions.keys()]
    const { id: plain } = await addUser(t.engine, freshName())
    for (const [path, permission] of needed) {
      assert.equal(await askWith(path, [permission]), 200, path)
      const others = all.filter(each => each !== permission)
      assert.equal(await askWith(path, others), 'insufficient_permission', path)
      assert.equal(await askWith(path, all, plain), 'insufficient_permission', path)
    }
  })

  test('without any permission reads what was taken back, as everybody may; one that has ended is refused', async () => {
    const path = `revocations?nonce=${'n'.repeat(22)}`
    assert.equal(await askWith(path, []), 200)
    const key = await giveKey(t, chief.id, { expiresAt: t.clock.now() })
    assert.equal((await t.call('GET', path, { headers: { 'x-api-key': key } })).body.code, 'invalid_token')
  })
})

test('nobody sees any of it without the permission, whatever else the caller may do', async () => {
  for (const path of ['settings', 'health', 'statistics']) {
    assert.equal((await t.call('GET', `admin/${path}`)).body.code, 'invalid_token')
    for (const roles of [['user'], ['moderator'], []]) {
      const { id } = await addUser(t.engine, freshName(), { roles })
      const { access } = await signInAs(t.engine, id)
      assert.equal((await ask(path, access)).body.code, 'insufficient_permission')
    }
  }
})
