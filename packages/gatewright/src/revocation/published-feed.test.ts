import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { testsDatabase } from '../../../../test/environment.ts'
import { startTestApp, type TestApp } from '../../../../test/harness.ts'
import { until, within } from '../../../../test/process/until.ts'
import { logQueries } from '../../../../test/sessions/query-log.ts'
import { openSecondConnection } from '../../../../test/sessions/second-connection.ts'
import { minute, systemClock } from '../ground/clock.ts'
import { newId, newSecret, systemRandom } from '../ground/random.ts'
import { createSecrets, secretIdOf } from '../ground/secrets.ts'
import { inTransaction } from '../storage/transaction.ts'
import { recordCutOffs } from './cut-offs.ts'
import type { FeedPosition } from './feed.ts'
import { createFeedPlaces } from './feed-places.ts'
import { createFeedWaiters } from './feed-waiters.ts'
import { createPublishedFeed, type FeedPart, type PublishedFeed } from './published-feed.ts'
import { createRecentCutOffs } from './recent-cut-offs.ts'
import { createRevocations, type Revocations } from './revocations.ts'

let t: TestApp
let nodes: Node[]
beforeEach(async () => {
  t = await startTestApp()
  nodes = []
})
afterEach(async () => {
  for (const { view, feed } of nodes) {
    view.stop()
    feed.stop()
  }
  await t.close()
})

type Node = { readonly view: Revocations; readonly feed: PublishedFeed; readonly queries: string[] }

/** As another process on the same database, on the machine's own clock. */
const startNode = async (most = 3): Promise<Node> => {
  const { engine, queries } = logQueries(t.engine)
  const { db, secrets } = engine
  const clock = { ...systemClock, now: t.clock.now }
  const view = createRevocations({ db, watch: t.engine.db, clock, maxAge: 5_000, readRoles: async () => [] })
  const feed = createPublishedFeed(
    { db, clock, secrets, revocations: view, secretInForce: () => secrets.newestId },
    most,
  )
  await view.start()
  const node = { view, feed, queries }
  nodes.push(node)
  return node
}

const cutOff = ({ view }: Pick<Node, 'view'>, ...subjects: readonly string[]): Promise<void> =>
  inTransaction(t.engine.db, work =>
    recordCutOffs(
      { clock: t.clock, revocations: view },
      work,
      subjects.map(subject => ({ kind: 'session', subject, promisedUntil: t.clock.now() + minute })),
    ),
  )

const read = ({ feed }: Node, after = '', longest = 0): Promise<FeedPart> =>
  feed.read(after, { name: 'address', gone: new AbortController().signal, longest })

const headOf = (epoch: string, written = '0'): FeedPosition => ({
  epoch,
  server: '',
  timeline: '',
  written,
  snapshot: '',
  mark: '',
})

const subjects = ({ rows }: FeedPart): readonly string[] => rows.map(({ subject }) => subject)

/** All pages from a place on, each asked for where the one before ended. */
const readAll = async (node: Node, after = ''): Promise<{ found: readonly string[]; pages: FeedPart[] }> => {
  const pages = [await read(node, after)]
  for (let last = pages[0]; last && !last.isLast; last = pages.at(-1))
    pages.push(await read(node, last.place))
  return { found: pages.flatMap(subjects), pages }
}

