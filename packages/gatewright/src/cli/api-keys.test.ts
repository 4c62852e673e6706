import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { giveKeyWithId } from '../../../../test/api-keys/given.ts'
import { addUser } from '../../../../test/sessions/signed-in.ts'
import { compose } from '../compose.ts'
import { defaultSettings } from '../ground/settings.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatewright-api-keys-'))
const databaseUrl = `sqlite:${join(folder, 'data', 'gatewright.db')}`

let key: { readonly id: string; readonly key: string }
before(async () => {
  const engine = await compose({ settings: defaultSettings({ databaseUrl }) })
  const { id } = await addUser(engine, 'bob')
  key = await giveKeyWithId({ engine }, id, { name: 'reports', permissions: ['users:read'] })
  await engine.close()
})
after(() => rmSync(folder, { recursive: true, force: true }))

const main = new URL('main.ts', import.meta.url).pathname

const run = (...line: readonly string[]) => {
  const env = { DATABASE_URL: databaseUrl }
  const { status, stdout } = spawnSync(process.execPath, [main, ...line, '--json'], { cwd: folder, env })
  return { status, text: stdout.toString(), body: JSON.parse(stdout.toString()) }
}

test('keys are listed without themselves, and one is revoked, once', () => {
  const { text, body } = run('api-key', 'list')
  assert.deepEqual(
    body.api_keys.map(({ id, owner, name, state }: typeof body) => ({ id, owner, name, state })),
    [{ id: key.id, owner: 'bob', name: 'reports', state: 'live' }],
  )
  assert.ok(!text.includes(key.key.slice(30)))
  assert.equal(run('api-key', 'revoke', key.id).status, 0)
  assert.equal(run('api-key', 'list').body.api_keys[0].state, 'ended')
  assert.equal(run('api-key', 'revoke', key.id).status, 1)
})
