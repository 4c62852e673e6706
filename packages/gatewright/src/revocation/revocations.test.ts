import assert from 'node:assert/strict'
import { before, describe, mock, test } from 'node:test'
import { startTestApp } from '../../../../test/harness.ts'
import { until } from '../../../../test/process/until.ts'
import {
  failRoleReads,
  feedInterval,
  newView,
  pruneInterval,
  readFeed,
  roleReads,
  second,
  settle,
  start,
  t,
  time,
  token,
  useViewScene,
  view,
  write,
} from '../../../../test/revocation/view-scene.ts'
import { addUser } from '../../../../test/sessions/signed-in.ts'
import { minute } from '../ground/clock.ts'
import { newId, systemRandom } from '../ground/random.ts'
import { type CutOffKind, cutOffKinds } from './cut-offs.ts'

useViewScene()

describe('what has been taken back', () => {
  test('is known from the first read on', async () => {
    await write({ subject: 'before' })
    const late = newView()
    await late.start()
    assert.ok(late.isEnded(token('before')))
    late.stop()
  })

  test('by another process is known one read of the feed later', async () => {
    await write({ subject: 'elsewhere' })
    assert.ok(!view.isEnded(token('elsewhere')))
    await readFeed()
    assert.ok(view.isEnded(token('elsewhere')))
    assert.ok(!view.isEnded(token('another')))
  })

  const versions = [
    { version: 1, ended: true },
    { version: 2, ended: true },
    { version: 3, ended: false },
    { version: 4, ended: false },
  ]
  for (const { version, ended } of versions)
    test(`of a user below version 3 ${ended ? 'covers' : 'spares'} a token of version ${version}`, async () => {
      await write({ kind: 'user', subject: 'ann', version: 3 })
      await readFeed()
      assert.equal(view.isEnded(token('any', 'ann', version)), ended)
      assert.ok(!view.isEnded(token('any', 'ben', version)))
    })

  test('is not loosened by an older cut-off that comes later', async () => {
    await write({ kind: 'user', subject: 'ann', version: 3 })
    await write({ kind: 'user', subject: 'ann', version: 2 })
    await readFeed()
    assert.ok(view.isEnded(token('any', 'ann', 2)))
  })

  test('stays known until it no longer matters, and is then forgotten', async () => {
    await write({ subject: 'short', until: start + minute })
    await write({ kind: 'user', subject: 'ann', version: 9, until: start + minute })
    await readFeed()
    const isKnown = () => [view.isEnded(token('short', 'ben')), view.isEnded(token('x', 'ann'))]
    time.pass(minute)
    mock.timers.tick(pruneInterval)
    assert.deepEqual(isKnown(), [true, true])
    time.pass(1)
    mock.timers.tick(pruneInterval)
    assert.deepEqual(isKnown(), [false, false])
  })

  const isKnownOf: Partial<Record<CutOffKind, () => boolean>> = {
    session: () => view.isEnded(token('ann', 'ben')),
    user: () => view.isEnded(token('any', 'ann', 2)),
    'signing-key': () => view.isKeyRevoked('ann'),
    'reread-user': () => view.findRereadRoles('ann') !== undefined,
    'api-key': () => view.isApiKeyEnded('ann'),
  }
  for (const [kind, isKnown] of Object.entries(isKnownOf))
    test(`is forgotten no sooner because of a later cut-off that matters for less long (${kind})`, async () => {
      await write({ kind, subject: 'ann', version: 3, until: start + 10 * minute })
      await readFeed()
      await write({ kind, subject: 'ann', version: 4, until: start + minute })
      await readFeed()
      time.pass(10 * minute)
      mock.timers.tick(pruneInterval)
      assert.ok(isKnown())
      time.pass(1)
      mock.timers.tick(pruneInterval)
      assert.ok(!isKnown())
    })

  test('matters for as long as an older cut-off that comes later, and is still the newer one', async () => {
    await write({ kind: 'user', subject: 'ann', version: 4, until: start + minute })
    await write({ kind: 'user', subject: 'ann', version: 3, until: start + 10 * minute })
    await readFeed()
    time.pass(10 * minute)
    mock.timers.tick(pruneInterval)
    assert.ok(view.isEnded(token('any', 'ann', 3)))
    assert.ok(!view.isEnded(token('any', 'ann', 4)))
  })

  test('is of every kind that is ever written', async () => {
    for (const kind of cutOffKinds) await write({ kind, subject: 'ann', version: 1 })
    await readFeed()
    assert.equal(view.ensureFresh(), undefined)
  })
})