describe('a list', () => {
  test('has every cut-off that matters, page by page, each after the one before', async () => {
    const node = await startNode()
    const ids = Array.from({ length: 7 }, (_, number) => `session ${number}`)
    await cutOff(node, ...ids)
    const { found, pages } = await readAll(node)
    assert.deepEqual(found, ids)
    assert.deepEqual(
      pages.map(({ isLast }) => isLast),
      [false, false, true],
    )
    assert.deepEqual(
      pages.map(({ after }) => after),
      ['', ...pages.slice(0, -1).map(({ place }) => place)],
    )
  })

  test('that is empty is whole at once, and what comes then follows it', async () => {
    const node = await startNode()
    const { rows, isLast, place } = await read(node)
    assert.deepEqual([rows, isLast], [[], true])
    await cutOff(node, 'a session')
    await node.view.readFromNow()
    const next = await readAll(node, place)
    assert.deepEqual(next.found, ['a session'])
  })

  test('loses nothing that is committed while its pages are read', async () => {
    const node = await startNode()
    await cutOff(node, 'a', 'b', 'c', 'd')
    const first = await read(node)
    await cutOff(node, 'e', 'f')
    const rest = await readAll(node, first.place)
    const after = await readAll(node, rest.pages.at(-1)?.place)
    const all = new Set([...subjects(first), ...rest.found, ...after.found])
    assert.deepEqual([...all].sort(), ['a', 'b', 'c', 'd', 'e', 'f'])
  })

  test('that is under way when the database becomes another one is begun anew, its last page too', async () => {
    const node = await startNode()
    await cutOff(node, 'a', 'b', 'c', 'd')
    const first = await read(node)
    await t.engine.db.updateTable('installation').set({ epoch: 'two' }).execute()
    const next = await read(node, first.place)
    assert.deepEqual([next.after, subjects(next)], ['', ['a', 'b', 'c']])
  })

  test('stampede: many who ask for the same page at once are one question to the database', async () => {
    const node = await startNode(10)
    await cutOff(node, 'a')
    const asked = (): number => node.queries.filter(query => query.includes('cut_offs')).length
    await read(node)
    const once = asked()
    const parts = await Promise.all(Array.from({ length: 200 }, () => read(node)))
    assert.ok(parts.every(part => subjects(part).join() === 'a'))
    assert.ok(asked() <= 2 * once, `${asked()} queries`)
  })

  test('is refused, and no fault, while the feed can not be read', async () => {
    const node = await startNode()
    const second = openSecondConnection(t.engine)
    await second.run('alter table cut_offs rename to away')
    await assert.rejects(read(node), { code: 'unavailable' })
    await second.run('alter table away rename to cut_offs')
    second.close()
    assert.deepEqual((await read(node)).rows, [])
  })

  test('loses nothing that was written before its pages and committed between them', async t2 => {
    if (testsDatabase.kind === 'sqlite')
      return t2.skip('SQLite has one writer: nothing is committed out of order')
    const node = await startNode()
    const other = openSecondConnection(t.engine)
    other.run('begin')
    other.run(
      'insert into cut_offs (kind, subject, version, matters_until, created_at) values (?, ?, ?, ?, ?)',
      'session',
      'late',
      null,
      t.clock.now() + minute,
      t.clock.now(),
    )
    await cutOff(node, 'a', 'b', 'c', 'd')
    const first = await read(node)
    other.run('commit')
    other.close()
    const rest = await readAll(node, first.place)
    const after = await readAll(node, rest.pages.at(-1)?.place)
    assert.ok(![...subjects(first), ...rest.found].includes('late'))
    assert.ok(after.found.includes('late'))
  })

  test('leaves out what matters no more', async () => {
    const node = await startNode()
    await cutOff(node, 'old')
    t.clock.advance(3 * minute)
    await cutOff(node, 'new')
    assert.deepEqual((await readAll(node)).found, ['new'])
  })
})

describe('a place', () => {
  test('that one process told is good at another: it tells what is new, and not all again', async () => {
    const [one, other] = [await startNode(10), await startNode(10)]
    await cutOff(one, 'known')
    const { pages } = await readAll(one)
    await cutOff(one, 'new')
    const part = await read(other, pages.at(-1)?.place)
    assert.equal(part.after, pages.at(-1)?.place)
    assert.ok(subjects(part).includes('new'))
    assert.ok((await readAll(other, part.place)).found.length <= 1)
  })

  test('tells nothing: neither counts of transactions nor when anything was', async () => {
    const node = await startNode()
    await cutOff(node, 'a')
    const { place } = (await readAll(node)).pages.at(-1) ?? assert.fail()
    const text = Buffer.from(place.split('.')[1] ?? '', 'base64url').toString('latin1')
    assert.doesNotMatch(text, /epoch|position/)
    assert.notEqual((await read(node, place)).place, place)
  })

  test('of another process, behind which more stands than a page holds, starts the list anew', async () => {
    const one = await startNode(3)
    await cutOff(one, 'a')
    const { place } = await read(one)
    await cutOff(one, 'b', 'c', 'd', 'e')
    const other = await startNode(3)
    const { found, pages } = await readAll(other, place)
    assert.equal(pages[0]?.after, '')
    assert.deepEqual(found, ['a', 'b', 'c', 'd', 'e'])
  })

  const seal = (place: object): string => {
    const { secrets } = t.engine
    return secrets.seal('feed-place', 'place', Buffer.from(JSON.stringify(place)), secrets.newestId)
  }
  const madeUp: Readonly<Record<string, (place: string, epoch: string) => string>> = {
    'that nobody told': () => newId(systemRandom),
    'of which one character is another': place =>
      place.slice(0, -3) + (place.at(-3) === 'A' ? 'B' : 'A') + place.slice(-2),
    'that is cut off': place => place.slice(0, -10),
    'with SQL behind it': place => `${place}' or 1=1--`,
    'of another form': (_place, epoch) => seal({ position: { epoch } }),
    'of another form within': (_place, epoch) => seal({ position: { ...headOf(epoch), written: 'seven' } }),
  }
  for (const [name, change] of Object.entries(madeUp))
    test(`${name} starts the list anew, and is no text of a query`, async () => {
      const node = await startNode(10)
      await cutOff(node, 'a', 'b')
      const { place, epoch } = await read(node)
      const part = await read(node, change(place, epoch))
      assert.equal(part.after, '')
      assert.deepEqual(subjects(part), ['a', 'b'])
    })

  test('of another epoch starts the list anew', async () => {
    const [one, other] = [await startNode(10), await startNode(10)]
    await cutOff(one, 'a')
    const { place } = await read(one)
    await t.engine.db.updateTable('installation').set({ epoch: 'two' }).execute()
    await other.view.readFromNow()
    const part = await read(other, place)
    assert.deepEqual([part.epoch, part.after, subjects(part)], ['two', '', ['a']])
  })
})

