import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { paceOf } from '../../packages/gatewright/src/limits/gcra.ts'
import type { Home } from './stores.ts'

const minute = 60_000
/** As large as times are: what a double of 14 digits, or a 32-bit number, would spoil. */
const now = 1_795_000_000_123_457
const ten = paceOf({ count: 10, window: minute })
const seven = paceOf({ count: 7, window: minute })

/** What every home of counters promises, however many processes ask it at once. */
export const testStorePromises = (name: string, open: () => Promise<Home>): void => {
  describe(name, () => {
    let home: Home
    before(async () => {
      home = await open()
    })
    after(() => home.close())
    const one = () => home.stores[0] ?? assert.fail('there is a store')
    const someOf = (index: number) => home.stores[index % home.stores.length] ?? one()

    test('lets exactly 10 of 100 at once through that count on a key nobody came by before', async () => {
      for (const key of ['fresh 1', 'fresh 2', 'fresh 3']) {
        const answers = await Promise.all(
          Array.from({ length: 100 }, (_, index) => someOf(index).take([{ key, ...ten }], now)),
        )
        assert.equal(answers.filter(({ allowed }) => allowed).length, 10)
      }
    })

    test('lets exactly 10 through of 100 on several keys, and charges no key of a refused one', async () => {
      const narrow = { key: 'narrow', ...ten }
      const wide = { key: 'a wide', ...seven, capacity: seven.step * 50 }
      const answers = await Promise.all(
        Array.from({ length: 100 }, (_, index) =>
          // In either order, which a lock would have to survive.
          someOf(index).take(index % 2 ? [narrow, wide] : [wide, narrow], now),
        ),
      )
      assert.equal(answers.filter(({ allowed }) => allowed).length, 10)
      const { tats } = await one().take([wide], now)
      assert.deepEqual(tats, [now + 11 * seven.step])
    })

    test('is exact to the microsecond', async () => {
      const key = { key: 'exact', ...seven }
      for (let n = 1; n <= 7; n += 1)
        assert.deepEqual(await one().take([key], now), { allowed: true, tats: [now + n * seven.step] })
      const full = { allowed: false, tats: [now + 7 * seven.step] }
      assert.deepEqual(await one().take([key], now), full)
      assert.deepEqual(await one().take([key], now + seven.step - 1), full)
      assert.deepEqual(await one().take([key], now + seven.step), {
        allowed: true,
        tats: [now + 8 * seven.step],
      })
    })

    test('tells all counters in the order they were asked for, charged or not', async () => {
      const a = { key: 'order a', ...ten }
      const b = { key: 'order b', ...ten }
      const c = { key: 'order c', ...ten }
      await one().take([a], now)
      assert.deepEqual((await one().take([b, a, c], now)).tats, [
        now + ten.step,
        now + 2 * ten.step,
        now + ten.step,
      ])
      const refusing = { ...a, capacity: ten.step }
      assert.deepEqual(await one().take([c, refusing, { key: 'never', ...ten }], now), {
        allowed: false,
        tats: [now + ten.step, now + 2 * ten.step, 0],
      })
    })

    test('begins anew from what has passed, and not from what is left', async () => {
      const key = { key: 'rested', ...ten }
      await one().take([key], now)
      assert.deepEqual((await one().take([key], now + 2 * ten.capacity)).tats, [
        now + 2 * ten.capacity + ten.step,
      ])
    })

    test('gives one charge back, and never more than was used', async () => {
      const key = { key: 'back', ...ten }
      for (let n = 0; n < 10; n += 1) await one().take([key], now)
      assert.equal((await one().take([key], now)).allowed, false)
      await someOf(1).giveBack([key], now)
      assert.deepEqual(await one().take([key], now), { allowed: true, tats: [now + ten.capacity] })
      for (let n = 0; n < 30; n += 1) await one().giveBack([key, { key: 'nobody', ...ten }], now)
      const answers = await Promise.all(
        Array.from({ length: 30 }, (_, index) => someOf(index).take([key], now)),
      )
      assert.equal(answers.filter(({ allowed }) => allowed).length, 10)
    })

    test('adds what was let through elsewhere, from the first of it on, and what is taken back', async () => {
      const key = 'added'
      assert.deepEqual(await one().add([{ key, amount: 5 * ten.step }], now), [now + 5 * ten.step])
      assert.deepEqual(
        await someOf(1).add(
          [
            { key: 'other', amount: 1 },
            { key, amount: 2 * ten.step },
          ],
          now - 9,
        ),
        [now - 9 + 1, now + 7 * ten.step],
      )
      assert.deepEqual(await one().add([{ key, amount: -ten.step }], now), [now + 6 * ten.step])
      assert.deepEqual(await one().add([{ key, amount: ten.step }], now + minute * 1_000), [
        now + minute * 1_000 + ten.step,
      ])
    })

    test('adds the same from all sides at once', async () => {
      const amounts = Array.from({ length: 60 }, (_, index) => index % 3)
      const keys = ['sum 1', 'sum 2', 'sum 3']
      await Promise.all(
        amounts.map((amount, index) =>
          someOf(index).add(
            (index % 2 ? keys : keys.toReversed()).map(key => ({ key, amount: amount * ten.step })),
            now,
          ),
        ),
      )
      const expected = now + 60 * ten.step
      assert.deepEqual(
        await one().add(
          keys.map(key => ({ key, amount: 0 })),
          now,
        ),
        [expected, expected, expected],
      )
    })
  })
}
