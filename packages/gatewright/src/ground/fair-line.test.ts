import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createFairLine, type FairLine, type Waiter } from './fair-line.ts'

type Named = Waiter & { readonly name: string }

/** A line that says by name who entered and who gave way. */
const openLine = (most: number, kept = 0) => {
  const line = createFairLine(most, kept)
  const gaveWay: string[] = []
  let made = 0
  const come = (group: string, isKnown = false): boolean => {
    made += 1
    const name = `${group}${made}`
    const waiter: Named = { name, group, isKnown, enter: () => {}, giveWay: () => gaveWay.push(name) }
    return line.join(waiter)
  }
  const next = (): string | undefined => (line.next() as Named | undefined)?.name
  return {
    line,
    gaveWay,
    come,
    /** Those named by their groups come; all find a place. */
    fill: (groups: string, isKnown = false): void => {
      for (const group of groups) assert.ok(come(group, isKnown))
    },
    drain: (): readonly string[] => Array.from({ length: line.size() }, () => next() ?? ''),
  }
}

const groupsOf = (names: readonly string[]): string => names.map(([group]) => group).join('')

describe('turns', () => {
  test('within a group go by the order of coming', () => {
    const { fill, drain } = openLine(9)
    fill('aaaa')
    assert.deepEqual(drain(), ['a1', 'a2', 'a3', 'a4'])
  })

  test('go round the groups, so that whoever comes alone waits for one of each, and not for all of a flood', () => {
    const { fill, drain } = openLine(99)
    fill('aaaaaabbbc')
    assert.equal(groupsOf(drain()), 'abcababaaa')
  })

  test('of a group that has just had one come after all others', () => {
    const { fill, line, drain } = openLine(9)
    fill('abc')
    line.next()
    fill('a')
    assert.equal(groupsOf(drain()), 'bca')
  })

  test('alternate between the known and strangers while both wait: neither waits for all of the others', () => {
    const { fill, drain } = openLine(99)
    fill('abcd')
    fill('xyz', true)
    assert.equal(groupsOf(drain()), 'xaybzcd')
  })

  test('are the next for one who is known, whoever came before', () => {
    const { fill, line, drain } = openLine(99, 9)
    fill('aaabbb')
    line.next()
    fill('x', true)
    assert.equal(groupsOf(drain())[0], 'x')
  })

  test('leave nobody out when the last one goes: an empty line gives nobody', () => {
    const { fill, line, drain } = openLine(9)
    fill('a')
    assert.deepEqual(drain(), ['a1'])
    assert.equal(line.next(), undefined)
    fill('b')
    assert.deepEqual(drain(), ['b2'])
  })
})

describe('places', () => {
  test('flood from one address: one that comes from elsewhere has the place of its last', () => {
    const { fill, come, gaveWay, drain } = openLine(4)
    fill('aaaa')
    assert.ok(come('b'))
    assert.deepEqual(gaveWay, ['a4'])
    assert.equal(groupsOf(drain()), 'abaa')
  })

  test('flood from one address: its own next one is refused, and nobody gives way', () => {
    const { fill, come, gaveWay } = openLine(4)
    fill('aaab')
    assert.equal(come('a'), false)
    assert.deepEqual(gaveWay, [])
  })

  test('are shared until no group has two more than a newcomer', () => {
    const { fill, come, gaveWay, drain } = openLine(4)
    fill('aaaa')
    assert.deepEqual([come('b'), come('b'), come('b')], [true, true, false])
    assert.deepEqual(gaveWay, ['a4', 'a3'])
    assert.equal(groupsOf(drain()), 'abab')
  })

  test('flood from many addresses: whoever waits already is not turned away for newcomers without end', () => {
    const { fill, come, gaveWay, drain } = openLine(3)
    fill('abc')
    for (const group of 'defghij') assert.equal(come(group), false)
    assert.deepEqual(gaveWay, [])
    assert.equal(groupsOf(drain()), 'abc')
  })

  test('are kept from strangers, however many groups they are', () => {
    const { fill, come } = openLine(4, 2)
    fill('ab')
    assert.equal(come('c'), false)
    fill('xy', true)
    assert.equal(come('z', true), false)
  })

  test('of the known are not for a stranger while strangers have theirs', () => {
    const { fill, come, gaveWay, drain } = openLine(5, 3)
    fill('ab')
    fill('xxx', true)
    assert.equal(come('c'), false)
    assert.deepEqual(gaveWay, [])
    assert.equal(groupsOf(drain()), 'xaxbx')
  })

  test('that the known borrow from strangers are given back, from who has most', () => {
    const { fill, come, gaveWay } = openLine(4, 1)
    fill('xxyx', true)
    assert.ok(come('a'))
    assert.deepEqual(gaveWay, ['x4'])
  })

  test('of a flood of strangers are the first that give way to the known', () => {
    const { fill, come, gaveWay } = openLine(6, 2)
    fill('aaaa')
    fill('xx', true)
    assert.ok(come('y', true))
    assert.deepEqual(gaveWay, ['a4'])
  })

  test('of the same name among strangers and the known are two groups: a stranger takes nothing from its namesake', () => {
    const { fill, come, gaveWay, drain } = openLine(4, 1)
    fill('aaa')
    assert.ok(come('a', true))
    assert.equal(come('a'), false)
    assert.deepEqual(gaveWay, [])
    assert.equal(drain()[0], 'a4')
  })
})

