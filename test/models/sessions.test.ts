import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readDocument } from '../markdown.ts'
import { attempts } from './attempts.ts'
import { eventNames } from './events.ts'
import { pairs } from './pairs.ts'
import { playShort } from './short.ts'
import { slowRequests } from './slow-requests.ts'

test('each way to get a session, with each event in the middle of it: what the table ends does not come back', t =>
  playShort(t, 'sessions', {
    histories: { sqlite: 2 * pairs.length, postgres: Math.ceil(1.5 * pairs.length) },
    meets: [
      'sign in: invalid_credentials',
      'sign in: mfa_required',
      'show a factor',
      'show a factor: invalid_mfa_code',
      'show a passkey',
      'show a passkey: invalid_credentials',
      'step up: session_ended',
      'change the password: session_ended',
      'refresh: session_ended',
      'use the cookie: session_ended',
      'a token of the revoked key was refused',
      'make a key: session_ended',

      'rotate the key: session_ended',
    ],
  }))

test('a body that comes after the logout writes nothing, and no session outlives it', t =>
  playShort(t, 'slow requests', {
    histories: { sqlite: 40 * slowRequests, postgres: 20 * slowRequests },
    meets: ['POST step-up: 200', 'POST step-up: 401', 'PUT me/password: 401', 'POST posts: 401'],
  }))

test('docs/interleavings.md says how many pairs are played, and of which there can be none', () => {
  assert.match(readDocument('docs/interleavings.md'), new RegExp(`: ${pairs.length} pairs\\.`))
  const left = [...attempts.keys()].flatMap(attempt =>
    eventNames.filter(event => !pairs.some(pair => pair.attempt === attempt && pair.event === event)),
  )
  const impossible = ['refresh token ahead', 'refresh token reused', 'secret retired']
  const factor = 'second factor added'
  const ofCookies = [...impossible, ...impossible, ...impossible]
  assert.deepEqual(left.toSorted(), [...ofCookies, ...Array(6).fill(factor)].toSorted())
})
