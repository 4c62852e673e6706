import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { readPlan } from '../../tools/deploy/plan.ts'
import { password, startTestApp, type TestApp } from '../harness.ts'
import { top } from '../markdown.ts'
import { startBrokenProxy } from '../smoke/broken-proxy.ts'
import { toWords } from './cluster-rights.ts'
import { type Cluster, deployerRules, placeKubectl } from './fake-kubectl.ts'

const image = (name: string): string => `ghcr.io/example/${name}@sha256:${'0123456789abcdef'.repeat(4)}`
const [oldest, former] = [image('oldest'), image('former')]

let t: TestApp
let server: URL
before(async () => {
  t = await startTestApp()
  await t.app.listen({ host: '127.0.0.1', port: 0 })
  server = new URL(`http://127.0.0.1:${(t.app.server.address() as AddressInfo).port}`)
  // As users do: what measures passwords is then loaded, which takes seconds on a busy machine.
  const { status } = await t.call('POST', 'register', { body: { username: 'probe', password } })
  assert.equal(status, 201)
})
after(() => t.close())

type Owner = { readonly after: (end: () => void) => void }
type Ended = { readonly code: number | null; readonly output: string }

const run = (env: Readonly<Record<string, string>>): Promise<Ended> =>
  new Promise(resolve => {
    const child = spawn(process.execPath, [join(top, 'tools/deploy/main.ts')], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', chunk => {
        output += chunk
      })
    child.on('close', code => resolve({ code, output }))
  })

/** Deploys an image to a cluster whose public address is a real server, broken while an image with "broken" in its name runs. */
const deploy = async (
  owner: Owner,
  name: string,
  more: Readonly<Record<string, string>> = {},
  ran = [oldest, former],
  cluster: Cluster = {},
) => {
  const kubectl = placeKubectl(owner, ran, cluster)
  const address = await startBrokenProxy(owner, server, (request, response) => {
    if (!request.url?.endsWith('/logout') || !/broken/.test(kubectl.read().image)) return false
    response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>')
    return true
  })
  const env = {
    PATH: kubectl.folder,
    IMAGE: image(name),
    PUBLIC_URL: address.origin,
    MOUNT: '/api/v1',
    ...more,
  }
  const ended = await run({ NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? '', ...env })
  return { ...ended, state: kubectl.read() }
}

const verbsOf = ({ state }: Awaited<ReturnType<typeof deploy>>): readonly string[] =>
  state.calls.map(([verb, ...words]) => (verb === 'rollout' ? `${verb} ${words[0]}` : (verb ?? '')))

