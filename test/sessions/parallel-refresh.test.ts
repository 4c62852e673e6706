import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { disableUser } from 'gatewright/administration'
import { systemOrigin } from '../../packages/gatewright/src/audit/record.ts'
import { minute, second } from '../../packages/gatewright/src/ground/clock.ts'
import { type Answer, startTestApp, type TestApp } from '../harness.ts'
import { addUser, signInAs } from './signed-in.ts'

const window = 10 * second
const atOnce = 50

/** The time of the clock, and the token that is to be shown fifty times at once. */
type Task = { readonly now: number; readonly token: string }
type Shown = { readonly status: number; readonly refresh: string; readonly access: string }

const refresh = (t: TestApp, token: string): Promise<Answer> =>
  t.call('POST', 'refresh', { body: { refresh_token: token } })

const showMany = async (t: TestApp, token: string, times = atOnce): Promise<readonly Shown[]> => {
  const answers = await Promise.all(Array.from({ length: times }, () => refresh(t, token)))
  return answers.map(({ status, body }) => ({
    status,
    refresh: body.refresh_token,
    access: body.access_token,
  }))
}

/** The part of a second process on the same database. */
const serveTasks = async (databaseUrl: string, secret: readonly string[]): Promise<void> => {
  const t = await startTestApp({ databaseUrl, ...(secret.length > 0 && { gatewrightSecret: secret }) })
  process.on('message', async ({ now, token }: Task) => {
    t.clock.advance(now - t.clock.now())
    process.send?.(await showMany(t, token))
  })
  process.once('disconnect', () => t.close())
  process.send?.('ready')
}

const defineTests = (): void => {
  let t: TestApp
  let child: ChildProcess
  let users = 0
  before(async () => {
    t = await startTestApp()
    const { NODE_TEST_CONTEXT: _, ...env } = process.env
    const { databaseUrl, gatewrightSecret = [] } = t.engine.settings
    child = fork(fileURLToPath(import.meta.url), ['serve', databaseUrl, ...gatewrightSecret], { env })
    await once(child, 'message')
  })
  after(async () => {
    child.disconnect()
    await t.close()
  })

  const signIn = async () => signInAs(t.engine, (await addUser(t.engine, `user${++users}`)).id)
  const getGeneration = async (id: string): Promise<number> => {
    const query = t.engine.db.selectFrom('sessions').select('generation').where('id', '=', id)
    return (await query.executeTakeFirstOrThrow()).generation
  }

  const askBoth = async (token: string): Promise<readonly Shown[]> => {
    const theirs = once(child, 'message')
    child.send({ now: t.clock.now(), token } satisfies Task)
    const ours = await showMany(t, token)
    return [...ours, ...(await theirs)[0]]
  }

  /** All are answered, all with one and the same live token, and no two with the same access token. */
  const assertOneSuccessor = (answers: readonly Shown[]): string => {
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
    assert.equal(new Set(answers.map(({ access }) => access)).size, answers.length)
    const successors = new Set(answers.map(answer => answer.refresh))
    assert.equal(successors.size, 1, `${successors.size} live successors`)
    return [...successors][0] ?? ''
  }

  for (const [name, ask] of Object.entries({
    'one process': (token: string) => showMany(t, token),
    'two processes on one database': askBoth,
  }))
    test(`fifty refreshes at once, in ${name}, have one live successor in every round`, async () => {
      const { sessionId, refresh: first } = await signIn()
      let token = first
      for (let round = 1; round <= 5; round++) {
        t.clock.advance(window)
        const successor = assertOneSuccessor(await ask(token))
        assert.notEqual(successor, token)
        assert.equal(await getGeneration(sessionId), round + 1)
        token = successor
      }
    })

  test('fifty at once inside the window rotate nothing', async () => {
    const { sessionId, refresh: token } = await signIn()
    assert.equal(assertOneSuccessor(await askBoth(token)), token)
    assert.equal(await getGeneration(sessionId), 1)
  })

  test('a thief among fifty honest refreshes ends the session, and no answer of before is good after', async () => {
    const { sessionId, access, refresh: old } = await signIn()
    t.clock.advance(window)
    const { body } = await refresh(t, old)
    t.clock.advance(window)
    const [stolen, ...honest] = await Promise.all([
      refresh(t, old),
      ...Array.from({ length: atOnce }, () => refresh(t, body.refresh_token)),
    ])
    assert.equal(stolen?.body.code, 'refresh_token_reused')
    const tokens = [access, body.access_token, ...honest.map(answer => answer.body.access_token)]
    for (const token of tokens.filter(Boolean))
      assert.equal((await t.call('GET', 'protected', { token })).status, 401)
    assert.equal((await refresh(t, body.refresh_token)).body.code, 'session_ended')
    const reused = await t.engine.db
      .selectFrom('audit_events')
      .select('id')
      .where('session_id', '=', sessionId)
      .where('event', '=', 'refresh-token.reused')
      .execute()
    assert.equal(reused.length, 1)
  })

  describe('refreshes under way when everything ends', () => {
    const places = [0, 1, 10, 25, 50]
    for (const place of places)
      test(`the user is disabled after ${place} of fifty: nothing that they brought is good`, async () => {
        const { userId, refresh: token } = await signIn()
        t.clock.advance(minute)
        const early = Array.from({ length: place }, () => refresh(t, token))
        const disabled = disableUser(t.engine, { userId, origin: systemOrigin })
        const late = Array.from({ length: atOnce - place }, () => refresh(t, token))
        const answers = await Promise.all([...early, ...late])
        await disabled
        for (const { status, body } of answers) {
          if (status !== 200) {
            assert.deepEqual([status, body.code], [401, 'session_ended'])
            continue
          }
          assert.equal((await t.call('GET', 'protected', { token: body.access_token })).status, 401)
          assert.equal((await refresh(t, body.refresh_token)).status, 401)
        }
      })
  })
}

const [, , role, databaseUrl = '', ...secret] = process.argv
if (role === 'serve') await serveTasks(databaseUrl, secret)
else defineTests()
