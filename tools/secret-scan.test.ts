import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { newSecret, systemRandom } from '../packages/gatewright/src/ground/random.ts'
import { newApiKey } from '../packages/gatewright/src/tokens/api-key.ts'
import { newSessionSecret } from '../packages/gatewright/src/tokens/session-secret.ts'
import { findOwn, listFolder, listTracked, scan, writeHistory } from './secret-scan.ts'
import { top } from './top.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatewright-secret-scan-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const { key } = newApiKey(systemRandom)
/** Put together here, so that this file holds none. */
const planted: Readonly<Record<string, string>> = {
  'key.txt': `const key = '${key}'\n`,
  'cookie.txt': `Cookie: gw_session=${newSessionSecret(systemRandom)}\n`,
  '.env': `\nGATEWRIGHT_SECRET=${newSecret(systemRandom)}\n`,
  'npm.txt': `//registry.npmjs.org/:_authToken=npm_${'a1B2c3D4e5F6'.repeat(3)}\n`,
  'database.txt': `${'postgres'}://app:Zu7-kfla92@db.example.org/blog\n`,
  'key.pem': generateKeyPairSync('rsa', { modulusLength: 2_048 })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString(),
}
const harmless: Readonly<Record<string, string>> = {
  'example.txt': `postgres://u:${'hush'}@db/blog and gwk_${'made-up'.repeat(10)}`,
  'settings.txt': `GATEWRIGHT_SECRET=${'A'.repeat(43)}\n`,
}

const git = (...words: readonly string[]): void => {
  const who = ['-c', 'user.name=a', '-c', 'user.email=a@example.org', '-c', 'init.defaultBranch=main']
  execFileSync('git', [...who, ...words], { cwd: folder, stdio: 'ignore' })
}

const namesOf = (findings: readonly { readonly name: string }[]): readonly string[] =>
  [...new Set(findings.map(({ name }) => name.replace(/ \([0-9a-f]{12}\)$/, '')))].sort()

test('a secret in a file that git would take is found by name and line, in a folder, and later in the history', async () => {
  for (const [name, text] of Object.entries({ ...planted, ...harmless }))
    writeFileSync(join(folder, name), text)
  git('init')
  const found = await scan(listTracked(folder))
  assert.deepEqual(namesOf(found), Object.keys(planted).sort())
  assert.equal(found.find(({ name }) => name === '.env')?.line, 2)
  assert.ok(!JSON.stringify(found).includes(key))
  assert.deepEqual(namesOf(await scan(listFolder(folder))).includes('key.pem'), true)

  git('add', '-A')
  git('commit', '-m', 'oh')
  for (const name of Object.keys(planted)) rmSync(join(folder, name))
  git('add', '-A')
  git('commit', '-m', 'nothing to see')
  assert.deepEqual(await scan(listTracked(folder)), [])
  const history = mkdtempSync(join(folder, 'history-'))
  assert.deepEqual(namesOf(await scan(await writeHistory(folder, history))), Object.keys(planted).sort())
})

test('a token of Gatewright with a letter changed is none', () => {
  const last = key.at(-2) === 'A' ? 'B' : 'A'
  assert.equal(findOwn('a', key).length, 1)
  assert.equal(findOwn('a', key.slice(0, -2) + last + key.at(-1)).length, 0)
})

const noCheckout = !existsSync(join(top, '.git')) && 'this is no checkout of git: clone the repository'

test('no file of this repository holds a secret', { skip: noCheckout }, async () => {
  assert.deepEqual(await scan(listTracked(top)), [])
})
