import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createVerifiedTokens, usualBounds, weigh } from './verified-tokens.ts'

type Token = { readonly sessionId: string; readonly expiresAt: number; readonly keyId?: string }

const bounds = { entries: 32, bytes: 1_000_000, ofSession: 3 }
const open = (changed: Partial<typeof bounds> = {}) => createVerifiedTokens<Token>({ ...bounds, ...changed })

let sessions = 0
const newToken = (changed: Partial<Token> = {}): Token => ({
  sessionId: `session-${++sessions}`,
  expiresAt: 1_000,
  ...changed,
})

const fill = (known: ReturnType<typeof open>, count: number, changed: Partial<Token> = {}, now = 0) =>
  Array.from({ length: count }, () => {
    const token = newToken(changed)
    const text = `text-${sessions}`
    known.remember(text, token, now)
    return text
  })

const knownOf = (known: ReturnType<typeof open>, texts: readonly string[]) =>
  texts.filter(text => known.find(text) !== undefined)

test('a token is found by its whole text, as the very object that was remembered', () => {
  const known = open()
  const token = newToken()
  known.remember('header.claims.signature', token, 0)
  assert.equal(known.find('header.claims.signature'), token)
  for (const other of ['', 'header.claims', 'header.claims.Signature', 'header.claims.signature '])
    assert.equal(known.find(other), undefined)
})

test('names of prototypes are texts like others', () => {
  const known = open()
  for (const text of ['__proto__', 'constructor', 'toString']) assert.equal(known.find(text), undefined)
  known.remember('__proto__', newToken(), 0)
  assert.equal(known.count(), 1)
})

describe('there are never too many', () => {
  test('in all: the oldest go, some at once', () => {
    const known = open()
    const texts = fill(known, 33)
    assert.equal(known.count(), 30)
    assert.deepEqual(knownOf(known, texts), texts.slice(3))
    fill(known, 1_000)
    assert.ok(known.count() <= 32 && known.count() >= 30)
  })

  test('in bytes: long ones take the places of several', () => {
    const bytes = 10 * weigh('x'.repeat(100))
    const known = open({ bytes })
    for (let count = 0; count < 50; count++) {
      known.remember(`${count}`.padStart(100), newToken(), 0)
      assert.ok(known.count() * weigh('x'.repeat(100)) <= bytes)
    }
    assert.ok(known.count() >= 9)
    known.remember('long'.padStart(4_000), newToken(), 0)
    assert.ok(known.count() < 5)
  })

  test('in bytes: one that is larger than all of it is not kept', () => {
    const known = open({ bytes: 2_000 })
    known.remember('x'.repeat(8_192), newToken(), 0)
    assert.equal(known.count(), 0)
    assert.equal(knownOf(known, fill(known, 1)).length, 1, 'what it weighed was given back')
  })

  test('of one session: its oldest goes, and nobody else is pushed out', () => {
    const known = open()
    const others = fill(known, 20)
    const own = fill(known, 100_000, { sessionId: 'loop' })
    assert.deepEqual(knownOf(known, own), own.slice(-3))
    assert.deepEqual(knownOf(known, others), others)
  })

  test('when one is remembered twice: it has one place', () => {
    const known = open()
    const token = newToken()
    for (let times = 0; times < 10; times++) known.remember('text', token, 0)
    assert.equal(known.count(), 1)
    fill(known, 2, { sessionId: token.sessionId })
    assert.ok(known.find('text'))
  })
})

describe('an expired token goes', () => {
  test('as new ones come, wherever it stands among those that live', () => {
    const known = open({ entries: 1_000 })
    const living = fill(known, 20, { expiresAt: 9_000 })
    const expired = fill(known, 20, { expiresAt: 1_000 })
    const later = fill(known, 20, { expiresAt: 9_000 })
    fill(known, 60, { expiresAt: 9_000 }, 1_000)
    assert.deepEqual(knownOf(known, expired), [])
    assert.deepEqual(knownOf(known, [...living, ...later]), [...living, ...later])
  })

  test('before it comes in', () => {
    const known = open()
    assert.deepEqual(knownOf(known, fill(known, 3, { expiresAt: 1_000 }, 1_000)), [])
  })

  test('and is still found until then: whoever finds it looks at its time', () => {
    const known = open()
    const [text = ''] = fill(known, 1, { expiresAt: 1_000 })
    assert.equal(known.find(text)?.expiresAt, 1_000)
  })
})

test('what is meant is forgotten, and nothing else', () => {
  const known = open()
  const old = fill(known, 5, { keyId: 'old' })
  const other = fill(known, 5, { keyId: 'new' })
  known.forget(({ keyId }) => keyId === 'old')
  assert.deepEqual(knownOf(known, old), [])
  assert.deepEqual(knownOf(known, other), other)
  fill(known, 30)
  assert.ok(known.count() >= 30, 'the places were given back')
})

test('two hundred thousand tokens leave as much as the bounds say, and the newest', () => {
  const known = createVerifiedTokens<Token>()
  const texts = fill(known, 200_000).slice(-5_000)
  assert.ok(known.count() <= usualBounds.entries)
  assert.deepEqual(knownOf(known, texts), texts)
})
