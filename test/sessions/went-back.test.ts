import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { disableUser } from 'gatewright/administration'
import { revokeKey } from '../../packages/gatewright/src/administration/signing-keys.ts'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { minute } from '../../packages/gatewright/src/ground/clock.ts'
import { testsDatabase } from '../environment.ts'
import { type Answer, startTestApp, type TestApp } from '../harness.ts'
import { until } from '../process/until.ts'
import { openSecondConnection, type SecondConnection } from './second-connection.ts'
import { addUser, type SignedIn, signInAs } from './signed-in.ts'

let t: TestApp
let second: SecondConnection
let ann: SignedIn
let ben: SignedIn
beforeEach(async () => {
  t = await startTestApp()
  second = openSecondConnection(t.engine)
  ann = await signInAs(t.engine, (await addUser(t.engine, 'ann')).id)
  ben = await signInAs(t.engine, (await addUser(t.engine, 'ben')).id)
})
afterEach(async () => {
  second.close()
  await t.close()
})

const open = (on: TestApp, { access }: SignedIn): Promise<Answer> =>
  on.call('GET', 'protected', { token: access })
const refresh = (on: TestApp, { refresh }: SignedIn): Promise<Answer> =>
  on.call('POST', 'refresh', { body: { refresh_token: refresh } })
const logOut = async ({ access }: SignedIn): Promise<void> =>
  assert.equal((await t.call('POST', 'logout', { token: access })).status, 200)

/** Another process on the same database that starts now, where nothing was noted of the one before. */
const startNode = async (): Promise<TestApp> => {
  rmSync(`${t.engine.settings.databaseUrl.slice('sqlite:'.length)}.place`, { force: true })
  const node = await startTestApp({ ...t.engine.settings })
  node.clock.advance(t.clock.now() - node.clock.now())
  return node
}

const tables = ['sessions', 'cut_offs', 'users', 'signing_keys', 'user_roles'] as const

/** Keeps the state of now; gives what puts it back, as a backup does, with the epoch that it had or another. */
const keep = (): { readonly putBack: (epoch?: string) => void } => {
  const kept = tables.map(table => [table, second.rows(`select * from ${table}`)] as const)
  const { seq } = (testsDatabase.kind === 'sqlite' &&
    second.row("select coalesce(max(seq), 0) as seq from sqlite_sequence where name = 'cut_offs'")) || {
    seq: 0,
  }
  const insert = (table: string, row: Record<string, unknown>): void => {
    const names = Object.keys(row)
    const always = table === 'cut_offs' && testsDatabase.kind === 'postgres' ? 'overriding system value' : ''
    second.run(
      `insert into ${table} (${names}) ${always} values (${names.map(() => '?')})`,
      ...(Object.values(row) as string[]),
    )
  }
  return {
    putBack: epoch => {
      second.run('begin')
      for (const table of ['cut_offs', 'sessions', 'user_roles', 'signing_keys', 'users'])
        second.run(`delete from ${table}`)
      for (const table of ['users', 'sessions', 'cut_offs', 'signing_keys', 'user_roles'])
        for (const row of kept.find(([name]) => name === table)?.[1] ?? []) insert(table, row)
      if (testsDatabase.kind === 'sqlite')
        second.run(`update sqlite_sequence set seq = ? where name = 'cut_offs'`, Number(seq))
      if (epoch !== undefined) second.run('update installation set epoch = ?', epoch)
      second.run('commit')
    },
  }
}

const subjects = (kind: string): readonly unknown[] =>
  second
    .rows('select subject from cut_offs where kind = ? group by subject order by min(place)', kind)
    .map(({ subject }) => subject)

const untilPutRight = async (): Promise<void> => {
  await until('the change is noticed', () =>
    Object.values(t.engine.revocations.harm().changes).some(n => n > 0),
  )
  await until('it is put right', () => t.engine.revocations.trouble() === undefined)
}

