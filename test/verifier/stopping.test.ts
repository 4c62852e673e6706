import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until, within } from '../process/until.ts'
import { startListening } from './listening.ts'

test('a process that stops answers those who wait for the feed at once, and keeps nobody from stopping it', async () => {
  const t = await startListening()
  const ask = (query: string) => fetch(`${t.issuer}/api/v1/revocations?nonce=${'A'.repeat(22)}${query}`)
  const { statement } = (await (await ask('')).json()) as { readonly statement: string }
  const { place } = JSON.parse(Buffer.from(statement.split('.')[1] ?? '', 'base64url').toString())
  const waiting = [ask(`&after=${place}&wait_ms=20000`), ask(`&after=${place}&wait_ms=20000`)]
  await until('both wait', () => t.engine.publishedFeed.waiting() === 2)
  // Half of what they said that they would wait.
  await within(10_000, 'it stops', t.close())
  for (const answer of await Promise.all(waiting)) assert.equal(answer.status, 200)
})

test('whoever hangs up while waiting gives the place back', async () => {
  const t = await startListening()
  try {
    const leaving = new AbortController()
    const ask = (query: string) =>
      fetch(`${t.issuer}/api/v1/revocations?nonce=${'A'.repeat(22)}${query}`, { signal: leaving.signal })
    const { statement } = (await (await ask('')).json()) as { readonly statement: string }
    const { place } = JSON.parse(Buffer.from(statement.split('.')[1] ?? '', 'base64url').toString())
    const waiting = ask(`&after=${place}&wait_ms=20000`)
    await until('it waits', () => t.engine.publishedFeed.waiting() === 1)
    leaving.abort()
    await assert.rejects(waiting, { name: 'AbortError' })
    await until('nobody waits', () => t.engine.publishedFeed.waiting() === 0)
  } finally {
    await t.close()
  }
})
