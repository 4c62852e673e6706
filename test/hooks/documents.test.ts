import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { type Application, createApp } from 'gatewright/app'
import { compose, type Engine } from 'gatewright/compose'
import { pino } from 'pino'
import { startTestApp, type TestApp } from '../harness.ts'
import { readBlocks, readDocument, top } from '../markdown.ts'
import { until } from '../process/until.ts'
import { addUser, type SignedIn, signInAs } from '../sessions/signed-in.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatewright-example-'))
let t: TestApp
before(async () => {
  symlinkSync(join(top, 'node_modules'), join(folder, 'node_modules'))
  t = await startTestApp()
  await t.engine.hooks.stop()
})
after(async () => {
  await t.close()
  rmSync(folder, { recursive: true })
})

/** What the first block of a page exports, as a reader has it who writes it into a file. */
const loadExample = async (page: string): Promise<Application> => {
  const [block] = readBlocks(readDocument(page)).filter(({ language }) => language === 'ts')
  const file = join(folder, `${page.replaceAll(/\W/g, '-')}.ts`)
  writeFileSync(file, block?.text ?? '')
  const { application } = (await import(pathToFileURL(file).href)) as { application: Application }
  return application
}

type Example = {
  readonly engine: Engine
  readonly send: (method: 'GET' | 'POST' | 'PATCH', url: string, body?: object) => Promise<Answer>
}
type Answer = { readonly status: number; readonly body: { [name: string]: unknown } }

const runExample = async (page: string, use: (example: Example, ann: SignedIn) => Promise<void>) => {
  const application = await loadExample(page)
  const engine = await compose({ settings: t.engine.settings, clock: t.clock, durability: 'off' })
  const { app } = await createApp({ engine, log: pino({ level: 'silent' }), mount: '/auth', application })
  const ann = await signInAs(engine, (await addUser(engine, `reader-${page.length}`)).id)
  const send: Example['send'] = async (method, url, payload) => {
    const headers = { authorization: `Bearer ${ann.access}` }
    const answer = await app.inject({ method, url, headers, ...(payload && { payload }) })
    return { status: answer.statusCode, body: answer.json() }
  }
  await use({ engine, send }, ann)
  await app.close()
  await engine.close()
}

describe('the example', () => {
  test('of docs/hooks.md does what the page says', () =>
    runExample('docs/hooks.md', async ({ engine, send }, ann) => {
      const fieldsOf = async () => (await send('GET', '/auth/me')).body.fields
      await signInAs(engine, ann.userId)
      await until('both sign-ins count', async () => JSON.stringify(await fieldsOf()) === '{"sign_ins":2}')
      assert.equal((await send('PATCH', '/auth/me', { fields: { sign_ins: 7 } })).status, 403)
    }))

  test('of docs/user-fields.md does what the page says', () =>
    runExample('docs/user-fields.md', async ({ send }) => {
      const named = await send('PATCH', '/auth/me', { fields: { display_name: 'Ann' } })
      assert.deepEqual([named.status, named.body.fields], [200, { display_name: 'Ann' }])
      assert.equal((await send('PATCH', '/auth/me', { fields: { plan: 'paid' } })).status, 403)
      assert.equal((await send('PATCH', '/auth/me', { fields: { role: 'admin' } })).status, 400)
      const upgraded = await send('POST', '/upgrade')
      assert.deepEqual([upgraded.status, upgraded.body], [200, { plan: 'paid' }])
      assert.deepEqual((await send('GET', '/auth/me')).body.fields, { display_name: 'Ann', plan: 'paid' })
    }))
})

test('docs/hooks.md has a line for every hook', () => {
  const page = readDocument('docs/hooks.md')
  for (const name of ['registered', 'signed-in', 'session-ended', 'role-changed', 'user-deleted'])
    assert.ok(page.includes(`\n| \`${name}\` |`), name)
})
