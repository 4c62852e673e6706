import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { exportAudit } from '../../packages/gatewright/src/administration/export-audit.ts'
import { auditEvents as events } from '../../packages/gatewright/src/audit/events.ts'
import { toNewEvent } from '../../packages/gatewright/src/audit/new-event.ts'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { writeEvents } from '../../packages/gatewright/src/audit/write-events.ts'
import { openExportSource } from '../../packages/gatewright/src/sealing/verify/export-source.ts'
import { verifyChain } from '../../packages/gatewright/src/sealing/verify/verify-chain.ts'
import { type Answer, type Caller, signUp, startTestApp, type TestApp } from '../harness.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatewright-export-'))
let t: TestApp
let chief: Caller
let alice: Caller
before(async () => {
  t = await startTestApp()
  chief = await signUp(t, 'chief', ['admin'])
  alice = await signUp(t, 'alice')
  const body = { reason: 'words about alice' }
  for (const [path, sent] of [
    ['disable', { body }],
    ['enable', {}],
  ] as const)
    await t.call('POST', `admin/users/${alice.id}/${path}`, { token: chief.access, ...sent })
})
after(async () => {
  await t.close()
  rmSync(folder, { recursive: true })
})

const take = (query: Readonly<Record<string, string>> = {}, token = chief.access): Promise<Answer> =>
  t.call('GET', `admin/audit/export?${new URLSearchParams(query)}`, { token })

const linesOf = ({ status, text, headers }: Answer) => {
  assert.deepEqual([status, headers['content-type']], [200, 'application/x-ndjson; charset=utf-8'])
  assert.match(String(headers['content-disposition']), /^attachment; /)
  return text
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))
}

const verify = async (text: string) => {
  const file = join(folder, 'export.jsonl')
  writeFileSync(file, text)
  return verifyChain({ source: await openExportSource(file), now: t.clock.now() })
}

describe('the whole audit log', () => {
  for (const personal of [true, false])
    test(`${personal ? 'with' : 'without'} what is personal is verified offline`, async () => {
      await t.engine.sealer.look()
      const answer = await take({ personal: String(personal) })
      const lines = linesOf(answer)
      const { faults, events: count } = await verify(answer.text)
      assert.deepEqual(faults, [])
      assert.equal(count, lines.filter(({ chain }) => chain !== undefined).length)
      const disabled = lines.find(({ event }) => event === 'user.disabled')
      assert.deepEqual(disabled.details, personal ? { said: 'words about alice' } : {})
      assert.equal(disabled.address, personal ? '127.0.0.1' : undefined)
      for (const word of ['words about alice', '127.0.0.1', '"salt"'])
        assert.equal(answer.text.includes(word), personal, word)
    })

  test('tells a change, with and without what is personal', async () => {
    await t.engine.sealer.look()
    for (const personal of ['true', 'false']) {
      const { text } = await take({ personal })
      const harmed = text
        .trimEnd()
        .split('\n')
        .map(line => {
          const { chain, ...shown } = JSON.parse(line)
          if (chain?.position !== 3) return line
          return JSON.stringify({ ...shown, chain: { ...chain, row: { ...chain.row, reason: 'forged' } } })
        })
      assert.equal((await verify(harmed.join('\n'))).faults[0]?.kind, 'edited')
    }
  })
})

test('a part is the newest first, and by the same filters', async () => {
  const lines = linesOf(await take({ user: 'alice', event: 'user.', personal: 'true' }))
  assert.deepEqual(
    lines.map(({ event }) => event),
    ['user.enabled', 'user.disabled', 'user.created'],
  )
  assert.ok(lines.every(({ user_id, chain }) => user_id === alice.id && chain === undefined))
  const [plain] = linesOf(await take({ user: 'alice', event: 'user.disabled' }))
  assert.deepEqual([plain.details, plain.address], [{}, undefined])
  const none = await take({ user: 'nobody' })
  assert.deepEqual([none.status, none.text], [200, ''])
})

test('each is an event, which says who took what; the address that was searched for lies beside it', async () => {
  await take({ address: '192.0.2.200', personal: 'true', reason: 'logout' })
  const { body } = await t.call('GET', 'admin/audit?event=audit.exported&limit=1', { token: chief.access })
  const [{ actor, details }] = body.data
  assert.equal(actor, chief.id)
  assert.deepEqual(details, { personal: true, of_address: '192.0.2.200', of_reason: 'logout' })
  const row = await t.engine.db
    .selectFrom('audit_events')
    .select('details')
    .where('id', '=', Number(body.data[0].id))
    .executeTakeFirst()
  assert.ok(!row?.details.includes('192.0.2.200'))
})

test('an export of what is of a user names the user by the id, and not on the chain', async () => {
  await take({ user: 'alice', event: 'user.disabled' })
  const { body } = await t.call('GET', 'admin/audit?event=audit.exported&limit=1', { token: chief.access })
  assert.equal(body.data[0].details.user, alice.id)
  const rows = await t.engine.db.selectFrom('audit_events').select('details').execute()
  assert.ok(!rows.some(({ details }) => details.includes('alice')))
})

describe('an export is refused', () => {
  const exported = async () => {
    const row = t.engine.db.selectFrom('audit_events').select(eb => eb.fn.countAll().as('n'))
    return Number((await row.where('event', '=', 'audit.exported').executeTakeFirst())?.n)
  }

  test('to whoever may not read the audit log, and to nobody at all', async () => {
    const before = await exported()
    const somebody = await signUp(t, 'somebody')
    assert.equal((await take({}, somebody.access)).body.code, 'insufficient_permission')
    assert.equal((await t.call('GET', 'admin/audit/export')).status, 401)
    for (const query of [{ personal: 'perhaps' }, { user: 'a\0b' }, { limit: '5' }, { cursor: 'x' }])
      assert.equal((await take(query)).body.code, 'validation_failed')
    assert.equal(await exported(), before)
  })

  test('to a session that has proved nobody for more than ten minutes', async () => {
    const old = await signUp(t, 'longago', ['admin'])
    t.clock.advance(10 * 60_000 + 1)
    const { body } = await t.call('POST', 'refresh', { body: { refresh_token: old.refresh } })
    const { body: refused } = await take({}, body.access_token)
    assert.equal(refused.code, 'insufficient_user_authentication')
  })

  test('on the way, once the session has ended: no more lines come', async () => {
    const leaving = await signUp(t, 'leaving', ['admin'])
    const sid = JSON.parse(Buffer.from(leaving.access.split('.')[1] ?? '', 'base64url').toString()).sid
    const caller = { userId: leaving.id, sessionId: sid.split('.')[0] }
    const many = Array.from({ length: 2_500 }, (_, at) =>
      toNewEvent(events, { at, event: 'setup-link.made', origin }),
    )
    for (let at = 0; at < many.length; at += 500) await writeEvents(t.engine.db, many.slice(at, at + 500))
    const asked = { filter: { event: 'setup-link.made' }, withPersonal: false }
    const lines = await exportAudit({ ...t.engine, events }, asked, origin, caller)
    let count = 0
    await assert.rejects(
      async () => {
        for await (const _ of lines)
          if (++count === 1) await t.call('POST', 'logout', { token: leaving.access })
      },
      { code: 'session_ended' },
    )
    assert.ok(count < 2_500)
  })
})
