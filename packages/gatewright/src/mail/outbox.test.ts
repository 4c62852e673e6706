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

test('a mail becomes a file that only its owner reads, with its text beside it, and a second attempt no second one', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const outbox = createOutbox(join(folder, 'outbox'), () => 0)
  for (const _ of [1, 2]) await outbox.send(message, new AbortController().signal)
  const name = '1970-01-01T00-00-00-000Z-abcdefghijklmnopqrstuv'
  assert.deepEqual(readdirSync(join(folder, 'outbox')).sort(), [`${name}.eml`, `${name}.txt`])
  const read = (end: string) => readFileSync(join(folder, 'outbox', `${name}.${end}`), 'utf8')
  assert.equal(read('eml'), message.raw.toString())
  assert.equal(read('txt'), 'To: b@example.org\nSubject: One\n\nOne')
  for (const end of ['eml', 'txt'])
    assert.equal(statSync(join(folder, 'outbox', `${name}.${end}`)).mode & 0o777, 0o600)
  assert.equal(statSync(join(folder, 'outbox')).mode & 0o777, 0o700)
})
