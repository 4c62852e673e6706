import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { readConsoleFiles } from '../../packages/gatewright/src/http/console-files.ts'
import { ensureConsole } from '../../tools/build-console.ts'
import { signUp, startTestApp, type TestApp } from '../harness.ts'

const appName = `A <b> & "c" 'd' {{nonce}} $&`
let t: TestApp
before(async () => {
  await ensureConsole()
  t = await startTestApp({ appName, passwordMinLength: 20 })
})
after(() => t.close())

const page = () => t.call('GET', '/console', { headers: { accept: 'text/html' } })
const policyOf = ({ headers }: Awaited<ReturnType<typeof page>>): string =>
  String(headers['content-security-policy'])
const nonceOf = (policy: string): string | undefined => /'nonce-([\w-]{22})'/.exec(policy)?.[1]
const scriptOf = async (): Promise<string> =>
  /\/console\/assets\/[\w.-]+\.js/.exec((await page()).text)?.[0] ?? ''

test('the page has no inline code, and a policy that would stop it', async () => {
  const answer = await page()
  assert.equal(answer.status, 200)
  assert.doesNotMatch(answer.text, /<script(?![^>]* src=)|<style|\son\w+=|\sstyle=|javascript:/)
  const policy = policyOf(answer)
  assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self' 'nonce-/)
  for (const part of [
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "connect-src 'self'",
  ])
    assert.ok(policy.includes(part), part)
  assert.doesNotMatch(policy, /unsafe|\*|https?:/)
})

test('the page may use passkeys and nothing else of the device, and no other answer may even that', async () => {
  const featuresOf = ({ headers }: Awaited<ReturnType<typeof page>>) =>
    String(headers['permissions-policy'])
      .split(', ')
      .filter(feature => !feature.endsWith('=()'))
  assert.deepEqual(featuresOf(await page()), [
    'publickey-credentials-create=(self)',
    'publickey-credentials-get=(self)',
  ])
  assert.deepEqual(featuresOf(await t.call('GET', '/docs')), [])
  assert.deepEqual(featuresOf(await t.call('GET', 'me')), [])
})

test('each answer has a nonce of its own, in the policy and in the page, and is kept by nobody', async () => {
  const [one, other] = await Promise.all([page(), page()])
  const nonces = [one, other].map(answer => nonceOf(policyOf(answer)))
  assert.notEqual(nonces[0], nonces[1])
  assert.ok(one.text.includes(`nonce="${nonces[0]}"`))
  assert.equal(one.headers['cache-control'], 'no-store')
})

test('XSS through the name of the application: it stands in the page as text and changes nothing else', async () => {
  const { text } = await page()
  assert.doesNotMatch(text, /<b>|\{\{settings\}\}/)
  const content = /<meta name="gatewright" content="([^"]*)">/.exec(text)?.[1] ?? ''
  const plain = content
    .replaceAll('&quot;', '"')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
  assert.equal(JSON.parse(plain).app_name, appName)
  assert.deepEqual(JSON.parse(plain), {
    app_name: appName,
    public_url: t.engine.publicUrl,
    mount: '/api/v1',
    registration: 'open',
    password_min_length: 20,
    sends_mail: true,
    awaits_administrator: true,
  })
})

describe('that there is no administrator yet', () => {
  const isTold = async ({ call }: TestApp): Promise<boolean> =>
    (await call('GET', '/console')).text.includes('&quot;awaits_administrator&quot;:true')

  test('is told until there is one, and never again', async () => {
    const fresh = await startTestApp()
    assert.equal(await isTold(fresh), true)
    await signUp(fresh, 'alice', ['user'])
    assert.equal(await isTold(fresh), true, 'another user changes nothing')
    await signUp(fresh, 'root', ['admin'])
    assert.equal(await isTold(fresh), false)
    await fresh.close()
  })

  test('is told to nobody where strangers on other machines can ask, who would know what to look for', async () => {
    for (const settings of [
      { nodeEnv: 'production' },
      { host: '0.0.0.0' },
      { publicUrl: 'https://api.example.org' },
    ] as const) {
      const reachable = await startTestApp(settings)
      assert.equal(await isTold(reachable), false, JSON.stringify(settings))
      await reachable.close()
    }
  })

  test('the page is there where the database can not say', async () => {
    const app = await startTestApp()
    await app.engine.db.schema.alterTable('installation').renameTo('elsewhere').execute()
    assert.equal((await app.call('GET', '/console')).status, 200)
    assert.equal(await isTold(app), false)
    await app.close()
  })
})

