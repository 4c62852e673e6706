import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { dictionary } from '@zxcvbn-ts/language-common'
import { translations } from '@zxcvbn-ts/language-en'
import { Refusal } from '../ground/refusal.ts'
import { parsePassword } from './password.ts'
import { createPasswordStrength } from './password-strength.ts'
import { leastScore } from './strength.ts'

const strength = createPasswordStrength()
after(strength.stop)
const scoreOf = async (text: string, words: readonly string[] = []): Promise<number> =>
  (await strength.measure(parsePassword(text), words)).score

const isRefused = (reason: string) => (error: unknown) =>
  error instanceof Refusal && error.code === 'unavailable' && error.details.reason === reason

test('the dictionaries are loaded by the first question, and not before', async () => {
  assert.equal(strength.isLoaded(), false)
  await scoreOf('first')
  assert.equal(strength.isLoaded(), true)
})

describe('guessing: a password is refused', () => {
  const common = dictionary['passwords-common']

  test('if it is common and long enough: all of them', async () => {
    const long = common.filter(text => [...text].length >= 15)
    assert.ok(long.length > 30)
    for (const text of long) assert.ok((await scoreOf(text)) < leastScore, text)
  })

  test('if it is common and PASSWORD_MIN_LENGTH is 8: a sample of all', async () => {
    const sample = common.filter(text => [...text].length >= 8).filter((_, n) => n % 150 === 0)
    assert.ok(sample.length > 100)
    for (const text of sample) assert.ok((await scoreOf(text)) < leastScore, text)
  })

  for (const text of [
    'password1234567',
    'Passw0rdPassw0rd',
    'qwertyuiopasdfghjkl',
    'aaaaaaaaaaaaaaaaaaaa',
    'abcabcabcabcabcabc',
    '123456789012345678',
    'letmeinletmeinletmein',
    'P@$$w0rdP@$$w0rd',
    'drowssapdrowssap',
    'password password',
    'a'.repeat(1_024),
  ])
    test(`if it is ${text.slice(0, 30)}`, async () => assert.ok((await scoreOf(text)) < leastScore))

  test('if it is made of own words and a little', async () => {
    const words = ['alice', 'example.org', 'example', 'gatewright']
    for (const text of ['alice@example.org1', 'gatewright1234567', 'al1ce-al1ce-al1ce', 'Gatewright-Alice!'])
      assert.ok((await scoreOf(text, words)) < leastScore, text)
  })

  test('if it is an own word in disguise', async () => {
    assert.ok((await scoreOf('Z0rblaxQu1mby99')) >= leastScore)
    assert.ok((await scoreOf('Z0rblaxQu1mby99', ['zorblaxquimby'])) < leastScore)
  })

  test('with a reason and with what would help', async () => {
    const { warning, suggestions } = await strength.measure(parsePassword('password1234567'), [])
    assert.equal(warning, 'This is similar to a commonly used password.')
    assert.deepEqual(suggestions, ['Add more words that are less common.'])
  })
})

describe('a password is good', () => {
  for (const text of [
    'correct horse battery staple',
    'qwmzpoxnvbdytrx',
    '雲深不知處松下問童子言師採藥去',
    '🦊🌊🍋🚲🎻🪁🧭🛶🥁🗿🧊🪐🦉🌵🍂',
    'a b  c   d    e',
  ])
    test(`if it is ${text}`, async () => assert.ok((await scoreOf(text)) >= leastScore))
})

test('only the first 64 characters count', async () => {
  const tail = ' and what stands behind them is never looked at'
  assert.equal(await scoreOf('a'.repeat(64) + tail), await scoreOf('a'.repeat(64)))
  assert.ok((await scoreOf('a'.repeat(40) + tail)) >= leastScore)
})

describe('flood of expensive passwords', () => {
  const expensive = parsePassword('4@8({[<3691!|1|0$5+7%2'.repeat(40).slice(0, 1_024))

  test('the event loop goes on while they are measured', async () => {
    const before = performance.eventLoopUtilization()
    await Promise.all(Array.from({ length: 16 }, () => strength.show(expensive, [])))
    // A share of the time and no time: whatever else the machine does, a loop that measured would never rest.
    const { utilization } = performance.eventLoopUtilization(before)
    assert.ok(utilization < 0.5, `busy ${utilization} of the time`)
  })

  test('beyond a bounded number they are refused, and what is to be set waits for one of them at most', async () => {
    const shown = Array.from({ length: 60 }, () => strength.show(expensive, []))
    const results = Promise.allSettled(shown)
    let done = 0
    for (const one of shown)
      one.then(
        () => {
          done += 1
        },
        () => {},
      )
    await strength.measure(parsePassword('correct horse battery staple'), [])
    assert.ok(done <= 2, `${done} went before`)
    const refused = (await results).filter(({ status }) => status === 'rejected')
    assert.equal(refused.length, 60 - 17)
    for (const { reason } of refused as PromiseRejectedResult[])
      assert.ok(isRefused('strength_queue_full')(reason))
  })
})

describe('a thread', () => {
  test('ends after a time without questions, and another one answers the next', async () => {
    const short = createPasswordStrength({ idle: 1 })
    await short.measure(parsePassword('one'), [])
    while (short.isLoaded()) await delay(1)
    assert.equal((await short.measure(parsePassword('two'), [])).score, 0)
    await short.stop()
    assert.equal(short.isLoaded(), false)
  })

  const startOther = (code: string) => () => new Worker(code, { eval: true })

  test('that gives no answer in time lets nothing in', async () => {
    const start = startOther(`require('node:worker_threads').parentPort.on('message', () => {})`)
    const silent = createPasswordStrength({ patience: 100, start })
    await assert.rejects(silent.measure(parsePassword('some'), []), isRefused('strength_unknown'))
    assert.equal(silent.isLoaded(), false)
  })

  test('that fails lets nothing in, and its error never shows a part of the password', async () => {
    const start = startOther(
      `require('node:worker_threads').parentPort.on('message', ({ password }) => { throw new TypeError(password) })`,
    )
    const failing = createPasswordStrength({ start })
    await assert.rejects(failing.measure(parsePassword('hush-hush-hush'), []), (error: Error) => {
      assert.match(error.message, /thread that measures passwords failed: TypeError/)
      return !`${error.stack}${error.cause}`.includes('hush')
    })
    assert.equal(failing.isLoaded(), false)
  })

  test('that is stopped refuses whoever waits for it', { timeout: 30_000 }, async () => {
    const start = startOther(`require('node:worker_threads').parentPort.on('message', () => {})`)
    const stopped = createPasswordStrength({ patience: 60_000, start })
    const waiting = assert.rejects(stopped.measure(parsePassword('some'), []), isRefused('strength_unknown'))
    await delay(1)
    await stopped.stop()
    await waiting
  })
})

test('whatever is said of a password, the console has a text for it', async () => {
  const { pwned: _, ...warnings } = translations.warnings
  const { pwned: __, ...suggestions } = translations.suggestions
  const own = await strength.measure(parsePassword('alicealicealice'), ['alice'])
  const told = [...Object.values(warnings), ...Object.values(suggestions), own.warning, ...own.suggestions]
  const table = new URL('../../../../apps/console/src/forms/strength-advice.ts', import.meta.url)
  const known = await readFile(table, 'utf8')
  for (const text of told) assert.ok(text && known.includes(text), text ?? 'nothing')
})
