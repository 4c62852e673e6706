import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import {
  type Folder,
  commandLine as file,
  newFolder,
  password,
  runToEnd,
  signUp,
  startServer,
} from './spawned-server.ts'
import { until } from './until.ts'

const args = ['serve']

const run = (folder: Folder, ...words: readonly string[]) => runToEnd(folder, { file, args: words })

test('gatewright serve prints its addresses and the set-up link, serves, and ends well with SIGTERM', async t => {
  const server = await startServer(newFolder(t), { file, args })
  await until('it prints the set-up link', () => /First administrator: .*#[\w-]{43}/.test(server.stdout()))
  assert.match(server.stdout(), new RegExp(`API: ${server.url}/auth"`))
  assert.equal((await server.call('GET', '/healthz')).status, 200)
  const ann = await signUp(server, 'ann')
  const me = await server.call('GET', 'protected', { headers: { authorization: `Bearer ${ann.access}` } })
  assert.equal(me.status, 200, me.text)
  assert.equal((await server.call('GET', '/api/v1/posts')).status, 404)
  await server.stop()
})

test('gatewright serve names its own command line to whoever has lost the set-up link', async t => {
  const folder = newFolder(t)
  await (await startServer(folder, { file, args })).stop()
  const again = await startServer(folder, { file, args })
  await until('it says that a link is open', () =>
    /Without it: npx gatewright user create/.test(again.stdout()),
  )
  await again.stop()
})

test('gatewright serve says which port is taken, in one line or as JSON, and leaves nothing running', async t => {
  // On the second address: the first one is listened on already when this one fails.
  const other = createServer()
  t.after(() => void other.close())
  const failed = once(other, 'error').then(([error]) => error as NodeJS.ErrnoException)
  other.listen(0, '::1')
  const missing = await Promise.race([once(other, 'listening').then(() => undefined), failed])
  if (missing !== undefined) return t.skip(`this machine has no ::1: ${missing.code}`)
  const { port } = other.address() as { port: number }
  const [told, json] = await Promise.all(
    [args, [...args, '--json']].map(words =>
      runToEnd(newFolder(t), { file, args: words, env: { PORT: String(port) } }),
    ),
  )
  assert.equal(told?.code, 1)
  assert.match(
    told?.stderr ?? '',
    new RegExp(`^gatewright: PORT ${port} is taken by another program: [^\n]+\n$`),
  )
  const failure = JSON.parse(json?.stdout ?? '')
  assert.deepEqual([json?.code, failure.ok, failure.code], [1, false, 'settings_invalid'])
})

test('gatewright serve with words that it does not take exits with 2, and makes nothing', async t => {
  const folder = newFolder(t)
  for (const words of [['serve', '--prot', '1'], ['serve', 'blog'], ['srve']]) {
    const { code, stdout, stderr } = await run(folder, ...words)
    assert.deepEqual([code, stdout], [2, ''], stderr)
    assert.match(stderr, /^gatewright: [^\n]+\n$/)
  }
  const help = await run(folder, 'serve', '--help')
  assert.deepEqual([help.code, help.stderr], [0, ''])
  assert.match(help.stdout, /^gatewright serve\n/)
})

test('a role that only the blog declares can be given by the command line once the blog has started', async t => {
  const folder = newFolder(t)
  const server = await startServer(folder)
  await signUp(server, 'ann')
  const { code, stdout, stderr } = await run(folder, 'user', 'role', 'ann', 'moderator')
  assert.deepEqual([code, stdout], [0, 'ann has moderator.\n'], stderr)
  const login = await server.call('POST', 'login', { body: { username: 'ann', password } })
  const headers = { authorization: `Bearer ${login.field('access_token')}` }
  assert.match((await server.call('GET', 'protected', { headers })).text, /posts:moderate/)
  await server.stop()
})
