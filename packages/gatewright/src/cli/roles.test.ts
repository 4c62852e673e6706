import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { compose } from '../compose.ts'
import { defaultSettings } from '../ground/settings.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatewright-role-commands-'))
const databaseUrl = `sqlite:${join(folder, 'gatewright.db')}`
after(() => rmSync(folder, { recursive: true, force: true }))
before(async () => {
  const declaration = { permissions: { 'reports:read': 'read reports' } }
  await (await compose({ settings: defaultSettings({ databaseUrl }), declaration })).close()
})

const main = new URL('main.ts', import.meta.url).pathname

type Said = {
  readonly code: number
  readonly role?: { readonly permissions: readonly string[]; readonly description: string }
  readonly roles?: readonly { readonly name: string }[]
}

/** Runs the real command; what it says is one line of JSON. */
const run = (line: string): Promise<Said> =>
  new Promise(resolve => {
    const env = { DATABASE_URL: databaseUrl, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? folder }
    const words = [...line.split(' '), '--json']
    execFile(process.execPath, [main, ...words], { cwd: folder, env }, (error, stdout) => {
      assert.doesNotMatch(stdout, /[\p{Bidi_Control}\u0080-\u009f]/u, 'nothing that a terminal acts on')
      resolve({ ...JSON.parse(stdout), code: typeof error?.code === 'number' ? error.code : 0 })
    })
  })

test('a role is made of what the application declared, changed, given, taken and deleted', async () => {
  const made = await run('role create support --permission reports:read --permission users:read')
  assert.deepEqual(made.role?.permissions, ['reports:read', 'users:read'])
  const changed = await run('role change support --no-permissions --description he\u202elps\u009b')
  assert.deepEqual([changed.role?.permissions, changed.role?.description], [[], 'he\u202elps\u009b'])
  const { roles = [], code } = await run('role list')
  assert.equal(code, 0)
  const names = roles.map(({ name }) => name)
  assert.deepEqual(names.sort(), ['admin', 'moderator', 'support', 'user'])
  assert.equal((await run('role delete support')).code, 0)
})

for (const [line, exit] of Object.entries({
  'role create support --permission reports:raed': 1,
  'role create admin --permission users:read': 1,
  'role create Support': 1,
  'role change nobody --permission users:read': 1,
  'role change admin --no-permissions': 1,
  'role delete user': 1,
  'role delete nobody': 1,
  'role change support': 2,
  'role change support --no-permissions --permission users:read': 2,
  'role create': 2,
}))
  test(`"${line}" ends with ${exit} and changes nothing`, async () => {
    assert.equal((await run(line)).code, exit)
    const { roles } = await run('role list')
    assert.equal(roles?.length, 3)
  })
