import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { day, hour, second } from 'gatewright/clock'
import type { CounterStore } from '../../packages/gatewright/src/limits/counter-store.ts'
import { StoreAway } from '../../packages/gatewright/src/limits/store-away.ts'
import { type Node, openNodes, type Time } from './nodes.ts'
import { type Home, openSqlHome } from './stores.ts'

let home: Home
before(async () => {
  home = await openSqlHome(3)
})
after(() => home.close())

const time: Time = { at: Date.UTC(2026, 10, 21) }
/** Nothing of the test before is left. */
beforeEach(() => {
  time.at += 1_000 * hour
})

type Owner = { readonly after: (end: () => Promise<void>) => void }

const open = (
  t: Owner,
  stores: readonly CounterStore[] = home.stores,
  behind: readonly number[] = [],
): readonly Node[] => {
  const { all, stop } = openNodes(stores, time, behind)
  t.after(stop)
  return all
}

/** How many of so many writes of a user, all at once, a node lets through: 120 a minute, each worth half a second. */
const write = async ({ limiter }: Node, count: number, user = 'ann'): Promise<number> => {
  let passed = 0
  for (let n = 0; n < count; n += 1) if ((await limiter.take('write', { user })).allowed) passed += 1
  return passed
}

const firstTwo = ([a, b = a]: readonly Node[]) => [a as Node, b as Node] as const

/** What nodes tell, and whether the store can be had. */
const listen = (store: CounterStore) => {
  const told = { sums: [] as { key: string; amount: number }[], calls: 0, isCut: false }
  const heard: CounterStore = {
    ...store,
    add: async (sums, since) => {
      told.calls += 1
      if (told.isCut) throw new StoreAway('cut')
      told.sums.push(...sums)
      return store.add(sums, since)
    },
  }
  return { told, heard }
}

describe('what is let through elsewhere', () => {
  test('counts from the second on in which it is heard', async t => {
    const [a, b] = firstTwo(open(t))
    assert.equal(await write(a, 200), 120)
    time.at += second
    await a.addUp()
    assert.equal(await write(b, 1), 1)
    await b.addUp()
    // A second has drained, and three are not gone by.
    assert.equal(await write(b, 200), 7)
  })

  test('is told again by nobody', async t => {
    const { told, heard } = listen(home.stores[0] as CounterStore)
    const [a] = firstTwo(open(t, [heard, home.stores[1] as CounterStore]))
    await write(a, 100)
    for (let turn = 0; turn < 3; turn += 1) await a.addUp()
    assert.deepEqual(
      told.sums.map(({ amount }) => amount),
      [50_000_000],
    )
  })

  test('counts also where it is told late, because the process was busy', async t => {
    const [a, b] = firstTwo(open(t))
    await write(a, 120)
    time.at += 2.5 * second
    await a.addUp()
    await write(b, 1)
    await b.addUp()
    const passed = await write(b, 200)
    assert.ok(passed <= 11, `${passed}`)
  })

  test('keeps a caller at its limit who gets a third of it three times, from each process', async t => {
    const nodes = open(t)
    let passed = 0
    for (let round = 0; round < 180; round += 1) {
      for (const node of nodes) passed += await write(node, 2)
      time.at += second
      await Promise.all(nodes.map(({ addUp }) => addUp()))
    }
    assert.ok(passed >= 120 + 2 * 179, `${passed} is less than the limit`)
    assert.ok(passed < 520, `${passed}`)
  })
})

describe('a caller under its limit passes', () => {
  test('where the later sum arrives first', async t => {
    const [a, b] = firstTwo(open(t))
    assert.equal(await write(b, 60), 60)
    time.at += 1.9 * second
    assert.equal(await write(a, 62), 62)
    await a.addUp()
    await b.addUp()
    assert.equal(await write(b, 1), 1)
  })

  test('where a sum arrives that is very late', async t => {
    const [a, b] = firstTwo(open(t))
    assert.equal(await write(a, 60), 60)
    time.at += 20 * second
    assert.equal(await write(b, 97), 97)
    await b.addUp()
    await a.addUp()
    assert.equal(await write(b, 1), 1)
    await b.addUp()
    assert.equal(await write(b, 1), 1)
  })
})

