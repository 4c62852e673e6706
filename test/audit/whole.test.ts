import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { newSecret, systemRandom } from 'gatewright/random'
import { adoptDatabase } from '../../packages/gatewright/src/administration/adopt-database.ts'
import { type Checkpoint, isSignedCheckpoint } from '../../packages/gatewright/src/audit/checkpoint.ts'
import { eraseAllOfUser } from '../../packages/gatewright/src/audit/erase-events.ts'
import { commandLineOrigin as origin, recordEvent } from '../../packages/gatewright/src/audit/record.ts'
import { minute } from '../../packages/gatewright/src/ground/clock.ts'
import { addCheckpoint } from '../../packages/gatewright/src/sealing/checkpoints.ts'
import { listUnsealed, readHead, sealEvents } from '../../packages/gatewright/src/sealing/seal-events.ts'
import type { Anchor } from '../../packages/gatewright/src/sealing/verify/anchor.ts'
import { openDatabaseSource } from '../../packages/gatewright/src/sealing/verify/database-source.ts'
import { verifyChain } from '../../packages/gatewright/src/sealing/verify/verify-chain.ts'
import { databaseFile, isPostgresUrl } from '../../packages/gatewright/src/storage/database.ts'
import { inTransaction } from '../../packages/gatewright/src/storage/transaction.ts'
import { startTestApp, type TestApp } from '../harness.ts'
import { addUser } from '../sessions/signed-in.ts'
import { recordMany, sealMany } from './chain.ts'

let t: TestApp
const gatewrightSecret = [newSecret(systemRandom)]
before(async () => {
  t = await startTestApp({ gatewrightSecret })
})
after(() => t.close())

const toAnchor = (...checkpoints: readonly Checkpoint[]): Anchor => ({
  checkpoints: new Map(checkpoints.map(checkpoint => [checkpoint.position, [checkpoint]])),
  newest: checkpoints.at(-1),
  publicKeys: new Set(checkpoints.map(({ public_key }) => public_key)),
  forged: [],
})

const verify = async (anchor?: Anchor, knownRestores: readonly number[] = []) =>
  verifyChain({
    source: await openDatabaseSource(t.engine.db),
    anchor,
    knownRestores,
    now: t.clock.now() + 5 * minute,
  })

const startSealing = async (): Promise<ChildProcess> => {
  const start = { databaseUrl: t.engine.settings.databaseUrl, gatewrightSecret }
  const child = fork(new URL('sealing-process.ts', import.meta.url), [JSON.stringify(start)])
  await once(child, 'message')
  return child
}

const untilAllAreSealed = async (): Promise<void> => {
  while ((await listUnsealed(t.engine.db, { after: 0 })).length > 0)
    await new Promise(resolve => setTimeout(resolve, 5))
}

test('the chain is whole after processes that seal at once, one that is stopped and goes on, and one that is killed', async () => {
  const [one, stopped, killed] = await Promise.all([startSealing(), startSealing(), startSealing()])
  for (let round = 0; round < 30; round++) {
    await recordMany(t, 20)
    if (round === 10) stopped.kill('SIGSTOP')
    if (round === 15) killed.kill('SIGKILL')
    if (round === 20) stopped.kill('SIGCONT')
  }
  await untilAllAreSealed()
  for (const child of [one, stopped]) child.send('enough')
  await Promise.all([one, stopped].map(child => once(child, 'exit')))
  const { faults, events } = await verify()
  assert.deepEqual(faults, [])
  assert.ok(events >= 600)
})

test('the chain is whole after an erasure, which is told', async () => {
  const { id: userId } = await addUser(t.engine, 'leaving')
  await inTransaction(t.engine.db, async work => {
    const from = { actor: userId, address: '203.0.113.7', requestId: 'r' }
    await recordEvent(t.engine, work, 'sign-in.failed', { origin: from, userId, reason: 'wrong_password' })
  })
  await t.engine.sealer.look()
  assert.equal((await verify()).erased, 0)
  await inTransaction(t.engine.db, work =>
    eraseAllOfUser(t.engine, work, { reason: 'asked_for', userId, origin }),
  )
  await t.engine.sealer.look()
  const { faults, erased } = await verify()
  assert.deepEqual(faults, [])
  assert.ok(erased > 0)
})

const undo = new Error('undo')

/** What is sealed and signed after a backup was made: nothing of it is left but the checkpoint, which has left the machine. */
const sealInVain = async (count: number): Promise<Checkpoint> => {
  let made: Checkpoint | undefined
  const work = inTransaction(t.engine.db, async work => {
    for (let n = 0; n < count; n++)
      await recordEvent(t.engine, work, 'sign-in.failed', { origin, reason: 'wrong_password' })
    const events = await listUnsealed(work.db, { after: 0 })
    const end = await sealEvents(work.db, await readHead(work.db), events)
    assert.ok(end)
    made = (await addCheckpoint(t.engine, work, { kind: 'checkpoint', ...end }))?.checkpoint
    throw undo
  })
  await assert.rejects(work, error => error === undo)
  assert.ok(made !== undefined && isSignedCheckpoint(made))
  return made
}

test('what a restore has lost is told as that, by a checkpoint of before; without a recorded one the end was cut off', async () => {
  const first = await sealMany(t, 5)
  await t.engine.sealer.look()
  const { position } = await readHead(t.engine.db)
  const lost = await sealInVain(7)
  t.clock.advance(minute)
  const [cutOff] = (await verify(toAnchor(first, lost))).faults
  assert.equal(cutOff?.kind, 'truncated')

  const { databaseUrl } = t.engine.settings
  await adoptDatabase(t.engine, {
    origin,
    file: isPostgresUrl(databaseUrl) ? undefined : databaseFile(databaseUrl),
  })
  t.clock.advance(minute)
  const last = await sealMany(t, 20)
  await t.engine.sealer.look()
  assert.notEqual(last.key, first.key, 'another key signs')
  const anchor = toAnchor(first, lost, last)
  const found = await verify(anchor)
  assert.deepEqual(
    found.faults.map(({ kind }) => kind),
    ['restored'],
  )
  assert.deepEqual(
    found.lost.map(({ from, to }) => [from, to]),
    [[position + 1, lost.position]],
  )
  assert.equal(found.anchored?.position, last.position)
  const known = await verify(
    anchor,
    found.restores.map(restore => restore.position),
  )
  assert.deepEqual(known.faults, [])
  assert.equal(known.lost.length, 1, 'it is told all the same')

  const [old] = await t.engine.db.selectFrom('audit_keys').selectAll().where('id', '=', first.key).execute()
  assert.equal(old?.private_key, '', 'whoever has the backup signs nothing by it here')
})