describe('who follows', () => {
  test('is answered from memory: it costs no query', async () => {
    const node = await startNode(10)
    await cutOff(node, 'a')
    await node.view.readFromNow()
    let { place } = await read(node)
    await cutOff(node, 'b')
    await node.view.readFromNow()
    const before = node.queries.filter(query => query.includes('cut_offs')).length
    for (const expected of [['b'], [], []]) {
      const part = await read(node, place)
      assert.deepEqual([subjects(part), part.after], [expected, place])
      place = part.place
    }
    assert.equal(node.queries.filter(query => query.includes('cut_offs')).length, before)
  })

  test('is told how old that is, at the moment at which it is said', async () => {
    const node = await startNode(10)
    await cutOff(node, 'a')
    const { place } = await read(node)
    const { age } = await read(node, place)
    node.view.stop()
    const before = age()
    await until('time has passed', () => age() > before + 20)
  })

  test('is told no age that is younger than what it is told, however late that is signed', async () => {
    const node = await startNode(10)
    const { place } = await read(node)
    const { age } = await read(node, place)
    const at = performance.now()
    await until('the view was read anew', async () => {
      await node.view.readFromNow()
      return performance.now() - at > 60
    })
    assert.ok(age() >= 55, `${age()} ms`)
  })

  test('waits for what is new, and is told at once, by this process and by another', async () => {
    const [node, other] = [await startNode(10), await startNode(10)]
    await cutOff(node, 'a')
    await node.view.readFromNow()
    let { place } = await read(node)
    for (const by of [node, other]) {
      // Far longer than whoever is told at once waits on the busiest machine.
      const waiting = read(node, place, 20_000)
      await until('it waits', () => node.feed.waiting() === 1)
      await cutOff(by, `by ${nodes.indexOf(by)}`)
      const part = await within(10_000, 'it is told', waiting)
      assert.deepEqual(subjects(part), [`by ${nodes.indexOf(by)}`])
      place = part.place
    }
  })

  test('waits no longer than it said', async () => {
    const node = await startNode(10)
    const { place } = await read(node)
    const at = performance.now()
    assert.deepEqual((await read(node, place, 100)).rows, [])
    assert.ok(performance.now() - at >= 95)
  })

  test('and waits when the process stops is answered at once; whoever comes then waits no more', async () => {
    const node = await startNode(10)
    const { place } = await read(node)
    const waiting = read(node, place, 20_000)
    await until('it waits', () => node.feed.waiting() === 1)
    node.feed.stop()
    assert.deepEqual((await within(5_000, 'it is answered', waiting)).rows, [])
    assert.deepEqual((await within(5_000, 'the next is answered', read(node, place, 20_000))).rows, [])
  })

  test('gets 503 from a process whose own view is older than the bound', async () => {
    const node = await startNode(10)
    const { place } = await read(node)
    node.view.stop()
    const clock = { ...systemClock, now: t.clock.now }
    const away = createRevocations({
      db: t.engine.db,
      watch: t.engine.db,
      clock,
      maxAge: -1,
      readRoles: async () => [],
    })
    const { db, secrets } = t.engine
    const feed = createPublishedFeed({
      db,
      clock,
      secrets,
      revocations: away,
      secretInForce: () => secrets.newestId,
    })
    const asked = { name: 'address', gone: new AbortController().signal, longest: 0 }
    for (const after of ['', place]) await assert.rejects(feed.read(after, asked), { code: 'unavailable' })
  })
})

