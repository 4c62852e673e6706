import assert from 'node:assert/strict'
import { test } from 'node:test'
import { minute, second } from './clock.ts'
import { createCutOffs, type Entry, nameOf } from './cut-offs.ts'
import { FeedError, type Statement } from './statement.ts'
import { createView } from './view.ts'

/** A view with room for 20 entries, at a time that only the test moves. */
const open = () => {
  const at = { wall: 1_800_000_000_000, monotonic: 0 }
  const cutOffs = createCutOffs(20)
  const view = createView({ wall: () => at.wall, monotonic: () => at.monotonic }, cutOffs)
  const now = (): number => at.wall / second
  const pass = (milliseconds: number): void => {
    at.wall += milliseconds
    at.monotonic += milliseconds
  }
  const take = (entries: readonly Entry[], more: Partial<Statement> = {}): void => {
    const place = { epoch: 'one', after: view.place(), place: 'one/1', isLast: true }
    view.take({ iat: now(), age: 0, kid: 'a', ...place, entries, ...more }, { ...at })
  }
  let made = 0
  /** Of sessions that nobody heard of before. */
  const entriesOf = (count: number, seconds: number): Entry[] =>
    Array.from({ length: count }, () => {
      made += 1
      return ['session', nameOf('session', `${made}`), now() + seconds]
    })
  return { view, cutOffs, pass, take, entriesOf, now }
}

test('once there was no room the door opens again when enough of it is over', () => {
  const { view, pass, take, entriesOf } = open()
  assert.throws(() => take(entriesOf(30, 600)), FeedError)
  view.close()
  assert.throws(() => take(entriesOf(1, 600)), FeedError)
  view.close()
  pass(11 * minute)
  take(entriesOf(1, 600))
  assert.equal(view.age(), 0)
})

test('where there is no room what is over is forgotten at once, and not with the next half minute', () => {
  const { cutOffs, pass, take, entriesOf } = open()
  take(entriesOf(20, 5))
  pass(6 * second)
  take(entriesOf(20, 600))
  assert.equal(cutOffs.size(), 20)
  pass(second)
  assert.throws(() => take(entriesOf(1, 600)), FeedError)
})

test('while there is room it is looked through every half minute only', () => {
  const { cutOffs, pass, take, entriesOf } = open()
  take(entriesOf(5, 5))
  pass(20 * second)
  take(entriesOf(5, 600))
  assert.equal(cutOffs.size(), 10)
  pass(10 * second)
  take([])
  assert.equal(cutOffs.size(), 5)
})

test('a revoked key is forgotten an hour after it has mattered, and what else is over when it is', () => {
  const { cutOffs, pass, take, entriesOf, now } = open()
  take([...entriesOf(1, 60), ['signing-key', nameOf('signing-key', 'b'), now() + 60]])
  pass(60 * minute)
  take([])
  assert.equal(cutOffs.size(), 1)
  pass(2 * minute)
  take([])
  assert.equal(cutOffs.size(), 0)
})
