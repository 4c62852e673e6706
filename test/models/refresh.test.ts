import { test } from 'node:test'
import { playShort } from './short.ts'

test('devices, tabs and a thief refresh at once: some order of their calls explains every answer by the rules', t =>
  playShort(t, 'refresh', {
    histories: { sqlite: 2_000, postgres: 700 },
    meets: [
      'refresh: the live token again',
      'refresh: a rotation, or its twin',
      'refresh: a retry',
      'refresh: refresh_token_reused',
      'refresh: session_renewed',
      'refresh: session_ended',
      'change the roles',
      'change the password',
      'step up',
      'end all others',
      'log out',
      'disable',
    ],
  }))