test('places are sealed with the secret that every process has, not with the newest here', () => {
  const secrets = createSecrets([newSecret(systemRandom), newSecret(systemRandom)], systemRandom)
  const [newest = '', older = ''] = secrets.ids
  const places = createFeedPlaces(secrets, () => older)
  const head = headOf('one', '7')
  const text = places.toText({ position: head })
  assert.notEqual(newest, older)
  assert.equal(secretIdOf(text), older)
  assert.deepEqual(places.find(text), { position: head })
})

describe('those who wait', () => {
  const gone = new AbortController().signal
  const wait = { name: 'one', gone, longest: 10_000 }

  test('are so many at most of one name, and so many of all: one more is answered at once', async () => {
    const waiters = createFeedWaiters({ most: 3, mostOfOne: 2 })
    const waiting = [waiters.wait(wait), waiters.wait(wait)]
    await waiters.wait(wait)
    waiting.push(waiters.wait({ ...wait, name: 'two' }))
    await waiters.wait({ ...wait, name: 'three' })
    assert.equal(waiters.count(), 3)
    waiters.wake()
    await Promise.all(waiting)
    assert.equal(waiters.count(), 0)
    const again = waiters.wait(wait)
    assert.equal(waiters.count(), 1)
    waiters.stop()
    await within(5_000, 'it is woken', again)
    await within(5_000, 'nobody waits any more', waiters.wait(wait))
  })

  test('give their place back when they hang up', async () => {
    const waiters = createFeedWaiters({ most: 1, mostOfOne: 1 })
    const hangUp = new AbortController()
    const waiting = waiters.wait({ ...wait, gone: hangUp.signal })
    hangUp.abort()
    await waiting
    assert.equal(waiters.count(), 0)
    await waiters.wait({ ...wait, gone: hangUp.signal })
    assert.equal(waiters.count(), 0)
  })
})

describe('what came lately', () => {
  const row = (place: number) => ({
    place,
    kind: 'session',
    subject: String(place),
    version: null,
    matters_until: 0,
    created_at: 0,
  })
  const at = (written: string) => headOf('one', written)
  const startRecent = (most: number) => {
    const recent = createRecentCutOffs(most)
    recent.startAt(at('0'))
    return recent
  }
  const places = (recent: ReturnType<typeof createRecentCutOffs>, from: string, most = 10) => {
    const since = recent.since(at(from), most)
    return since && [since.rows.map(({ place }) => place), since.position.written, since.isLast]
  }

  test('is nothing before the first read: nobody is told where the feed ends', () => {
    assert.throws(() => createRecentCutOffs().end(), TypeError)
  })

  test('is kept up to a bound; whoever stands before it is not answered from memory', () => {
    const recent = startRecent(3)
    recent.add([row(1), row(2)], at('2'))
    recent.add([], at('2 and nothing'))
    recent.add([row(3)], at('3'))
    assert.deepEqual(places(recent, '0'), [[1, 2, 3], '3', true])
    recent.add([row(4)], at('4'))
    assert.equal(recent.since(at('0'), 10), undefined)
    assert.deepEqual(places(recent, '2'), [[3, 4], '4', true])
    assert.deepEqual(places(recent, '4'), [[], '4', true])
    recent.add(
      Array.from({ length: 5 }, (_, nth) => row(nth + 5)),
      at('9'),
    )
    assert.equal(recent.since(at('4'), 10), undefined)
    assert.deepEqual(places(recent, '9'), [[], '9', true])
    assert.equal(recent.end().written, '9')
  })

  test('is told by whole reads, as far as a page goes, and at least one', () => {
    const recent = startRecent(100)
    recent.add([row(1), row(2)], at('2'))
    recent.add([row(3)], at('3'))
    recent.add([row(4)], at('4'))
    assert.deepEqual(places(recent, '0', 3), [[1, 2, 3], '3', false])
    assert.deepEqual(places(recent, '0', 1), [[1, 2], '2', false])
    assert.deepEqual(places(recent, '2', 1), [[3], '3', false])
    assert.deepEqual(places(recent, '3', 1), [[4], '4', true])
  })

  test('is forgotten when the view was read from its start', () => {
    const recent = startRecent(3)
    recent.add([row(1)], at('1'))
    recent.startAt(at('7'))
    assert.equal(recent.since(at('1'), 10), undefined)
    assert.deepEqual(places(recent, '7'), [[], '7', true])
  })
})