describe('once a clock that was a day ahead was set right, what was let through elsewhere', () => {
  const writeAhead = async (nodes: readonly Node[]): Promise<void> => {
    time.wrong = day
    for (const node of nodes) await write(node, 120)
    for (const node of nodes) await node.addUp()
    time.wrong = 0
  }

  test('refuses nobody for longer than it would have', async t => {
    const nodes = open(t)
    await writeAhead(nodes)
    // Three bursts.
    time.at += 180 * second
    for (const node of nodes) assert.equal(await write(node, 40), 40)
    for (const node of nodes) await node.addUp()
    time.at += 10 * second
    for (const node of nodes) assert.equal(await write(node, 1), 1)
  })

  test('counts from there on', async t => {
    const nodes = open(t)
    await writeAhead(nodes)
    time.at += 60 * second
    const [a, b] = firstTwo(nodes)
    assert.equal(await write(a, 200), 120)
    time.at += second
    await a.addUp()
    assert.equal(await write(b, 1), 1)
    await b.addUp()
    assert.equal(await write(b, 200), 7)
  })
})

test('one that has seen a wrong time counts with others by the time as it was set right', async t => {
  const [a, b] = firstTwo(open(t, home.stores, [day]))
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const) {
    assert.equal(await write(one, 200), 120)
    time.at += second
    await one.addUp()
    assert.equal(await write(other, 1), 1)
    await other.addUp()
    assert.equal(await write(other, 200), 7)
    await other.addUp()
    time.at += hour
  }
})

test('what three processes let through at once is believed, with the bursts of those that started since', async t => {
  const nodes = open(t)
  for (const node of [...nodes, ...open(t)]) {
    assert.equal(await write(node, 200), 120)
    await node.addUp()
  }
  const [a] = firstTwo(nodes)
  time.at += 60 * second
  // Six bursts are worth six minutes, of which one has passed.
  assert.equal(await write(a, 1), 1)
  await a.addUp()
  assert.equal(await write(a, 1), 0)
})

test('one process alone tells nothing, and nobody tells what is not worth it', async t => {
  const { told, heard } = listen(home.stores[0] as CounterStore)
  const [alone] = firstTwo(open(t, [heard]))
  for (let turn = 0; turn < 2; turn += 1) {
    await write(alone, 60)
    await alone.addUp()
  }
  const [beside] = firstTwo(open(t, [heard, heard]))
  assert.equal((await beside.limiter.take('read', { user: 'ann' })).allowed, true)
  await beside.addUp()
  assert.equal(told.calls, 0)
})

test('flood: of 2,000 busy keys the busiest 500 are told, a hundred in a statement', async t => {
  const { told, heard } = listen(home.stores[0] as CounterStore)
  const [a] = firstTwo(open(t, [heard, heard]))
  for (let n = 0; n < 2_000; n += 1) await write(a, n < 10 ? 50 : 1, `user ${n}`)
  await a.addUp()
  assert.deepEqual([told.calls, told.sums.length], [5, 500])
  assert.equal(told.sums.filter(({ amount }) => amount === 25_000_000).length, 10)
})

test('while the store is away each process counts alone, and nothing is told twice when it is back', async t => {
  const { told, heard } = listen(home.stores[0] as CounterStore)
  const [a, b] = firstTwo(open(t, [heard, home.stores[1] as CounterStore]))
  told.isCut = true
  assert.equal(await write(a, 200), 120)
  await a.addUp()
  told.isCut = false
  await a.addUp()
  assert.deepEqual(told.sums, [])
  assert.equal(await write(b, 200), 120)
})
