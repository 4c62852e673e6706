import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, posix } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { settingRows } from 'gatewright/settings'
import { parseSource, readSources } from '../../tools/sources.ts'
import { readBlocks, readDocument, readLinks, readPart, top } from '../markdown.ts'
import { findFreePort } from '../process/free-port.ts'
import { until, within } from '../process/until.ts'
import { readSteps, takeTour } from '../tour.ts'
import { cleanEnv, copyRepository, installNode24, npmInstall, pack } from './packed.ts'

const page = 'docs/adopt.md'
const text = readDocument(page)
const [api = '', forgotten = ''] = readBlocks(text)
  .filter(({ language }) => language === 'ts')
  .map(block => block.text)
/** The files of the page on tests, by the names that stand in their first lines. */
const testedFiles = new Map(
  readBlocks(readDocument('docs/testing.md')).flatMap(block => {
    const [, name] = /^\/\/ ([\w.-]+\.ts)\n/.exec(block.text) ?? []
    return name === undefined ? [] : [[name, block.text] as const]
  }),
)
const writtenBase = 'http://localhost:3000'
const longestStart = 60_000

/** An empty folder outside of the repository, into which the tarball is installed as the page says. */
const folder = mkdtempSync(join(tmpdir(), 'gatewright-adopt-'))
const installed = join(folder, 'node_modules/gatewright')
let copy: string

before(() => {
  copy = copyRepository()
  const manifest = join(copy, 'packages/gatewright/package.json')
  const written = readFileSync(manifest, 'utf8')
  cpSync(pack(copy), join(folder, 'gatewright-0.1.0.tgz'))
  assert.equal(readFileSync(manifest, 'utf8'), written, 'npm pack has left another manifest behind')
  writeFileSync(join(folder, 'package.json'), '{"name": "reports", "private": true, "type": "module"}\n')
  assert.ok(text.includes('npm install ./gatewright-0.1.0.tgz fastify'))
  const { status, stderr } = npmInstall(folder, './gatewright-0.1.0.tgz', 'fastify', '@types/node@26.6.6')
  assert.equal(status, 0, stderr)
  writeFileSync(join(folder, 'api.ts'), api)
  mkdirSync(join(folder, 'tested'))
  for (const [name, content] of testedFiles) writeFileSync(join(folder, 'tested', name), content)
})
after(() => {
  for (const path of [folder, copy]) rmSync(path, { recursive: true, force: true })
})

const listInstalled = (): readonly string[] =>
  globSync('**/*', { cwd: installed, exclude: path => path === 'node_modules' })
    .filter(path => statSync(join(installed, path)).isFile())
    .sort()

type Published = {
  readonly exports: Readonly<Record<string, { readonly types: string; readonly default: string }>>
  readonly bin: Readonly<Record<string, string>>
  readonly scripts?: object
}
const readManifest = (): Published => JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))