describe('the roles of a user whose roles were changed', () => {
  let ann: string
  before(async () => {
    ann = (await addUser(t.engine, 'ann', { roles: ['moderator'] })).id
  })

  test('are not read while nothing was changed', () => {
    assert.equal(view.findRereadRoles(ann), undefined)
  })

  test('are read once for each change, however many ask, and end nothing', async () => {
    await write({ kind: 'reread-user', subject: ann })
    await readFeed()
    assert.ok(!view.isEnded(token('any', ann)))
    const all = await Promise.all(Array.from({ length: 50 }, () => view.findRereadRoles(ann)))
    assert.deepEqual(new Set(all), new Set([all[0]]))
    assert.deepEqual(all[0], ['moderator'])
    await readFeed()
    await view.findRereadRoles(ann)
    assert.deepEqual(roleReads, [ann])

    await second.run('update user_roles set role = ? where user_id = ?', 'user', ann)
    await write({ kind: 'reread-user', subject: ann })
    await readFeed()
    assert.deepEqual(await view.findRereadRoles(ann), ['user'])
    assert.deepEqual(roleReads, [ann, ann])
  })

  test('are not read anew for an older change that comes later, and for as long as that one matters', async () => {
    const row = { kind: 'reread-user', subject: ann, version: null, created_at: start }
    view.apply([{ ...row, place: 8, matters_until: start + minute }])
    await view.findRereadRoles(ann)
    view.apply([{ ...row, place: 7, matters_until: start + 10 * minute }])
    time.pass(10 * minute)
    mock.timers.tick(pruneInterval)
    assert.ok(view.findRereadRoles(ann) !== undefined)
    assert.deepEqual(roleReads, [ann])
  })

  test('privilege escalation: are one frozen list, which nobody who is given it can change for others', async () => {
    await write({ kind: 'reread-user', subject: ann })
    await readFeed()
    const roles = await view.findRereadRoles(ann)
    assert.throws(() => (roles as string[]).push('admin'), TypeError)
    assert.deepEqual(await view.findRereadRoles(ann), roles)
  })

  test('are asked for again after a read that failed', async () => {
    await write({ kind: 'reread-user', subject: ann })
    await readFeed()
    failRoleReads(true)
    await assert.rejects(async () => view.findRereadRoles(ann), /went away/)
    failRoleReads(false)
    assert.deepEqual(await view.findRereadRoles(ann), ['user'])
  })

  test('come from the token again when the last older token has expired', async () => {
    await write({ kind: 'reread-user', subject: ann, until: start + minute })
    await readFeed()
    time.pass(minute + 1)
    mock.timers.tick(pruneInterval)
    assert.equal(view.findRereadRoles(ann), undefined)
  })
})

/** More than two pages of a read from the start. */
const full = 100_000

test(`a process that starts where ${full} cut-offs matter knows all of them, and what was ended while it read`, async () => {
  second.run(
    `with recursive n (i) as (select 1 union all select i + 1 from n where i < ${full})
      insert into cut_offs (kind, subject, matters_until, created_at)
      select 'session', 's' || i, ${start + 10 * minute}, ${start} from n`,
  )
  const late = newView({
    readRoles: async () => [],
  })
  const starting = late.start()
  write({ subject: 'meanwhile' })
  await starting
  await late.ensureFresh()
  const missing = Array.from({ length: full }, (_, i) => `s${i + 1}`).filter(id => !late.isEnded(token(id)))
  assert.deepEqual(missing, [])
  assert.ok(!late.isEnded(token('another')))
  mock.timers.tick(feedInterval)
  await settle()
  assert.ok(late.isEnded(token('meanwhile')))

  // A part of them at a time is looked at when they are forgotten, and none is left.
  time.pass(10 * minute + 1)
  mock.timers.tick(pruneInterval)
  await until('it has forgotten them', () => !late.isEnded(token('s1')) && !late.isEnded(token(`s${full}`)))
  late.stop()
})

describe('a database that is another one', () => {
  const other = (): Promise<unknown> =>
    t.engine.db
      .updateTable('installation')
      .set({ epoch: newId(systemRandom) })
      .execute()

  test('lacks nothing only because times are rounded: what ends within this second may be gone there', async () => {
    const id = newId(systemRandom)
    await write({ subject: id, until: start + minute + 250 })
    await readFeed()
    time.pass(minute + 260)
    await other()
    await readFeed()
    assert.equal(view.ensureFresh(), undefined)
    assert.deepEqual([view.harm().changes['other-epoch'], view.harm().writtenBack], [1, 0])
  })

  test('a token that outlives logout: nobody is let in where requests and the feed lead to different servers', async () => {
    const elsewhere = await startTestApp()
    let broken = 0
    const own = newView({
      watch: elsewhere.engine.db,
      readRoles: async () => [],
      breakConnections: () => void broken++,
    })
    await assert.rejects(own.start(), /the feed changed while it was read/)
    assert.equal(
      broken,
      1,
      'connections to the one before are ended, so that new ones may lead to the right one',
    )
    own.stop()
    await elsewhere.close()
  })
})
