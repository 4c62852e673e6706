import assert from 'node:assert/strict'
import { test } from 'node:test'
import { retireSecret } from '../../packages/gatewright/src/administration/retire-secret.ts'
import { commandLineOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import {
  beatInterval,
  longestWork,
  readProcesses,
} from '../../packages/gatewright/src/processes/live-process.ts'
import { testsDatabase } from '../environment.ts'
import { startTestApp, type TestApp } from '../harness.ts'
import { openSecondConnection } from '../sessions/second-connection.ts'
import { addUser, signInAs } from '../sessions/signed-in.ts'
import { secretId, secretText } from './stage.ts'

const [OLD, NEW] = [1, 2]

/** A process that was started with both secrets while another one held only the old one. */
const openBoth = async () => {
  const former = await startTestApp({ gatewrightSecret: [secretText(OLD)] })
  const t = await startTestApp({
    ...former.engine.settings,
    gatewrightSecret: [secretText(NEW), secretText(OLD)],
  })
  return { t, former }
}

const pass = async ({ engine, clock }: TestApp, milliseconds: number): Promise<void> => {
  for (let left = milliseconds; left > 0; left -= beatInterval) {
    clock.advance(Math.min(left, beatInterval))
    await engine.processes.beat()
  }
}

test('race: a session that is begun before the secret changes and committed long after it is not missed by its retirement', async () => {
  const { t, former } = await openBoth()
  const { engine } = t
  const { id } = await addUser(engine, 'ann')
  const second = openSecondConnection(engine)
  const retire = () => retireSecret(engine, { secretId: secretId(OLD), origin })

  // On SQLite it is stored at once: whoever writes has the database to itself.
  if (testsDatabase.kind === 'postgres') {
    await second.run('begin')
    second.rows(`select 1 from users where id = '${id}' for update`)
  }
  const signingIn = signInAs(engine, id)
  await second.untilBlocked(testsDatabase.kind === 'postgres' ? 1 : 0)
  if (testsDatabase.kind === 'sqlite') await signingIn

  await former.engine.processes.leave()
  for (let beats = 0; beats < 3; beats++) await engine.processes.beat()
  assert.equal((await readProcesses(engine.db)).length, 1)
  await assert.rejects(retire(), /may still be making values with/)
  if (testsDatabase.kind === 'postgres') await second.run('commit')
  const { sessionId } = await signingIn
  second.close()

  await pass(t, longestWork)
  assert.equal(await retire(), 1)
  const session = await engine.db
    .selectFrom('sessions')
    .select(['ended_at', 'end_reason', 'secret_id'])
    .where('id', '=', sessionId)
    .executeTakeFirstOrThrow()
  assert.deepEqual(
    [session.secret_id, session.end_reason, session.ended_at !== null],
    [secretId(OLD), 'secret_retired', true],
  )
  await t.close()
  await former.close()
})
