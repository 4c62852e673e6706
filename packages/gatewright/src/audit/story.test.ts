import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { endReasons } from '../ground/end-reasons.ts'
import { type AuditEventName, auditEvents } from './events.ts'
import { isPartOf, storyOf, type ToldEvent, tellStory } from './story.ts'

const events = Object.keys(auditEvents) as AuditEventName[]
const names = {
  users: new Map([
    ['1', 'ann'],
    ['2', 'bob'],
  ]),
  devices: new Map([['s', 'Firefox']]),
}
const told = (event: string, changes: Partial<ToldEvent> = {}): string =>
  tellStory(
    {
      event,
      userId: '1',
      actor: '1',
      sessionId: null,
      address: null,
      reason: null,
      details: {},
      erased: [],
      ...changes,
    },
    names,
  )

describe('the story of an event', () => {
  test('is there for every event, and is made of what the event has', () => {
    for (const event of events) {
      const parts = [...storyOf(event).matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
      assert.deepEqual(
        parts.filter(name => !isPartOf(event, name)),
        [],
        event,
      )
      assert.match(told(event, { reason: 'unheard_of' }), /^[^{}]+\.$/, event)
    }
  })

  test('says who ended whose session on what, why and from where', () => {
    const ended = { sessionId: 's', actor: '2', reason: 'user_disabled', address: '192.0.2.7' }
    assert.equal(
      told('session.ended', ended),
      'ann’s session on Firefox ended because an administrator (bob) disabled the user, from 192.0.2.7.',
    )
  })

  test('has words for every reason of an end, and every actor', () => {
    for (const actor of ['1', '2', null, 'system', 'command-line'])
      for (const reason of endReasons)
        assert.doesNotMatch(told('session.ended', { actor, reason }), /[{}(]\w+_/)
    assert.match(
      told('session.ended', { actor: 'command-line', reason: 'logout' }),
      /the command line signed out/,
    )
  })

  test('names the permission that was lacking, and how often', () => {
    const details = { count: 3, lacks: 'permission posts:moderate' }
    assert.equal(
      told('access.refused', { reason: 'insufficient_permission', details }),
      'ann was refused because a permission is lacking (permission posts:moderate), 3 times.',
    )
  })

  test('says of what was erased that it was, and of whom nobody knows', () => {
    assert.match(told('identity.linked', { erased: ['subject'] }), /\(erased\)/)
    assert.match(
      told('sign-in.failed', { userId: null, actor: null, reason: 'unknown_user' }),
      /nobody known/,
    )
    assert.match(
      told('user.enabled', { userId: '3', actor: '4' }),
      /the user 4\) enabled the user 3 again\.$/,
    )
  })

  test('of an application’s own event is its name', () => {
    assert.equal(told('order.refunded'), 'ann: order.refunded.')
  })
})
