import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash, generateKeyPairSync } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { newSecret, systemRandom } from '../../packages/gatewright/src/ground/random.ts'
import { newApiKey } from '../../packages/gatewright/src/tokens/api-key.ts'
import { findSecrets, unpackLayers } from './layers.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatewright-layers-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const canary = 'canary-of-this-test'
const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
/** Put together here, so that this file holds none. */
const planted: Readonly<Record<string, string>> = {
  'app/.env': `GATEWRIGHT_SECRET=${newSecret(systemRandom)}\n`,
  'app/api-key.js': `const key = '${newApiKey(systemRandom).key}'\n`,
  'app/node_modules/x/database.js': `const url = '${'postgres'}://app:Zu7-kfla92@db.example.org/blog'\n`,
  'etc/npmrc': `//registry.npmjs.org/:_authToken=npm_${'a1B2c3D4e5F6'.repeat(3)}\n`,
  'etc/key': pem,
  'usr/bin/program': `\0\0${pem}`,
  'usr/bin/tool': `\0\0 npm_${'a1B2c3D4e5F6'.repeat(3)} `,
  'var/notes': `as was said: ${canary}`,
}
const harmless: Readonly<Record<string, string>> = {
  'app/main.js': "const url = 'postgres://u:hush@db/blog'\n",
  'etc/settings': 'GATEWRIGHT_SECRET=\nDATABASE_URL=sqlite:/data/gatewright.db\n',
  'usr/bin/node': '\0\0 -----BEGIN PRIVATE KEY----- ',
}

/** Into a folder as buildah pushes to one: files that are called by their hashes. */
const push = (pushed: string, make: (file: string) => void): string => {
  const file = join(pushed, 'new')
  make(file)
  const digest = createHash('sha256').update(readFileSync(file)).digest('hex')
  renameSync(file, join(pushed, digest))
  return digest
}

const pushLayer = (pushed: string, files: Readonly<Record<string, string>>): string => {
  const layer = mkdtempSync(join(folder, 'layer-'))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(layer, dirname(path)), { recursive: true })
    writeFileSync(join(layer, path), text)
  }
  return push(pushed, file => execFileSync('tar', ['--create', '--gzip', '--file', file, '-C', layer, '.']))
}

test('a secret of each form is found in a layer that a later one hides, in a program, and in what an image says of itself', async () => {
  const [pushed, unpacked] = [mkdtempSync(join(folder, 'pushed-')), mkdtempSync(join(folder, 'unpacked-'))]
  const config = push(pushed, file => writeFileSync(file, JSON.stringify({ history: [`ARG X=${canary}`] })))
  const former = pushLayer(pushed, { ...planted, ...harmless })
  const later = pushLayer(pushed, Object.fromEntries(Object.keys(planted).map(path => [path, ''])))
  writeFileSync(join(pushed, 'manifest.json'), '{}')
  assert.equal(unpackLayers(pushed, unpacked), 2)
  const expected = [`/${config}.json`, ...Object.keys(planted).map(path => `/${former}/${path}`)]
  assert.deepEqual(await findSecrets(unpacked, canary), expected.sort())
  assert.notEqual(former, later)
})
