import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { until } from '../../../../test/process/until.ts'
import { createWake } from './wake.ts'

/** Reads that end when the test says so. */
const createReads = () => {
  const open: PromiseWithResolvers<void>[] = []
  let sent = 0
  return {
    read: (): Promise<void> => {
      sent += 1
      const read = Promise.withResolvers<void>()
      open.push(read)
      return read.promise
    },
    sent: () => sent,
    end: () => open.shift()?.resolve(),
    fail: () => open.shift()?.reject(new Error('the database is away')),
  }
}

/** Longer than the pause after a read. */
const settled = 50

describe('a wake', () => {
  test('starts a read at once', () => {
    const reads = createReads()
    createWake(reads.read)()
    assert.equal(reads.sent(), 1)
  })

  test('that comes while a read is under way is followed by another: the first may have been sent before', async () => {
    const reads = createReads()
    const wake = createWake(reads.read)
    wake()
    wake()
    assert.equal(reads.sent(), 1)
    reads.end()
    await until('a second read is sent', () => reads.sent() === 2)
  })

  test('flood of wakes: a thousand during one read are one more read', async () => {
    const reads = createReads()
    const wake = createWake(reads.read)
    for (let count = 0; count < 1_000; count++) wake()
    reads.end()
    await until('a second read is sent', () => reads.sent() === 2)
    reads.end()
    await delay(settled)
    assert.equal(reads.sent(), 2)
  })

  test('flood of wakes: one after the other are a read every few milliseconds at most', async () => {
    let sent = 0
    const wake = createWake(async () => {
      sent += 1
    }, 20)
    const start = performance.now()
    while (performance.now() - start < 200) {
      wake()
      await delay(1)
    }
    const took = performance.now() - start
    // A timer of 20 ms may end within the 20th.
    assert.ok(sent >= 2 && sent <= took / 19 + 1, `${sent} reads in ${took} ms`)
  })

  test('after a read that failed starts another one', async () => {
    const reads = createReads()
    const wake = createWake(reads.read)
    wake()
    reads.fail()
    await delay(settled)
    wake()
    assert.equal(reads.sent(), 2)
  })

  test('at any moment after a read is not lost', async () => {
    let sent = 0
    const wake = createWake(async () => {
      sent += 1
    }, 0)
    for (let round = 1; round <= 200; round++) {
      const before = sent
      wake()
      // A different number of turns each time, so that some wakes come while the one before is ending.
      for (let turn = 0; turn < round % 7; turn++) await Promise.resolve()
      await until('it is read', () => sent > before)
    }
  })
})
