import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import { systemRandom } from '../ground/random.ts'
import { newSalt } from './argon2-hash.ts'
import { hashInThread, hashingThreads } from './hashing-threads.ts'
import { parsePassword } from './password.ts'

const password = parsePassword('correct horse battery staple')
const hash = () => hashInThread({ password, salt: newSalt(systemRandom) }, 2)

describe('hashing threads', () => {
  for (const [cores, threads] of [
    [1, 1],
    [2, 1],
    [3, 2],
    [4, 3],
    [9, 8],
    [64, 8],
  ] as const)
    test(`are ${threads} with ${cores} cores`, () => assert.equal(hashingThreads(cores), threads))

  test('give way to the one that serves', {
    skip: process.platform !== 'linux' && 'Linux alone counts it by thread',
  }, async () => {
    await Promise.all([hash(), hash(), hash(), hash()])
    const nameOf = (id: string) => readFileSync(`/proc/self/task/${id}/comm`, 'utf8').trim()
    const priorities = readdirSync('/proc/self/task')
      .filter(id => nameOf(id).startsWith('password-hash'))
      .map(id => getPriority(Number(id)))
    const own = getPriority()
    assert.deepEqual(priorities, [own + 10, own + 10])
  })

  test('fail one task and go on with the next', async () => {
    const broken = hashInThread({ password, salt: new Uint8Array(1) }, 2)
    const whole = hash()
    await assert.rejects(broken, /^Error: a password could not be hashed$/)
    assert.match(String(await whole), /^\$argon2id\$/)
  })

  test('keep a process alive while somebody waits, and not longer', { timeout: 20_000 }, async () => {
    const [threads, argon2, random] = ['./hashing-threads.ts', './argon2-hash.ts', '../ground/random.ts'].map(
      file => new URL(file, import.meta.url).href,
    )
    const program = `
      const [{ hashInThread }, { newSalt }, { systemRandom }] =
        await Promise.all(['${threads}', '${argon2}', '${random}'].map(file => import(file)))
      console.log(await hashInThread({ password: 'x', salt: newSalt(systemRandom) }, 1))`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program])
    assert.match(stdout, /^\$argon2id\$/)
  })
})
