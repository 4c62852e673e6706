import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { paceOf } from '../../packages/gatewright/src/limits/gcra.ts'
import type { Home } from './stores.ts'

const minute = 60_000
/** As large as times are: what a double of 14 digits, or a 32-bit number, would spoil. */
const now = 1_795_000_000_123_457
const ten = paceOf({ count: 10, window: minute })
const seven = paceOf({ count: 7, window: minute })
const second = 1_000_000
const day = 86_400 * second
/** So far the clocks of two machines may be apart. */
const apart = 10 * second

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
      const sum = (name: string, amount: number) => ({ key: name, amount, capacity: ten.capacity })
      assert.deepEqual(await one().add([sum(key, 5 * ten.step)], now), [now + 5 * ten.step])
      assert.deepEqual(await someOf(1).add([sum('other', 1), sum(key, 2 * ten.step)], now - 9), [
        now - 9 + 1,
        now + 7 * ten.step,
      ])
      assert.deepEqual(await one().add([sum(key, -ten.step)], now), [now + 6 * ten.step])
      assert.deepEqual(await one().add([sum(key, ten.step)], now + minute * 1_000), [
        now + minute * 1_000 + ten.step,
      ])
    })

    test('adds the same from all sides at once', async () => {
      const amounts = Array.from({ length: 60 }, (_, index) => index % 3)
      const keys = ['sum 1', 'sum 2', 'sum 3']
      const capacity = 60 * ten.step
      await Promise.all(
        amounts.map((amount, index) =>
          someOf(index).add(
            (index % 2 ? keys : keys.toReversed()).map(key => ({ key, amount: amount * ten.step, capacity })),
            now,
          ),
        ),
      )
      const expected = now + 60 * ten.step
      assert.deepEqual(
        await one().add(
          keys.map(key => ({ key, amount: 0, capacity })),
          now,
        ),
        [expected, expected, expected],
      )
    })

    describe('whose clock was a day ahead and was set right', () => {
      const useUp = async (key: string, at = now + day): Promise<void> => {
        for (let n = 0; n < 10; n += 1) assert.equal((await one().take([{ key, ...ten }], at)).allowed, true)
        assert.equal((await one().take([{ key, ...ten }], at)).allowed, false)
      }

      test('refuse nobody for it, and from there the limit holds', async () => {
        const key = { key: 'a day ahead', ...ten }
        await useUp(key.key)
        assert.deepEqual(await one().take([key], now), { allowed: true, tats: [now + ten.step] })
        for (let n = 1; n < 10; n += 1) assert.equal((await someOf(n).take([key], now)).allowed, true)
        const full = { allowed: false, tats: [now + ten.capacity] }
        assert.deepEqual(await one().take([key], now), full)
        assert.deepEqual(await one().take([key], now + ten.step - 1), full)
        assert.equal((await one().take([key], now + ten.step)).allowed, true)
      })

      test('let exactly 10 of 100 at once through, on one key and beside one of now', async () => {
        const wide = { key: 'wide of now', ...seven, capacity: seven.step * 50 }
        await one().take([wide], now)
        for (const key of ['ahead 1', 'ahead 2', 'ahead 3']) {
          await useUp(key)
          const narrow = { key, ...ten }
          const answers = await Promise.all(
            Array.from({ length: 100 }, (_, index) =>
              someOf(index).take(index % 2 ? [narrow, wide] : [wide, narrow], now),
            ),
          )
          assert.equal(answers.filter(({ allowed }) => allowed).length, 10)
        }
        assert.deepEqual((await one().take([wide], now)).tats, [now + 32 * seven.step])
      })

      test('are told as none, and left alone, where another counter refuses', async () => {
        const ahead = { key: 'ahead beside', ...ten }
        await useUp(ahead.key)
        const refusing = { key: 'full of now', ...ten }
        await useUp(refusing.key, now)
        assert.deepEqual(await one().take([ahead, refusing], now), {
          allowed: false,
          tats: [0, now + ten.capacity],
        })
        assert.equal((await one().take([ahead], now + day)).allowed, false)
      })

      test('become none to be believed by what is given back', async () => {
        const key = { key: 'ahead and back', ...ten }
        await home.put(key.key, now + ten.capacity + apart + 1)
        await one().giveBack([key], now)
        assert.deepEqual((await one().take([key], now)).tats, [now + ten.step])
      })

      test('begin anew where sums are added, each by its own measure', async () => {
        const sum = (key: string, capacity: number) => ({ key, capacity, amount: ten.step })
        const far = now + 2 * ten.capacity
        const sums = [sum('sum ahead', ten.capacity), sum('sum of many', 3 * ten.capacity)]
        for (const { key } of sums) await home.put(key, far)
        assert.deepEqual(await one().add(sums, now), [now + ten.step, far + ten.step])
      })
    })

    test('are believed of a machine whose clock is five seconds ahead, and to the microsecond of what can be', async () => {
      const ahead = { key: 'five seconds', ...ten }
      for (let n = 0; n < 10; n += 1) await one().take([ahead], now + 5 * second)
      assert.deepEqual(await one().take([ahead], now), {
        allowed: false,
        tats: [now + 5 * second + ten.capacity],
      })
      const key = { key: 'the edge', ...ten }
      const edge = now + ten.capacity + apart
      await home.put(key.key, edge)
      assert.deepEqual(await one().take([key], now), { allowed: false, tats: [edge] })
      await one().giveBack([key], now)
      assert.equal((await one().take([key], now)).allowed, false)
      await home.put(key.key, edge + 1)
      assert.deepEqual(await one().take([key], now), { allowed: true, tats: [now + ten.step] })
    })
  })
}
