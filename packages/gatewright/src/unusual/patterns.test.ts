import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readPart, toTable, withParts } from '../../../../test/markdown.ts'
import { auditEvents } from '../audit/events.ts'
import { day, hour } from '../ground/clock.ts'
import { digestPatterns } from '../mail/texts/unusual.ts'
import { eventOf, patternNames, patternOf } from './patterns.ts'
import { thresholdOf } from './threshold.ts'

const showWindow = (window: number): string => {
  if (window === 0) return 'each'
  return window % day === 0 ? `${window / day} day` : `${window / hour} h`
}

const toRow = (name: (typeof patternNames)[number]): readonly string[] => {
  const { looksFor, threshold, window, severity, tells, alertAbove, why } = patternOf(name)
  const told = [...(tells.user ? ['the user'] : []), ...(tells.administrators ? ['administrators'] : [])]
  const seen = [`\`${name}\``, looksFor, String(threshold), showWindow(window), severity]
  return [...seen, told.join(', '), String(alertAbove), why]
}

test('docs/unusual-sign-ins.md has the table (UPDATE_DOCS=1 writes it)', () => {
  const heads = [
    'pattern',
    'looks for',
    'from',
    'within',
    'severity',
    'tells',
    'alert above, in an hour',
    'why',
  ]
  const patterns = toTable(heads, patternNames.map(toRow))
  assert.equal(readPart(withParts('docs/unusual-sign-ins.md', { patterns }), 'patterns').trim(), patterns)
})

test('each pattern has its event, and each that administrators are told of its words', () => {
  const events = Object.keys(auditEvents).filter(name => name.startsWith('unusual.'))
  assert.deepEqual(events.toSorted(), patternNames.map(eventOf).toSorted())
  const told = patternNames.filter(name => patternOf(name).tells.administrators)
  assert.deepEqual([...digestPatterns].toSorted(), told.toSorted())
})

test('LIMITS_SCALE multiplies thresholds of guesses, two at least; LIMITS=off raises none of them', () => {
  const of = (limits: 'on' | 'off', limitsScale: number) => (name: (typeof patternNames)[number]) =>
    thresholdOf({ limits, limitsScale }, name)
  assert.equal(of('on', 1)('many-failures'), 20)
  assert.equal(of('on', 2)('many-failures'), 40)
  assert.equal(of('on', 0.01)('many-failures'), 2)
  assert.equal(of('off', 1)('many-failures'), Number.POSITIVE_INFINITY)
  assert.equal(of('off', 5)('wrong-factor'), 3)
})
