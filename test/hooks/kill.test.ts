import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { compose } from 'gatewright/compose'
import { createFakeClock, startTestApp } from '../harness.ts'
import { until } from '../process/until.ts'

test('an event whose handler was killed after its effect is delivered again, after the lease and with its id', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-hook-'))
  const app = await startTestApp()
  t.after(async () => {
    await app.close()
    rmSync(folder, { recursive: true })
  })
  await app.engine.hooks.stop()
  const { settings, db } = app.engine
  const effects = join(folder, 'effects')
  const program = join(import.meta.dirname, 'dies-in-a-hook.ts')
  const child = spawn(
    process.execPath,
    [program, settings.databaseUrl, effects, ...(settings.gatewrightSecret ?? [])],
    { stdio: 'inherit' },
  )
  const [, signal] = await once(child, 'exit')
  assert.equal(signal, 'SIGKILL')
  const [killed = ''] = readFileSync(effects, 'utf8').split('\n')

  const row = await db.selectFrom('hook_events').selectAll().executeTakeFirstOrThrow()
  assert.deepEqual([String(row.id), row.attempts], [killed, 1])
  const clock = createFakeClock(row.due_at - 1)
  const engine = await compose({ settings, clock, durability: 'off' })
  t.after(() => engine.close())
  const ids: string[] = []
  const looked = Promise.withResolvers<void>()
  const registered = async ({ id }: { readonly id: string }): Promise<void> => void ids.push(id)
  const signedIn = async (): Promise<void> => looked.resolve()
  const fail = (fields: object): void => assert.fail(JSON.stringify(fields))
  await engine.hooks.start({ registered, 'signed-in': signedIn }, { warn: fail, error: fail })
  const other = { name: 'signed-in', user_id: 'ben', at: 0, details: '{}', attempts: 0, due_at: 0 }
  await db.insertInto('hook_events').values(other).execute()
  engine.hooks.wake()
  await looked.promise
  assert.deepEqual(ids, [], 'its lease was not over')

  clock.advance(1)
  engine.hooks.wake()
  await until('it is delivered again', () => ids.length > 0)
  assert.deepEqual(ids, [killed])
  await until('it is out of the queue', async () => {
    const left = await db.selectFrom('hook_events').select('id').execute()
    return left.length === 0
  })
})
