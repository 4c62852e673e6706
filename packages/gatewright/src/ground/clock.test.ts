import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { hour, systemClock } from './clock.ts'

test('a machine clock that is set back does not bring back what has ended by time, and is noticed', () => {
  const before = systemClock.now()
  assert.ok(systemClock.behind() < 50)
  const real = Date.now.bind(Date)
  const setBack = mock.method(Date, 'now', () => real() - hour)
  assert.ok(systemClock.now() >= before)
  assert.ok(systemClock.now() < before + 1_000)
  assert.ok(systemClock.behind() >= hour - 1_000)
  setBack.mock.restore()
})

test('a machine clock that is set forward is followed', () => {
  const real = Date.now.bind(Date)
  const ahead = mock.method(Date, 'now', () => real() + hour)
  assert.ok(systemClock.now() >= real() + hour - 1_000)
  ahead.mock.restore()
})
