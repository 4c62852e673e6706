import assert from 'node:assert/strict'
import { describe, mock, test } from 'node:test'
import { until } from '../../../../test/process/until.ts'
import {
  answered,
  breakFeed,
  feedInterval,
  maxAge,
  newView,
  repairFeed,
  settle,
  start,
  t,
  time,
  token,
  useViewScene,
  view,
  write,
} from '../../../../test/revocation/view-scene.ts'

useViewScene()

describe('a wake', () => {
  /** Answers of reads come when they are let through. */
  const createGate = () => {
    let gate: PromiseWithResolvers<void> | undefined
    let held = 0
    return {
      close: () => {
        gate = Promise.withResolvers()
      },
      open: () => gate?.resolve(),
      held: () => held,
      db: t.engine.db.withPlugin({
        transformQuery: ({ node }) => node,
        transformResult: async ({ result }) => {
          held += 1
          await gate?.promise
          return result
        },
      }),
    }
  }

  const follow = async (db = t.engine.db) => {
    const wakes: (() => void)[] = []
    const woken = newView({
      db,
      watch: db,
      wakers: [
        wake => {
          wakes.push(wake)
          return () => void wakes.pop()
        },
      ],
    })
    await woken.start()
    return { woken, wake: () => wakes.forEach(call => void call()) }
  }

  test('lets what was taken back elsewhere be known without the time of a read', async () => {
    const { woken, wake } = await follow()
    write({ subject: 'elsewhere' })
    wake()
    await until('it is known', () => woken.isEnded(token('elsewhere')))
    woken.stop()
  })

  test('while a read is under way that was sent before is followed by a read of its own', async () => {
    const gate = createGate()
    const { woken, wake } = await follow(gate.db)
    write({ subject: 'first' })
    gate.close()
    const before = gate.held()
    mock.timers.tick(feedInterval)
    await until('a read has its answer', () => gate.held() > before)
    write({ subject: 'in between' })
    wake()
    gate.open()
    await until('it is known', () => woken.isEnded(token('in between')))
    woken.stop()
  })

  test('makes nothing younger while no read comes through', async () => {
    const { woken, wake } = await follow()
    breakFeed()
    time.pass(maxAge)
    for (let count = 0; count < 5; count++) {
      wake()
      await settle()
    }
    assert.equal(woken.age(), maxAge)
    repairFeed()
    woken.stop()
  })

  test('comes to nobody who was stopped', async () => {
    const { woken, wake } = await follow()
    woken.stop()
    write({ subject: 'later' })
    wake()
    await settle()
    assert.ok(!woken.isEnded(token('later')))
  })
})

test('that never comes leaves a view no older than a second: the bound does not rest on it', async () => {
  for (let passed = 0; passed < 20_000; passed += 100) {
    time.pass(100)
    mock.timers.tick(100)
    await answered()
    assert.ok(view.age() <= 1_000, `${view.age()} ms`)
  }
})

test('reads keep within a bound that is shorter than their usual distance', async () => {
  const short = newView({ maxAge: 100 })
  await short.start()
  write({ subject: 'soon' })
  mock.timers.tick(25)
  await until('it is known', () => short.isEnded(token('soon')))
  short.stop()
})

test('what this process has taken back wakes others, what it has read does not', async () => {
  let woken = 0
  const own = newView({ wakeOthers: () => void woken++ })
  await own.start()
  write({ subject: 'read' })
  mock.timers.tick(feedInterval)
  await until('it is known', () => own.isEnded(token('read')))
  assert.equal(woken, 0)
  own.apply([
    { kind: 'session', subject: 'own', version: null, created_at: start, place: 9, matters_until: start },
  ])
  assert.equal(woken, 1)
  own.stop()
})
