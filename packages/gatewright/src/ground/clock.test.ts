import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { hour, minute, parseTimestamp, systemClock, timeAsSet, toTimestamp } from './clock.ts'

test('a machine clock that is set back does not bring back what has ended by time, and is noticed', () => {
  const before = systemClock.now()
  assert.ok(systemClock.behind() < minute)
  const real = Date.now.bind(Date)
  const setBack = mock.method(Date, 'now', () => real() - hour)
  assert.ok(systemClock.now() >= before)
  assert.ok(systemClock.now() < before + minute)
  assert.ok(systemClock.behind() >= hour - minute)
  setBack.mock.restore()
})

test('whoever counts goes by a machine clock as it is set, back as well', () => {
  const real = Date.now.bind(Date)
  const before = timeAsSet(systemClock)
  assert.ok(Math.abs(before - real()) < minute)
  const setBack = mock.method(Date, 'now', () => real() - hour)
  const after = timeAsSet(systemClock)
  setBack.mock.restore()
  assert.ok(Number.isSafeInteger(after))
  assert.ok(after < before - hour + minute && after > before - hour - minute)
})

test('a machine clock that is set forward is followed within a millisecond', () => {
  const real = Date.now.bind(Date)
  const ahead = mock.method(Date, 'now', () => real() + hour)
  const start = performance.now()
  while (performance.now() - start < 1) systemClock.now()
  assert.ok(systemClock.now() >= real() + hour - minute)
  ahead.mock.restore()
})

test('a text is a time only if it can be written back as one', () => {
  for (const text of [
    '2026-11-21T23:59:60Z',
    '1969-12-31T23:59:59Z',
    '9999-12-31T23:59:59-00:01',
    '2026-02-30T25:00:00Z',
    'tomorrow',
    '',
  ])
    assert.equal(parseTimestamp(text), undefined, text)
  for (const text of ['1970-01-01T00:00:00.000Z', '2026-11-21T12:00:00.123Z', '9999-12-31T23:59:59.999Z'])
    assert.equal(toTimestamp(parseTimestamp(text) ?? 0), text)
  assert.equal(toTimestamp(parseTimestamp('2026-11-21T20:00:00+08:00') ?? 0), '2026-11-21T12:00:00.000Z')
})
