import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { readBlocks, readDocument, top } from '../markdown.ts'
import { findFreePort } from '../process/free-port.ts'
import { type Folder, newFolder, type Server, signUp, startServer } from '../process/spawned-server.ts'
import { until } from '../process/until.ts'
import { cleanEnv, copyRepository, installNode24, npmInstall, pack } from './packed.ts'

const text = readDocument('docs/verifier.md')
/** The services of the page, by the names that stand in their first lines. */
const services = new Map(
  readBlocks(text).flatMap(block => {
    const [, name] = /^\/\/ ([\w.-]+\.js)\n/.exec(block.text) ?? []
    return name === undefined ? [] : [[name, block.text] as const]
  }),
)
/** A web-standard handler needs a program around it, as platforms bring one. */
const serveWeb = `import { createServer } from 'node:http'
import handler from './web.js'
createServer(async (request, response) => {
  const headers = new Headers(request.headers)
  const answer = await handler.fetch(new Request('http://localhost/', { headers }))
  response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text())
}).listen(process.env.PORT, () => console.log('listening'))
`
const programs: Readonly<Record<string, string>> = { 'web.js': 'serve-web.js' }

const bound = 5_000
/** An empty folder outside of the repository, into which the tarball is installed as the page says. */
const folder = mkdtempSync(join(tmpdir(), 'gatewright-elsewhere-'))
const installed = join(folder, 'node_modules/gatewright-verifier')
let copy: string

before(() => {
  copy = copyRepository()
  cpSync(pack(copy, 'gatewright-verifier'), join(folder, 'gatewright-verifier-0.1.0.tgz'))
  writeFileSync(join(folder, 'package.json'), '{"name": "reports", "private": true, "type": "module"}\n')
  assert.ok(text.includes('npm install ./gatewright-verifier-0.1.0.tgz'))
  const packages = ['./gatewright-verifier-0.1.0.tgz', 'express@5', '@types/node@26.6.6']
  const { status, stderr } = npmInstall(folder, ...packages)
  assert.equal(status, 0, stderr)
  for (const [name, code] of services) writeFileSync(join(folder, name), code)
  writeFileSync(join(folder, 'serve-web.js'), serveWeb)
})
after(() => {
  for (const path of [folder, copy]) rmSync(path, { recursive: true, force: true })
})

test('the tarball holds JavaScript, its types, its page, the licence and a README, and depends on nothing', () => {
  const files = globSync('**/*', { cwd: installed }).filter(path => statSync(join(installed, path)).isFile())
  const kinds = [
    /^(LICENSE|README\.md|package\.json)$/,
    /^dist\/(?!.*\.test\.)[\w-]+\.(js|d\.ts)$/,
    /^docs\/verifier\.md$/,
  ]
  assert.deepEqual(
    files.filter(file => !kinds.some(kind => kind.test(file))),
    [],
  )
  const { dependencies, scripts, exports } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))
  assert.deepEqual([dependencies, scripts], [undefined, undefined])
  for (const path of Object.values(exports).flatMap(entry => Object.values(entry as object)))
    assert.ok(files.includes(path.slice(2)), path)
  for (const file of files)
    for (const place of [top, copy]) assert.ok(!readFileSync(join(installed, file), 'utf8').includes(place))
})

test('its types take a service in TypeScript, and refuse one without an audience', () => {
  const program = (options: string) => `import { createVerifier } from 'gatewright-verifier'
    import { admit } from 'gatewright-verifier/web'
    import { Refusal } from 'gatewright-verifier/refusal'
    const verifier = createVerifier(${options})
    export const handle = async (request: Request): Promise<Response> => {
      const { principal, refused } = await admit(verifier, request)
      return refused ?? Response.json({ user: principal.userId, is: Refusal.name })
    }`
  const compile = (name: string, options: string): string => {
    writeFileSync(join(folder, name), program(options))
    const words = '--noEmit --strict --module nodenext --target es2024 --types node --pretty false'.split(' ')
    const tsc = join(top, 'node_modules/typescript/bin/tsc')
    return spawnSync(process.execPath, [tsc, ...words, name], { cwd: folder, encoding: 'utf8' }).stdout
  }
  assert.equal(compile('good.ts', "{ issuer: 'https://a.example', audience: 'a' }"), '')
  assert.match(compile('bad.ts', "{ issuer: 'https://a.example' }"), /audience/)
})

type Service = { readonly name: string; readonly url: string; readonly child: ChildProcess }

const startService = async (name: string, node: string, issuer: string): Promise<Service> => {
  const port = await findFreePort()
  const child = spawn(node, [programs[name] ?? name], {
    cwd: folder,
    env: { ...cleanEnv(), ISSUER: issuer, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout ?? assert.fail(), 'data')
  return { name, url: `http://localhost:${port}/`, child }
}

/** Status and code that every service answers. */
const ask = async (all: readonly Service[], token?: string): Promise<readonly string[]> =>
  Promise.all(
    all.map(async ({ url }) => {
      const answer = await fetch(
        url,
        token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } },
      )
      const body = (await answer.json()) as { readonly code?: string }
      return answer.status === 200 ? '200' : `${answer.status} ${body.code}`
    }),
  )

const areAll = (told: readonly string[], expected: string): boolean => told.every(each => each === expected)

test('three services elsewhere, on Node.js 24 and 26, let in and refuse as the page says', async t => {
  assert.deepEqual([...services.keys()], ['node-http.js', 'express.js', 'web.js'])
  const older = installNode24(folder)
  if (older.missing !== undefined) t.diagnostic(`without Node.js 24: ${older.missing}`)
  const nodes = [process.execPath, ...(older.missing === undefined ? [older.node] : [])]
  const running: Service[] = []
  t.after(() => {
    for (const { child } of running) child.kill('SIGKILL')
  })
  const home: Folder = newFolder(t)
  const port = await findFreePort()
  const start = (): Promise<Server> => startServer(home, { env: { PORT: String(port), HOST: '127.0.0.1' } })
  const gatewright = await start()
  const issuer = `http://localhost:${port}`
  for (const node of nodes)
    for (const name of services.keys()) running.push(await startService(name, node, issuer))

  const anonymous = await fetch(running[0]?.url ?? '')
  assert.deepEqual([anonymous.status, anonymous.headers.get('www-authenticate')], [401, 'Bearer'])
  const [alice, bob] = [await signUp(gatewright, 'alice'), await signUp(gatewright, 'bob')]
  for (const { access } of [alice, bob])
    await until('all let in', async () => areAll(await ask(running, access), '200'))

  assert.equal((await gatewright.call('POST', 'logout', { token: alice.access })).status, 200)
  await until('all refuse', async () => areAll(await ask(running, alice.access), '401 session_ended'), bound)
  assert.ok(areAll(await ask(running, bob.access), '200'))

  gatewright.kill('SIGKILL')
  await gatewright.ended
  const killed = performance.now()
  assert.ok(areAll(await ask(running, bob.access), '200'), 'a moment without Gatewright closes nothing')
  await until(
    'all know too little',
    async () => areAll(await ask(running, bob.access), '503 unavailable'),
    bound + 2_000,
  )
  assert.ok(performance.now() - killed > 1_000)
  assert.ok(areAll(await ask(running, alice.access), '503 unavailable'))

  const again = await start()
  await until('all let in again', async () => areAll(await ask(running, bob.access), '200'), bound + 2_000)
  assert.ok(areAll(await ask(running, alice.access), '401 session_ended'))
  await again.stop()
})