const never = (): void => {}

test('whoever leaves is not called, and may leave again', () => {
  const line = createFairLine(2, 0)
  const waiter: Waiter = { group: 'a', isKnown: false, enter: never, giveWay: never }
  assert.ok(line.join(waiter))
  line.leave(waiter)
  line.leave(waiter)
  assert.equal(line.size(), 0)
  assert.equal(line.next(), undefined)
})

/** Numbers from 0 to 1, the same ones for a seed. */
const createNumbers = (seed: number) => {
  let state = seed
  return (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    return (state >>> 0) / 2 ** 32
  }
}

type Traced = Waiter & { state: 'waits' | 'entered' | 'gave way' | 'left'; turns: number; most: number }

/** A line, and a plain list of what was promised to whom. */
const walkAtRandom = (random: () => number, steps: number): void => {
  const [most, groups] = [1 + Math.floor(random() * 12), 1 + Math.floor(random() * 8)]
  const kept = Math.floor(random() * (most + 1))
  const line: FairLine = createFairLine(most, kept)
  const waiting = new Set<Traced>()
  const count = (of: (waiter: Traced) => boolean): number => [...waiting].filter(of).length
  /** How many the one that comes has there already. */
  let own = 0

  const come = (): void => {
    const [group, isKnown] = [`group ${Math.floor(random() * groups)}`, random() < 0.3]
    const before = [...waiting]
    const kin = before.filter(waiter => waiter.isKnown === isKnown)
    const others = new Set(kin.map(waiter => waiter.group).filter(name => name !== group)).size
    own = kin.filter(waiter => waiter.group === group).length
    const waiter: Traced = {
      ...{ group, isKnown, state: 'waits', turns: 0 },
      // One of each other group, and for each of its own before it a round of all; of the other kind as many.
      most: 2 * (others + own * groups + 1),
      enter: never,
      giveWay: () => {
        waiter.state = 'gave way'
        waiting.delete(waiter)
        const largest = count(other => other.group === waiter.group && other.isKnown === waiter.isKnown)
        assert.ok(largest > own, 'who gave way was of a group that still has more than the newcomer had')
      },
    }
    const hasPlace = line.join(waiter)
    if (hasPlace) waiting.add(waiter)
    else
      assert.ok(before.length === most || (!isKnown && before.filter(w => !w.isKnown).length >= most - kept))
  }

  const call = (): void => {
    const next = line.next() as Traced | undefined
    assert.equal(next === undefined, waiting.size === 0, 'a free place is never left while somebody waits')
    if (next === undefined) return
    assert.equal(next.state, 'waits')
    next.state = 'entered'
    waiting.delete(next)
    for (const waiter of waiting) {
      waiter.turns += 1
      assert.ok(waiter.turns <= waiter.most, 'nobody starves')
    }
  }

  const go = (): void => {
    const [waiter] = [...waiting].slice(Math.floor(random() * waiting.size))
    if (waiter === undefined) return
    line.leave(waiter)
    waiter.state = 'left'
    waiting.delete(waiter)
  }

  for (let step = 0; step < steps; step += 1) {
    const dice = random()
    if (dice < 0.6) come()
    else if (dice < 0.95) call()
    else go()
    assert.equal(line.size(), waiting.size)
    assert.ok(waiting.size <= most)
    assert.ok(count(waiter => !waiter.isKnown) <= most - kept)
  }
  while (waiting.size > 0) call()
}

test('random comings and goings: it is bounded, a turn is never lost, nobody starves, and only who has more gives way', t => {
  const seed = Math.floor(Math.random() * 2 ** 32)
  t.diagnostic(`seed ${seed}`)
  const random = createNumbers(seed)
  for (let walk = 0; walk < 200; walk += 1) walkAtRandom(random, 200)
})
