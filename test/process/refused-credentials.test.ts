import assert from 'node:assert/strict'
import { test } from 'node:test'
import { query } from './database-file.ts'
import { newFolder, type Server, signUp, startServer } from './spawned-server.ts'
import { untilEqual } from './until.ts'

const env = { PUBLIC_URL: 'http://localhost:3000' }

test('two processes on one database: the first refusal of each is a row at once, and after SIGTERM no refusal is uncounted', async t => {
  const folder = newFolder(t)
  const servers = [await startServer(folder, { env }), await startServer(folder, { env })] as const
  const [first] = servers
  const { id, access } = await signUp(first, 'bob')
  assert.equal((await first.call('POST', 'logout', { token: access })).status, 200)
  const rows = () =>
    query(folder, "select user_id, reason, details from audit_events where event = 'credential.refused'")
  const refuse = async (server: Server, token: string): Promise<void> =>
    assert.equal((await server.call('GET', 'protected', { token })).status, 401)

  await refuse(first, access)
  await untilEqual(() => rows().map(({ user_id, reason }) => [user_id, reason]), [[id, 'logout']])

  for (let n = 0; n < 30; n++)
    await Promise.all(servers.flatMap(server => [refuse(server, 'not.a.token'), refuse(server, 'nothing')]))
  await Promise.all(servers.map(server => server.stop()))
  const counts: Record<string, number> = {}
  for (const { reason, details } of rows())
    counts[String(reason)] = (counts[String(reason)] ?? 0) + JSON.parse(String(details)).count
  assert.deepEqual(counts, { logout: 1, token_encoding: 60, token_parts: 60 })
})