describe('a deployment', { concurrency: 3 }, () => {
  test('migrates with the new image, rolls it out, goes the way of a user, and stays', async t => {
    // kubectl refuses the job of deploy/kubernetes in any other namespace than its own: it has to be written there.
    const [more, namespace] = [{ KUBECONFIG_CONTENT: 'made-up', NAMESPACE: 'accounts' }, 'accounts']
    const ended = await deploy(t, 'good', more, [oldest, former], { namespace })
    assert.deepEqual([ended.code, ended.state.image], [0, image('good')], ended.output)
    assert.deepEqual(verbsOf(ended), ['get', 'delete', 'create', 'get', 'set', 'rollout status'])
    assert.ok(
      ended.state.created.includes(`image: ${image('good')}\n`) && ended.state.created.includes('migrate'),
    )
    assert.equal(ended.state.kubeconfig, 'made-up')
    assert.match(ended.output, /the refresh token is refused +401/)
  })

  test('whose users can not go their way goes back to the revision before, looks again, and fails', async t => {
    const account = { SMOKE_USERNAME: 'probe', SMOKE_PASSWORD: password }
    const ended = await deploy(t, 'broken', account)
    assert.deepEqual([ended.code, ended.state.image], [1, former], ended.output)
    assert.deepEqual(verbsOf(ended).slice(5), ['rollout status', 'rollout undo', 'rollout status'])
    assert.ok(ended.state.calls.some(call => call.includes('--to-revision=2')))
    assert.match(ended.output, /FAILED .*sign out +502[\s\S]*going back[\s\S]*the former version runs/)
    assert.ok(!ended.output.includes(password))
    // What nothing here asks for is not given either.
    assert.deepEqual([...new Set(ended.state.rights)].sort(), toWords(deployerRules).toSorted())
  })

  test('by an account that lacks a right of the Role fails, and says which', async t => {
    const rules = deployerRules.map(rule => ({ ...rule, verbs: rule.verbs.filter(verb => verb !== 'watch') }))
    const ended = await deploy(t, 'good', {}, [oldest, former], { rules })
    assert.deepEqual([ended.code, verbsOf(ended)], [1, ['get', 'delete']], ended.output)
    assert.match(ended.output, /\(Forbidden\): watch jobs\/gatewright-migrate\n/)
  })

  test('to a namespace that its account has no rights in does nothing', async t => {
    const ended = await deploy(t, 'good', { NAMESPACE: 'accounts' })
    assert.deepEqual([ended.code, verbsOf(ended)], [1, ['get']], ended.output)
  })

  test('that never gets ready goes back', async t => {
    const ended = await deploy(t, 'stuck')
    assert.deepEqual([ended.code, ended.state.image], [1, former], ended.output)
    assert.match(ended.output, /did not come to its end[\s\S]*its smoke test passed/)
  })

  test('whose change has no answer, and may be done all the same, goes back', async t => {
    const ended = await deploy(t, 'unanswered')
    assert.deepEqual([ended.code, ended.state.image], [1, former], ended.output)
    assert.ok(ended.state.calls.some(call => call.includes('--to-revision=2')))
  })

  test('whose migration fails changes nothing', async t => {
    const ended = await deploy(t, 'unmigratable')
    assert.deepEqual([ended.code, ended.state.image], [1, former], ended.output)
    assert.ok(!verbsOf(ended).includes('set'))
  })

  test('says so loudly where the former version fails as well, or where the same version ran before', async t => {
    const [both, same] = await Promise.all([
      deploy(t, 'broken', {}, [oldest, image('broken-before')]),
      deploy(t, 'broken', {}, [oldest, image('broken')]),
    ])
    assert.deepEqual([both.code, same.code], [3, 3])
    assert.match(both.output, /THE FORMER VERSION FAILS AS WELL/)
    assert.match(same.output, /RAN BEFORE AND FAILS NOW/)
    assert.equal(same.state.image, image('broken'))
  })

  test('without a deployment, or to a cluster that does not answer, does nothing', async t => {
    const ended = await deploy(t, 'good', {}, [])
    assert.deepEqual([ended.code, verbsOf(ended)], [1, ['get']])
    assert.match(ended.output, /docs\/kubernetes\.md/)
  })

  test('whose environment is not right does nothing, says what to write, and repeats no value', () => {
    const good = { IMAGE: former, PUBLIC_URL: 'https://api.example.org' }
    assert.ok('image' in readPlan(good))
    const wrong: readonly (readonly [object, RegExp])[] = [
      [{ IMAGE: undefined }, /IMAGE/],
      [{ IMAGE: 'ghcr.io/example/gatewright:1.0.0' }, /IMAGE: write an image by its digest/],
      [{ IMAGE: `${former} --all` }, /IMAGE/],
      [{ IMAGE: `--x@sha256:${'0'.repeat(64)}` }, /IMAGE/],
      [{ PUBLIC_URL: 'http://api.example.org' }, /PUBLIC_URL/],
      [{ PUBLIC_URL: 'https://api.example.org/api/v1' }, /PUBLIC_URL/],
      [{ MOUNT: 'api; rm -rf ~' }, /MOUNT/],
      [{ NAMESPACE: '--all-namespaces=$(x)' }, /NAMESPACE/],
      [{ TIMEOUT: '0' }, /TIMEOUT/],
      [{ SMOKE_USERNAME: '--json' }, /SMOKE_USERNAME/],
      [{ SMOKE_PASSWORD: 'hidden' }, /set both/],
      [{ SMOKE_USERNAME: 'probe' }, /set both/],
    ]
    for (const [change, told] of wrong) {
      const plan = readPlan({ ...good, ...change })
      assert.ok(!('image' in plan), JSON.stringify(change))
      assert.match(plan.join('\n'), told)
      assert.doesNotMatch(plan.join('\n'), /hidden|rm -rf|\$\(x/)
    }
  })
})
