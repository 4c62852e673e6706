import assert from 'node:assert/strict'
import { describe, mock, test } from 'node:test'
import {
  breakFeed,
  feedInterval,
  holdConnection,
  longestWait,
  maxAge,
  newView,
  queries,
  readFeed,
  repairFeed,
  second,
  settle,
  time,
  token,
  unavailable,
  unknownKind,
  useViewScene,
  view,
  write,
} from '../../../../test/revocation/view-scene.ts'
import { minute } from '../ground/clock.ts'

useViewScene()

describe('a view', () => {
  test('nobody serves from a view that has never been read', async () => {
    await breakFeed()
    const never = newView()
    await assert.rejects(never.start())
    await repairFeed()
  })

  test('is fresh until the bound, and then a request catches up by itself', async () => {
    time.pass(maxAge)
    assert.equal(view.ensureFresh(), undefined)
    await write({ subject: 'elsewhere' })
    time.pass(1)
    const caughtUp = view.ensureFresh()
    assert.ok(caughtUp !== undefined)
    await caughtUp
    assert.ok(view.isEnded(token('elsewhere')))
    assert.equal(view.age(), 0)
  })

  test('is as old as the sending of its last read, not as its answer', async () => {
    const release = await holdConnection()
    time.pass(1_000)
    mock.timers.tick(feedInterval)
    time.pass(3_000)
    await release()
    // The answer is on its way: on a busy machine it takes more turns.
    for (let turn = 0; turn < 500 && view.age() === 4_000; turn++) await settle()
    assert.equal(view.age(), 3_000)
  })

  const clocks: Record<string, () => void> = {
    'the monotonic clock went on and the wall clock did not': () => time.setMonotonic(maxAge + 1),
    'the wall clock went on and the monotonic clock did not': () => time.setWall(maxAge + 1),
    'the wall clock was set back by a millisecond': () => time.setWall(-1),
    'the wall clock was set back by a year': () => time.setWall(-365 * 24 * 60 * minute),
  }
  for (const [name, change] of Object.entries(clocks))
    test(`is stale when ${name}, until the next read`, async () => {
      await breakFeed()
      change()
      assert.ok(view.age() > maxAge)
      await assert.rejects(async () => view.ensureFresh(), unavailable)
      await repairFeed()
      await view.ensureFresh()
      assert.equal(view.ensureFresh(), undefined)
    })

  test('is stale for good when the feed holds a kind that this version does not know', async () => {
    await write({ kind: 'grant', subject: 'x' })
    await readFeed()
    for (const _ of [1, 2]) await assert.rejects(async () => view.ensureFresh(), unknownKind)
    await second.run('delete from cut_offs')
    await assert.rejects(async () => view.ensureFresh(), unknownKind)
  })

  test('a kind named like a part of every object is unknown as well', async () => {
    await write({ kind: 'constructor', subject: 'x' })
    await readFeed()
    await assert.rejects(async () => view.ensureFresh(), unknownKind)
  })
})

describe('past the bound', () => {
  test('a request waits for the read that is under way, and goes on when it has come', async () => {
    const release = await holdConnection()
    time.pass(maxAge + 1)
    await write({ subject: 'elsewhere' })
    const waiting = view.ensureFresh()
    await settle()
    assert.deepEqual(
      time.sleeps.map(({ milliseconds }) => milliseconds),
      [500],
    )
    await release()
    await waiting
    assert.ok(view.isEnded(token('elsewhere')))
  })

  test('a read that was sent too long ago does not count: another one is waited for', async () => {
    const release = await holdConnection()
    mock.timers.tick(feedInterval)
    time.pass(maxAge + 1)
    const waiting = view.ensureFresh()
    await release()
    await waiting
    assert.equal(view.age(), 0)
  })

  test('a read that failed is not the end of the wait: another one is waited for', async () => {
    const slept: number[] = []
    const sleep = async (milliseconds: number): Promise<void> => {
      slept.push(milliseconds)
      await (milliseconds < longestWait ? repairFeed() : time.clock.sleep(milliseconds))
    }
    const other = newView({ clock: { ...time.clock, sleep } })
    await other.start()
    await breakFeed()
    time.pass(maxAge + 1)
    await other.ensureFresh()
    other.stop()
    assert.equal(other.age(), 0)
    assert.equal(slept.filter(each => each < longestWait).length, 1)
  })

  test('it is refused when the read has not come after half a second', async () => {
    const release = await holdConnection()
    time.pass(maxAge + 1)
    const refused = assert.rejects(async () => view.ensureFresh(), unavailable)
    time.sleeps[0]?.end()
    await refused
    await release()
  })

  test('a thousand wait, and one more is refused at once', async () => {
    const release = await holdConnection()
    time.pass(maxAge + 1)
    const waiting = Array.from({ length: 1_000 }, () => view.ensureFresh())
    await assert.rejects(async () => view.ensureFresh(), unavailable)
    assert.equal(time.sleeps.length, 1_000)
    await release()
    await Promise.all(waiting)
    assert.equal(view.ensureFresh(), undefined)
  })

  test('a thousand who wait cause two reads between them at most, and none asks by itself', async () => {
    const release = await holdConnection()
    mock.timers.tick(feedInterval)
    time.pass(maxAge + 1)
    queries.length = 0
    const waiting = Array.from({ length: 1_000 }, () => view.ensureFresh())
    mock.timers.tick(10 * feedInterval)
    await release()
    await Promise.all(waiting)
    assert.ok(queries.length <= 2, `${queries.length} queries`)
  })

  test('stampede: while reads fail, those who come are no more reads, and there is a pause before each', async () => {
    breakFeed()
    time.pass(maxAge + 1)
    queries.length = 0
    for (let round = 0; round < 5; round++) {
      const refused = Array.from({ length: 200 }, () =>
        assert.rejects(async () => view.ensureFresh(), unavailable),
      )
      mock.timers.tick(feedInterval)
      await Promise.all(refused)
    }
    repairFeed()
    const pauses = time.sleeps.map(({ milliseconds }) => milliseconds).filter(each => each < longestWait)
    assert.ok(queries.length <= 10, `${queries.length} queries`)
    assert.equal(pauses.length, queries.length - 1)
    for (const pause of pauses) assert.ok(pause >= 50 && pause <= 100, `${pause} ms`)
    assert.ok(new Set(pauses).size > 1, 'and not all processes at the same moments')
  })

  test('all who wait share one read', async () => {
    const release = await holdConnection()
    time.pass(maxAge + 1)
    queries.length = 0
    const waiting = Array.from({ length: 100 }, () => view.ensureFresh())
    mock.timers.tick(feedInterval)
    await release()
    await Promise.all(waiting)
    assert.equal(queries.length, 1)
  })
})

test('a view that was stopped reads no more', async () => {
  view.stop()
  queries.length = 0
  await readFeed()
  assert.deepEqual(queries, [])
})
