import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type Random, systemRandom } from '../ground/random.ts'
import { parseSecret } from '../ground/secrets.ts'
import { makeSecretFile, readSecretFile, secretFile } from './secret-file.ts'

const home = mkdtempSync(join(tmpdir(), 'gatewright-'))
after(() => rmSync(home, { recursive: true }))

test('the first start makes a secret of 32 bytes, the next ones read it', () => {
  const folder = join(home, 'first', 'data')
  assert.equal(readSecretFile(folder), undefined)
  const made = makeSecretFile(folder, systemRandom)
  assert.ok(parseSecret(made))
  assert.equal(readSecretFile(folder), made)
  assert.equal(makeSecretFile(folder, systemRandom), made)
  assert.deepEqual(readdirSync(folder), ['secret'])
})

test('two installations have two secrets', () => {
  assert.notEqual(
    makeSecretFile(join(home, 'a'), systemRandom),
    makeSecretFile(join(home, 'b'), systemRandom),
  )
})

test('only the owner can read the secret and its folder', {
  skip: process.platform === 'win32' && 'Windows has no modes',
}, () => {
  const folder = join(home, 'private')
  makeSecretFile(folder, systemRandom)
  assert.equal(statSync(secretFile(folder)).mode & 0o777, 0o600)
  assert.equal(statSync(folder).mode & 0o777, 0o700)
})

test('a process that finds another was faster uses the secret of that one', () => {
  const folder = join(home, 'race')
  const rival = Buffer.alloc(32, 1).toString('base64url')
  // The other process writes between the look and the write of this one: when its random bytes are drawn.
  const overtaken: Random = {
    bytes: count => {
      writeFileSync(secretFile(folder), `${rival}\n`)
      return systemRandom.bytes(count)
    },
  }
  assert.equal(makeSecretFile(folder, overtaken), rival)
  assert.equal(readFileSync(secretFile(folder), 'utf8'), `${rival}\n`)
  assert.deepEqual(readdirSync(folder), ['secret'])
})