test('every address of the console gets the one page, whatever the cookie says', async () => {
  for (const path of ['/console', '/console/', '/console/setup', '/console/me/devices', '/console/nowhere'])
    for (const cookie of ['', 'gw_session=nonsense', `gw_session=gws_${'A'.repeat(49)}`]) {
      const { status, headers, text } = await t.call('GET', path, { headers: { cookie } })
      assert.equal(status, 200, path)
      assert.equal(headers['content-type'], 'text/html; charset=utf-8')
      assert.match(text, /<div id="root">/)
    }
})

test('a flood: a made-up cookie does not lift the limit of who reads without signing in', async t => {
  const limited = await startTestApp({ limitsScale: 1 })
  t.after(() => limited.close())
  const statuses = new Set<number>()
  for (let count = 0; count < 310; count += 1) {
    const headers = { cookie: `gw_session=made-up-${count}` }
    statuses.add((await limited.call('GET', '/console', { headers })).status)
  }
  assert.deepEqual([...statuses], [200, 429])
})

describe('a file of the page', () => {
  const decoders = { br: brotliDecompressSync, gzip: gunzipSync } as const

  test('is kept for ever, because its name holds a hash of it', async () => {
    const { status, headers } = await t.call('GET', await scriptOf())
    assert.equal(status, 200)
    assert.equal(headers['cache-control'], 'public, max-age=31536000, immutable')
    assert.equal(headers['content-type'], 'text/javascript; charset=utf-8')
    assert.equal(headers['x-content-type-options'], 'nosniff')
  })

  for (const [accepted, expected] of [
    ['gzip, deflate, br', 'br'],
    ['gzip', 'gzip'],
    ['br;q=0, gzip', 'gzip'],
    ['identity', undefined],
    ['br;q=0', undefined],
  ] as const)
    test(`goes out as ${expected ?? 'it is'} to who accepts ${accepted}`, async () => {
      const url = await scriptOf()
      const plain = await t.app.inject({ url })
      const answer = await t.app.inject({ url, headers: { 'accept-encoding': accepted } })
      assert.equal(answer.headers['content-encoding'], expected)
      assert.equal(answer.headers.vary, 'Accept-Encoding')
      const content = expected ? decoders[expected](answer.rawPayload) : answer.rawPayload
      assert.ok(content.equals(plain.rawPayload))
    })

  for (const path of [
    'nothing.js',
    '',
    '../index.html',
    '..%2findex.html',
    '%2e%2e/package.json',
    '..%5c..%5cpackage.json',
    '../.built-from',
    '__proto__',
    'constructor',
  ])
    test(`path traversal: assets/${path} leads to no file`, async () => {
      const { status, text, body } = await t.call('GET', `/console/assets/${path}`)
      // What the router has put into normal form may be an address of the console: then it is the page.
      if (status === 200) assert.match(text, /<div id="root">/)
      else assert.deepEqual([status, body?.code], [404, 'not_found'])
      assert.doesNotMatch(text, /"workspaces"|^[\w-]{43}$/)
    })
})

test('where the console is not built there are no files, and nothing but known kinds is ever read', t => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-console-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  assert.equal(readConsoleFiles(folder), undefined)
})

describe('building', () => {
  test('is done once: the same sources are not built again', async () => {
    assert.equal(await ensureConsole(), false)
  })

  test('three starts at once into an empty folder leave one whole console', async t => {
    const folder = mkdtempSync(join(tmpdir(), 'gatewright-console-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    await Promise.all([ensureConsole(folder), ensureConsole(folder), ensureConsole(folder)])
    const html = readFileSync(join(folder, 'index.html'), 'utf8')
    const named = [...html.matchAll(/\/console\/(assets\/[\w.-]+)/g)].map(([, path = '']) => path)
    assert.ok(named.length >= 3, html)
    for (const path of named) assert.ok(existsSync(join(folder, path)), path)
    assert.deepEqual(
      readdirSync(folder).filter(name => name.startsWith('.building')),
      [],
    )
    assert.ok(readConsoleFiles(folder))
    writeFileSync(join(folder, '.built-from'), 'older sources')
    writeFileSync(join(folder, 'assets', 'index-old.js'), '')
    assert.equal(await ensureConsole(folder), true)
    assert.ok(!existsSync(join(folder, 'assets', 'index-old.js')), 'what no page names is gone')
  })
})
