import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { sealMany } from '../../../../test/audit/chain.ts'
import { startTestApp, type TestApp } from '../../../../test/harness.ts'
import { isSignedCheckpoint, parseCheckpoint } from '../audit/checkpoint.ts'
import type { AuditAnchor } from '../ground/audit-anchor.ts'
import { hour, minute } from '../ground/clock.ts'
import { createAnchors } from './anchors.ts'
import { readChain, readUndelivered } from './read-chain.ts'
import { createSealer } from './sealer.ts'

let t: TestApp
const folder = mkdtempSync(join(tmpdir(), 'gatewright-anchor-'))
before(async () => {
  t = await startTestApp()
})
after(async () => {
  rmSync(folder, { recursive: true })
  await t.close()
})

const warnings: string[] = []
const log = { warn: (_: object, message: string) => void warnings.push(message) }

const anchorTo = (auditAnchor: AuditAnchor) => {
  const settings = { ...t.engine.settings, auditAnchor }
  const anchors = createAnchors({ ...t.engine, settings })
  const sealer = createSealer({ ...t.engine, anchors })
  const signed = async () => {
    const checkpoint = await sealMany({ engine: { ...t.engine, sealer } }, 2)
    await anchors.deliver(log)
    return checkpoint
  }
  return {
    anchors,
    settings,
    signed,
    newest: async () => (await readChain({ ...t.engine, settings })).checkpoints[0],
  }
}

test('a file has each checkpoint as a line, in their order', async () => {
  const path = join(folder, 'checkpoints.jsonl')
  const { signed, newest } = anchorTo({ kind: 'file', path })
  const made = [await signed(), await signed()]
  const lines = readFileSync(path, 'utf8').trim().split('\n')
  assert.deepEqual(
    lines.map(line => JSON.parse(line)),
    made,
  )
  assert.ok((await newest())?.delivered_at)
})

test('a file that can not be written is tried again, and seen until it is', async () => {
  const path = join(folder, 'no-such-folder', 'checkpoints.jsonl')
  const { anchors, signed } = anchorTo({ kind: 'file', path })
  await signed()
  assert.match((await readUndelivered(t.engine.db))?.problem ?? '', /ENOENT/)
  assert.ok(warnings.some(line => /tried again/.test(line)))
  const elsewhere = createAnchors({
    ...t.engine,
    settings: { auditAnchor: { kind: 'file', path: join(folder, 'other.jsonl') } },
  })
  await elsewhere.deliver(log)
  assert.equal((await readUndelivered(t.engine.db))?.attempts, 1, 'not before its time')
  t.clock.advance(minute)
  await elsewhere.deliver(log)
  assert.equal(await readUndelivered(t.engine.db), undefined)
  await anchors.stop()
})

describe('a webhook', () => {
  const bodies: string[] = []
  let status = 200
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', part => (body += part))
    request.on('end', () => {
      bodies.push(body)
      response.writeHead(status, { location: '/elsewhere' }).end()
    })
  })
  let url: string
  before(async () => {
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/checkpoints`
  })
  after(() => server.close())

  test('is given each checkpoint with its signature, and again what it refuses or sends elsewhere', async () => {
    const { anchors, signed } = anchorTo({ kind: 'https', url })
    const first = await signed()
    assert.deepEqual(
      bodies.map(body => JSON.parse(body)),
      [first],
    )
    for (status of [500, 302]) {
      await signed()
      t.clock.advance(2 * minute)
      await anchors.deliver(log)
    }
    assert.match((await readUndelivered(t.engine.db))?.problem ?? '', /^it answered 302$/)
    status = 204
    t.clock.advance(hour)
    await anchors.deliver(log)
    assert.equal(await readUndelivered(t.engine.db), undefined)
    const checkpoint = parseCheckpoint(JSON.parse(bodies.at(-1) ?? ''))
    assert.ok(checkpoint && isSignedCheckpoint(checkpoint))
  })
})

test('a mailbox gets one mail an hour: the newest checkpoint vouches for all before it', async () => {
  t.clock.advance(hour)
  const { signed } = anchorTo({ kind: 'mailto', address: 'audit@example.org' })
  const mails = async () => (await t.deliverMail()).filter(({ to }) => to === 'audit@example.org')
  const first = await signed()
  for (let n = 0; n < 3; n++) await signed()
  const [mail, ...more] = await mails()
  assert.deepEqual(more, [])
  const line = mail?.text.split('\n').find(text => text.startsWith('{"audit"'))
  assert.deepEqual(JSON.parse(line ?? ''), first)
  t.clock.advance(hour)
  const last = await signed()
  assert.ok((await mails()).at(-1)?.text.includes(JSON.stringify(last)))
  assert.equal((await mails()).length, 2)
  assert.equal(await readUndelivered(t.engine.db), undefined)
})
