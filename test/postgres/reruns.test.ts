import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { inTransaction } from 'gatewright/transaction'
import { recordEvent, systemOrigin } from '../../packages/gatewright/src/audit/record.ts'
import { once } from '../../packages/gatewright/src/idempotency/once.ts'
import { refresh } from '../../packages/gatewright/src/sign-in/refresh.ts'
import type { Work } from '../../packages/gatewright/src/storage/transaction.ts'
import { newName, openServer, query, readdress } from './query.ts'
import { type RealApp, startRealApp } from './real-app.ts'

let server: Awaited<ReturnType<typeof openServer>>
let url: string
let app: RealApp

/** The first event that is recorded fails as where two transactions can't both go on; a sequence is not rolled back. */
const failOnce = `
  create sequence failures;
  create function fail_once() returns trigger language plpgsql as $$
    begin
      if nextval('failures') = 1 then raise 'not beside another one' using errcode = '40001'; end if;
      return new;
    end $$;
  create trigger fail_once before insert on audit_events for each row execute function fail_once();`

before(async () => {
  server = await openServer()
  const database = newName()
  await query(server.url, `create database ${database}`)
  url = readdress(server.url, { database })
  app = await startRealApp(url)
  await app.signUp('alice')
  await query(url, failOnce)
})
after(async () => {
  await app.close()
  await server.stop()
})

const failNext = (): Promise<unknown> => query(url, 'alter sequence failures restart')
beforeEach(failNext)

const note = (work: Work): Promise<void> =>
  recordEvent(app.engine, work, 'sign-in.failed', { origin: systemOrigin })

test('a refresh whose transaction runs twice takes from the limit once', async () => {
  const body = { username: 'alice', password: 'correct horse battery staple' }
  const { refresh_token: text } = (await app.call('POST', 'login', { body })).body
  await failNext()
  const counted: string[] = []
  const { session } = await refresh(app.engine, {
    text,
    origin: systemOrigin,
    countUse: id => void counted.push(id),
  })
  assert.deepEqual(counted, [session.id])
})

test('an effect behind an idempotency key may run twice; what it leaves for after the commit is done once', async () => {
  const did = { effect: 0, afterCommit: 0 }
  const attempt = {
    principalKind: 'client',
    principalId: 'alice',
    route: 'POST /orders',
    key: 'k',
    requestHash: 'h',
  }
  const order = () =>
    once(app.engine, attempt, async work => {
      did.effect++
      work.afterCommit(() => void did.afterCommit++)
      await note(work)
      return { status: 201, headers: {}, body: 'made' }
    })
  assert.equal((await order()).isReplay, false)
  assert.equal((await order()).isReplay, true)
  assert.deepEqual(did, { effect: 2, afterCommit: 1 })
})

test('what fails after the commit does not run the transaction again, whatever its code', async () => {
  let runs = 0
  const late = Object.assign(new Error('of another database'), { code: '40001' })
  const done = inTransaction(app.engine.db, async work => {
    runs++
    work.afterCommit(() => {
      throw late
    })
  })
  await assert.rejects(done, error => error === late)
  assert.equal(runs, 1)
})
