import { test } from 'node:test'
import { pairs } from './pairs.ts'
import { playShort } from './short.ts'
import { slowRequests } from './slow-requests.ts'

test('each way to get a session, with each event in the middle of it: what the table ends does not come back', t =>
  playShort(t, 'sessions', {
    histories: { sqlite: 3 * pairs.length, postgres: 2 * pairs.length },
    meets: [
      'sign in: invalid_credentials',
      'step up: session_ended',
      'change the password: session_ended',
      'refresh: session_ended',
      'use the cookie: session_ended',
      'a token of the revoked key was refused',
    ],
  }))

test('a body that comes after the logout writes nothing, and no session outlives it', t =>
  playShort(t, 'slow requests', {
    histories: { sqlite: 60 * slowRequests, postgres: 30 * slowRequests },
    meets: ['POST step-up: 200', 'POST step-up: 401', 'PUT me/password: 401', 'POST posts: 401'],
  }))