describe('the tarball', () => {
  test('holds JavaScript, its types, pages, documents, the licence and a README, and nothing else', () => {
    const kinds = [
      /^(LICENSE|README\.md|package\.json)$/,
      /^dist\/(?!.*\.test\.).*(?<!\.test)\.(js|d\.ts)$/,
      /^dist\/http\/pages\/[\w-]+\.(html|css|js)$/,
      /^console\//,
      /^docs\/[a-z-]+\.md$/,
    ]
    const files = listInstalled()
    const further = files.filter(file => !kinds.some(kind => kind.test(file)))
    assert.deepEqual(further, [])
    for (const name of ['LICENSE', 'README.md', 'dist/http/pages/reference.html'])
      assert.ok(files.includes(name), name)
    assert.ok(files.length > 200)
    if (existsSync(join(top, 'apps/console'))) assert.ok(files.some(file => file.startsWith('console/')))
  })

  test('names no folder of the machine that made it, and no file that it does not hold', () => {
    for (const file of listInstalled()) {
      const content = readFileSync(join(installed, file), 'utf8')
      for (const place of [top, copy]) assert.ok(!content.includes(place), file)
      assert.doesNotMatch(content, /sourceMappingURL/, file)
    }
    const { exports, bin, scripts } = readManifest()
    const named = [...Object.values(exports).flatMap(entry => Object.values(entry)), ...Object.values(bin)]
    for (const path of named) assert.ok(existsSync(join(installed, path)), path)
    assert.equal(scripts, undefined)
  })

  test('holds every document that its messages name, and whatever these lead to', () => {
    const files = listInstalled()
    const read = (file: string): string => readFileSync(join(installed, file), 'utf8')
    const code = files.filter(file => file.endsWith('.js') || file === 'README.md')
    const named = new Set(code.flatMap(file => read(file).match(/docs\/[\w-]+\.md/g) ?? []))
    for (const page of ['docs/settings.md', 'docs/postgresql.md', 'docs/adopt.md']) assert.ok(named.has(page))
    const documents = files.filter(file => file.startsWith('docs/'))
    const linked = documents.flatMap(file =>
      readLinks(read(file))
        .filter(link => !/^(#|https?:)/.test(link))
        .map(link => posix.join('docs', link.replace(/#.*/, ''))),
    )
    assert.ok(linked.length > 10)
    for (const page of new Set([...named, ...linked])) assert.ok(files.includes(page), page)
  })

  test('exports all that the blog imports: it imports only what customers import', () => {
    const exported = Object.keys(readManifest().exports).map(name => name.replace(/^\./, 'gatewright'))
    for (const [path, source] of readSources())
      if (path.startsWith('apps/blog/src/'))
        for (const { specifier = '' } of parseSource(path, source).imports)
          if (/^gatewright(\/|$)/.test(specifier))
            assert.ok(exported.includes(specifier), `${path}: ${specifier}`)
  })
})

test('the package without its test kit does all that production needs', async () => {
  const [kit, kept] = [join(installed, 'dist/testing'), join(installed, 'testing')]
  renameSync(kit, kept)
  try {
    const names = Object.keys(readManifest().exports).filter(name => name !== './testing')
    const program = names.map(name => `await import('gatewright${name.slice(1)}')`).join('\n')
    const run = (code: string) =>
      spawnSync(process.execPath, ['--input-type=module', '-e', code], { cwd: folder, encoding: 'utf8' })
    const { status, stderr } = run(program)
    assert.equal(status, 0, stderr)
    assert.match(run("await import('gatewright/testing')").stderr, /ERR_MODULE_NOT_FOUND/)
  } finally {
    renameSync(kept, kit)
  }
})

/** The API of the page with one mistake in it. */
const mistakes: readonly (readonly [what: string, from: string, to: string, says: RegExp])[] = [
  [
    'a misspelt permission in a rule',
    "permission('reports:read')",
    "permission('reports:raed')",
    /reports:raed/,
  ],
  ['a misspelt permission in a role', "'reports:read'] }", "'reports:raed'] }", /reports:raed/],
  [
    'a permission that nobody declared',
    "permission('reports:read')",
    "permission('posts:write')",
    /posts:write/,
  ],
  ['a route that names no limit', "{ limit: 'read', audit", '{ audit', /limit/],
  ['a limit that does not exist', "limit: 'read'", "limit: 'reed'", /error TS2322/],
  [
    'a principal that may be missing',
    'principalOf(request).roles',
    'request.principal.roles',
    /possibly 'undefined'/,
  ],
  [
    'a principal of another form',
    'principalOf(request).roles',
    'principalOf(request).role',
    /'role' does not exist/,
  ],
]

describe('the types of the package', () => {
  const tested = [...testedFiles.keys()].map(name => `tested/${name}`)
  const wrong = mistakes.map((_, at) => `mistake-${at}.ts`)
  let told: string
  /** What the compiler says of these files: it is asked once for all, for it reads the same types each time. */
  const toldOf = (...names: readonly string[]): string =>
    told
      .split(/^(?=\S)/m)
      .filter(said => names.some(name => said.startsWith(`${name}(`)))
      .join('')
  before(() => {
    for (const [at, [, from, to]] of mistakes.entries())
      writeFileSync(join(folder, `mistake-${at}.ts`), api.replace(from, to))
    const settings = "build: buildApi, settings: { DATABASE_URL: 'sqlite:./data/gatewright.db' }"
    const first = testedFiles.get('reports.test.ts') ?? ''
    writeFileSync(join(folder, 'tested', 'mistake.ts'), first.replace('build: buildApi', settings))
    const options =
      '--noEmit --strict --module nodenext --target es2024 --types node --pretty false --allowImportingTsExtensions'
    const tsc = join(top, 'node_modules/typescript/bin/tsc')
    const words = [tsc, ...options.split(' '), 'api.ts', ...tested, 'tested/mistake.ts', ...wrong]
    told = spawnSync(process.execPath, words, { cwd: folder, encoding: 'utf8' }).stdout
  })

  test('are said nothing of by the compiler but where there is a mistake', () => {
    assert.equal(told, toldOf('tested/mistake.ts', ...wrong))
  })

  test('take the application and the tests of the page on tests', () => {
    assert.equal(toldOf(...tested), '', told)
  })

  test('refuse a test that names a database', () => {
    assert.match(toldOf('tested/mistake.ts'), /'DATABASE_URL' does not exist/, told)
  })

  test('take the API of the page, which has 30 lines', () => {
    assert.equal(toldOf('api.ts'), '', told)
    assert.ok(api.trimEnd().split('\n').length <= 30)
  })

  for (const [at, [what, , , says]] of mistakes.entries())
    test(`refuse ${what}`, () => {
      assert.match(toldOf(`mistake-${at}.ts`), says, told)
    })
})

/** Empty texts mean the defaults: nothing of this machine's settings counts. */
const envOf = (node: string, more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv => ({
  ...cleanEnv(),
  ...Object.fromEntries(settingRows.map(({ name }) => [name, ''])),
  GATEWRIGHT_SECRET_FILE: '',
  LOG_LEVEL: 'error',
  // Kept with the folder: what is compiled of it is found by no other run.
  NODE_COMPILE_CACHE: join(folder, 'compiled'),
  NO_COLOR: '1',
  PATH: [dirname(node), process.env.PATH].join(delimiter),
  ...more,
})

type Owner = { readonly after: (end: () => void) => void }
type Running = { readonly stdout: () => string; readonly stop: () => Promise<unknown> }

/** Runs a program of the folder until it has printed `expected`. */
const start = async (
  owner: Owner,
  node: string,
  words: readonly string[],
  { env, expected }: { readonly env: NodeJS.ProcessEnv; readonly expected: RegExp },
): Promise<Running> => {
  const child = spawn(node, words, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
  owner.after(() => void child.kill('SIGKILL'))
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', chunk => {
    stdout += chunk
  })
  child.stderr.on('data', chunk => {
    stderr += chunk
  })
  const ended = once(child, 'close')
  await until('it prints where it is', () => expected.test(stdout) || child.exitCode !== null, longestStart)
  assert.match(stdout, expected, stderr)
  return {
    stdout: () => stdout,
    stop: async () => {
      child.kill('SIGTERM')
      assert.deepEqual(await within(longestStart, 'it ends after SIGTERM', ended), [0, null], stderr)
    },
  }
}

/** As the page says, and on the second all files in one process, which takes a quarter of the time. */
const versions = [
  { version: 26, find: () => ({ node: process.execPath, missing: undefined }), flags: ['--test'] },
  { version: 24, find: () => installNode24(folder), flags: ['--test', '--test-isolation=none'] },
] as const

for (const { version, find, flags } of versions)
  describe(`on Node.js ${version}`, () => {
    let node: string
    let missing: string | undefined
    before(() => {
      ;({ node, missing } = find())
    })
    const clean = () => rmSync(join(folder, 'data'), { recursive: true, force: true })

    test('the 30 lines protect their routes as the page says', async t => {
      if (missing !== undefined) return t.skip(missing)
      t.after(clean)
      const env = envOf(node, { PORT: String(await findFreePort()) })
      const base = `http://localhost:${env.PORT}`
      const running = await start(t, node, ['api.ts'], { env, expected: /^API: / })
      assert.equal(running.stdout(), `API: ${base}\n`)
      await takeTour({
        page,
        steps: readSteps(text).filter(({ block }) => readPart(text, 'tour').includes(block.text)),
        here: written => written.replaceAll(writtenBase, base),
        folder,
        env,
      })
      await running.stop()
    })

    test('a route that declares nothing stops the start, as the page says', t => {
      if (missing !== undefined) return t.skip(missing)
      t.after(clean)
      assert.match(forgotten, /\/forgotten/)
      writeFileSync(join(folder, 'open.ts'), api.replace('process.once', `${forgotten}\nprocess.once`))
      const { status, stdout, stderr } = spawnSync(node, ['open.ts'], {
        cwd: folder,
        env: envOf(node),
        encoding: 'utf8',
      })
      assert.deepEqual([status, stdout], [1, ''])
      const [, said = ''] = /^(Error: the route GET \/forgotten .*)$/m.exec(stderr) ?? []
      assert.ok(text.includes(`\`\`\`text\n${said}\n\`\`\``), stderr)
    })

    test('the tests of the page on tests pass, and leave nothing behind', async t => {
      if (missing !== undefined) return t.skip(missing)
      const temporary = mkdtempSync(join(tmpdir(), 'gatewright-tested-'))
      t.after(() => rmSync(temporary, { recursive: true, force: true }))
      const { NODE_TEST_CONTEXT: _, ...env } = envOf(node, { TMPDIR: temporary })
      const { status, stdout, stderr } = spawnSync(node, flags, {
        cwd: join(folder, 'tested'),
        env,
        encoding: 'utf8',
      })
      assert.equal(status, 0, stdout + stderr)
      const passed = [...testedFiles.values()].join('').match(/^test\(/gm)?.length
      assert.match(stdout, new RegExp(`^# pass ${passed}$|^ℹ pass ${passed}$`, 'm'))
      assert.deepEqual(globSync(join(temporary, 'gatewright-*')), [])
      assert.ok(!existsSync(join(folder, 'tested/data')))
    })

    test('gatewright serve is a server without an application', async t => {
      if (missing !== undefined) return t.skip(missing)
      t.after(clean)
      const env = envOf(node, { PORT: '0' })
      const program = join(folder, 'node_modules/.bin/gatewright')
      const running = await start(t, node, [program, 'serve'], { env, expected: /First administrator: / })
      const [, url = ''] = /API: (http:\/\/localhost:\d+\/auth)/.exec(running.stdout()) ?? []
      assert.equal((await fetch(`${url}/me`)).status, 401)
      assert.equal((await fetch(new URL('/healthz', url))).status, 200)
      assert.equal((await fetch(new URL('/console/setup', url))).status, 200)
      await running.stop()
    })
  })