describe('a database that was replaced by an older state of itself under a running process', () => {
  test('is given back the sign-outs that the process knew, which hold there for every process', async () => {
    const { putBack } = keep()
    await logOut(ann)
    putBack('another')
    await untilPutRight()
    assert.deepEqual(subjects('session'), [ann.sessionId])
    assert.equal((await open(t, ann)).body.code, 'session_ended')
    assert.equal((await open(t, ben)).status, 200)
    const node = await startNode()
    assert.equal((await open(node, ann)).body.code, 'session_ended')
    assert.equal((await open(node, ben)).status, 200)
    await node.close()
  })

  test('a token that outlives logout: the refresh token of a session that is live there again is refused, also much later', async () => {
    const { putBack } = keep()
    await logOut(ann)
    putBack('another')
    await untilPutRight()
    t.clock.advance(20 * minute)
    const answer = await refresh(t, ann)
    assert.deepEqual([answer.status, answer.body.code], [401, 'session_ended'])
    const row = second.row('select ended_at, end_reason from sessions where id = ?', ann.sessionId)
    assert.equal(row?.end_reason, 'cut_off_written_back')
    assert.equal((await refresh(t, ben)).status, 200)
  })

  test('all that ended with a user ends again, and the user can sign in anew', async () => {
    const { putBack } = keep()
    await disableUser(t.engine, { userId: ann.userId, origin })
    putBack('another')
    await untilPutRight()
    assert.equal((await open(t, ann)).body.code, 'session_ended')
    t.clock.advance(20 * minute)
    assert.equal((await refresh(t, ann)).body.code, 'session_ended')
    const anew = await signInAs(t.engine, ann.userId)
    assert.equal((await open(t, anew)).status, 200)
  })

  test('a signing key that was revoked is revoked there again, and another one signs', async () => {
    const { kid } = await t.engine.keyRing.getActive()
    const { putBack } = keep()
    await revokeKey(t.engine, { kid, origin })
    putBack('another')
    await untilPutRight()
    assert.equal((await open(t, ann)).status, 401)
    const row = second.row('select state, private_key from signing_keys where kid = ?', kid)
    assert.deepEqual({ ...row }, { state: 'gone', private_key: '' })
    await until('another key signs', async () => (await t.engine.keyRing.getActive()).kid !== kid)
    assert.equal((await refresh(t, ann)).status, 200)
  })

  test('roles are read anew, for those in memory are of a database that is no more', async () => {
    second.run("update user_roles set role = 'moderator' where user_id = ?", ann.userId)
    const { putBack } = keep()
    second.run("update user_roles set role = 'admin' where user_id = ?", ann.userId)
    second.run(
      "insert into cut_offs (kind, subject, matters_until, created_at) values ('reread-user', ?, ?, 1)",
      ann.userId,
      t.clock.now() + 10 * minute,
    )
    const permissions = async (): Promise<readonly string[]> => (await open(t, ann)).body.permissions
    await until('the role counts', async () => (await permissions()).includes('users:write'))
    putBack('another')
    await untilPutRight()
    assert.deepEqual(subjects('reread-user'), [ann.userId])
    const found = await permissions()
    assert.ok(found.includes('posts:moderate') && !found.includes('users:write'), `${found}`)
  })

  test('is an alarm: one line that is an error, with its event, another for what was written back, and two counts', async () => {
    const admin = await signInAs(t.engine, (await addUser(t.engine, 'chief', { roles: ['admin'] })).id)
    const { putBack } = keep()
    await logOut(ann)
    putBack('another')
    await untilPutRight()
    const lines = t.logLines.map(line => JSON.parse(line)).filter(({ event }) => event !== undefined)
    assert.deepEqual(
      lines.map(({ level, event, change, count }) => ({ level, event, change, count })),
      [
        { level: 50, event: 'feed.changed', change: 'other-epoch', count: undefined },
        { level: 50, event: 'feed.written-back', change: 'other-epoch', count: 1 },
      ],
    )
    for (const { msg } of lines) assert.match(msg, /docs\/troubleshooting\.md, "The database went back"/)
    const { text } = await t.call('GET', '/metrics', { token: admin.access })
    assert.match(text, /^gatewright_feed_changes_total\{change="other-epoch"\} 1$/m)
    assert.match(text, /^gatewright_cut_offs_written_back_total 1$/m)
  })

  test('lets nobody in before what it lacks is written, also where that fails for a while', async () => {
    const { putBack } = keep()
    await logOut(ann)
    second.run('alter table audit_events rename to away')
    putBack('another')
    await until('the change is noticed', () => t.engine.revocations.harm().changes['other-epoch'] > 0)
    const refused = await open(t, ben)
    assert.deepEqual([refused.status, refused.headers['retry-after']], [503, '1'])
    assert.deepEqual(subjects('session'), [])
    assert.equal((await t.call('GET', 'posts')).status, 200)
    assert.equal((await t.call('GET', '/healthz')).status, 200)
    second.run('alter table away rename to audit_events')
    await untilPutRight()
    assert.equal((await open(t, ben)).status, 200)
    assert.deepEqual(subjects('session'), [ann.sessionId])
    assert.equal(t.engine.revocations.harm().changes['other-epoch'], 1, 'one alarm for one change')
  })

  test('writes nothing back that no longer matters', async () => {
    const { putBack } = keep()
    await logOut(ann)
    t.clock.advance(20 * minute)
    putBack('another')
    await untilPutRight()
    assert.deepEqual(subjects('session'), [])
  })
})

describe('on SQLite, where places are counted up', { skip: testsDatabase.kind === 'postgres' }, () => {
  test('a feed that is behind the place of its reader is noticed without another epoch', async () => {
    const { putBack } = keep()
    await logOut(ann)
    await until('it has read', () => t.engine.revocations.age() === 0)
    t.clock.advance(1)
    await until('it has read', () => t.engine.revocations.age() === 0)
    putBack()
    await untilPutRight()
    assert.equal(t.engine.revocations.harm().changes['went-back'], 1)
    assert.deepEqual(subjects('session'), [ann.sessionId])
    assert.equal((await refresh(t, ann)).body.code, 'session_ended')
  })

  test('so is one that has meanwhile come as far again, with other cut-offs', async () => {
    t.engine.revocations.stop()
    const { putBack } = keep()
    await logOut(ann)
    t.clock.advance(6_000)
    assert.equal((await open(t, ben)).status, 200, 'it has read')
    putBack()
    for (const subject of ['x', ben.sessionId, 'y'])
      second.run(
        "insert into cut_offs (kind, subject, matters_until, created_at) values ('session', ?, ?, 1)",
        subject,
        t.clock.now() + minute,
      )
    t.clock.advance(6_000)
    await until('it is put right', async () => (await open(t, ben)).status !== 503)
    assert.equal((await open(t, ben)).body.code, 'session_ended')
    assert.equal(t.engine.revocations.harm().changes['went-back'], 1)
    assert.deepEqual(subjects('session'), ['x', ben.sessionId, 'y', ann.sessionId])
  })

  test('a feed that is pruned to nothing has not gone back', async () => {
    await logOut(ann)
    t.clock.advance(6_000)
    assert.equal((await open(t, ben)).status, 200, 'it has read')
    second.run('delete from cut_offs')
    t.clock.advance(6_000)
    assert.equal((await open(t, ben)).status, 200)
    await logOut(ben)
    assert.deepEqual(Object.values(t.engine.revocations.harm().changes), [0, 0, 0, 0, 0])
  })
})
