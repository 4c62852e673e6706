import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createOutbox } from './outbox.ts'
import type { Message } from './transport.ts'

const message: Message = {
  messageId: '<abcdefghijklmnopqrstuv@localhost>',
  from: 'a@example.org',
  to: 'b@example.org',
  subject: 'One',
  text: 'One',
  html: '<p>One</p>',
  raw: Buffer.from('Subject: One\r\n\r\nOne'),
}

test('a mail becomes a file that only its owner reads, and a second attempt no second file', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const outbox = createOutbox(join(folder, 'outbox'), () => 0)
  for (const _ of [1, 2]) await outbox.send(message, new AbortController().signal)
  const files = readdirSync(join(folder, 'outbox'))
  assert.deepEqual(files, ['1970-01-01T00-00-00-000Z-abcdefghijklmnopqrstuv.eml'])
  const file = join(folder, 'outbox', files[0] ?? '')
  assert.equal(readFileSync(file, 'utf8'), message.raw.toString())
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.equal(statSync(join(folder, 'outbox')).mode & 0o777, 0o700)
})
