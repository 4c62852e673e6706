import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newName, openServer, query, readdress } from '../postgres/query.ts'
import { newFolder } from './spawned-server.ts'
import { standStillInRounds } from './stand-still.ts'

/**
 * On PostgreSQL, where a request that waited is looked at before the reply of the database. The bound is short,
 * so that a process need not be stopped for long: `npm run proof -- stopped` stops one for a minute.
 */
const env = {
  PUBLIC_URL: 'http://localhost:3000',
  REVOCATION_MAX_AGE: '500ms',
  GATEWRIGHT_SECRET: Buffer.alloc(32, 7).toString('base64url'),
}

test('a token that outlives logout: a process that stood still, wherever it was in its work, refuses it with its first answer', async t => {
  const server = await openServer()
  t.after(server.stop)
  const database = newName()
  await query(server.url, `create database ${database}`)
  const statuses = await standStillInRounds(newFolder(t), {
    env: { ...env, DATABASE_URL: readdress(server.url, { database }) },
    rounds: 4,
    stillFor: 600,
  })
  assert.deepEqual(
    statuses.filter(status => status !== 401 && status !== 503),
    [],
  )
  t.diagnostic(`first answers: ${statuses.join(', ')}`)
})
