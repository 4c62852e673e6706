import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { Ajv } from 'ajv'
import { parse } from 'yaml'
import { readDocument, top } from '../markdown.ts'
import { parseWorkflow, readWorkflows, type Workflow } from './read-workflows.ts'
import { rules } from './rules.ts'

const readJson = (path: string) => JSON.parse(readFileSync(join(top, path), 'utf8'))
const scripts: ReadonlySet<string> = new Set(Object.keys(readJson('package.json').scripts))
const workflows = readWorkflows()

/** From github.com/SchemaStore/schemastore at 3b6446ad (Apache-2.0): test/workflows/schemas/README.md. */
const validateBy = (name: string) => {
  const ajv = new Ajv({
    strict: false,
    allErrors: true,
    formats: { uri: true, 'uri-reference': true, regex: true },
  })
  return ajv.compile(readJson(`test/workflows/schemas/${name}.json`))
}

describe('the workflows', () => {
  const validate = validateBy('github-workflow')
  const { path: _path, text: _text, ...first } = workflows[0] as Workflow

  for (const { path, text, ...workflow } of workflows)
    test(`${path} is valid by the schema of GitHub's workflows`, () => {
      assert.ok(validate(workflow), JSON.stringify(validate.errors?.slice(0, 3)))
    })

  test('the schema refuses what GitHub would refuse', () => {
    for (const wrong of [
      { ...first, jobs: {} },
      { ...first, permissions: { everything: 'write' } },
      { ...first, jobs: { a: { 'runs-on': 'ubuntu-24.04', steps: [{ runs: 'npm ci' }] } } },
      { jobs: first.jobs },
    ])
      assert.equal(validate(wrong), false, JSON.stringify(wrong))
  })

  for (const { name, find } of rules)
    test(`${name}`, () => {
      assert.deepEqual(
        workflows.flatMap(workflow => find(workflow, scripts).map(fault => `${workflow.path}: ${fault}`)),
        [],
      )
    })

  const good = `on: { push: {} }
permissions: {}
concurrency: { group: a, cancel-in-progress: false }
jobs:
  a:
    runs-on: ubuntu-24.04
    timeout-minutes: 5
    permissions: { contents: read }
    steps:
      - uses: actions/checkout@${'0'.repeat(40)} # v1.0.0
        with: { persist-credentials: false }
      - run: npm ci
      - run: npm test
`
  const change = (from: string, to: string): Workflow => {
    assert.ok(good.includes(from), from)
    return parseWorkflow('.github/workflows/deploy.yml', good.replace(from, to))
  }
  const expression = (text: string): string => `${'$'}{{ ${text} }}`
  const broken: readonly (readonly [from: string, to: string])[] = [
    ['npm test', 'curl https://example.org | sh'],
    ['npm test', 'npm test && npm run check'],
    ['npm test', 'npm run nothing'],
    ['npm test', `npm run test:${expression('matrix.part')}`],
    ['npm test', `npm run check -- ${expression('github.event.pull_request.title')}`],
    ['npm test', `echo ${expression('github.head_ref')}`],
    [`@${'0'.repeat(40)} # v1.0.0`, '@v7'],
    [`@${'0'.repeat(40)} # v1.0.0`, `@${'0'.repeat(40)}`],
    ['actions/checkout', 'somebody/checkout'],
    ['\npermissions: {}', '\npermissions: write-all'],
    ['\npermissions: {}', ''],
    ['contents: read', 'contents: write'],
    ['    permissions: { contents: read }\n', ''],
    ['push: {}', 'pull_request_target: {}'],
    ['persist-credentials: false', 'fetch-depth: 1'],
    ['timeout-minutes: 5', 'timeout-minutes: 600'],
    ['ubuntu-24.04', 'ubuntu-latest'],
    ['concurrency: { group: a, cancel-in-progress: false }', ''],
    ['cancel-in-progress: false', 'cancel-in-progress: true'],
    ['- run: npm test', `- run: npm test\n        env: { KEY: "${expression('secrets.NPM_TOKEN')}" }`],
    ['- run: npm test', '- run: npm test\n        continue-on-error: true'],
    ['persist-credentials: false', 'persist-credentials: false, cache: npm'],
  ]
  test('each rule is broken by what it is there for, and a workflow that keeps them all by nothing', () => {
    const faultsOf = (workflow: Workflow) => rules.filter(({ find }) => find(workflow, scripts).length > 0)
    assert.deepEqual(faultsOf(parseWorkflow('.github/workflows/deploy.yml', good)), [])
    const met = broken.flatMap(([from, to]) => {
      const faults = faultsOf(change(from, to))
      assert.ok(faults.length > 0, to)
      return faults.map(({ name }) => name)
    })
    assert.deepEqual(
      rules.map(({ name }) => name).filter(name => !met.includes(name)),
      [],
    )
  })
})

type Dependabot = {
  readonly updates: readonly {
    readonly 'package-ecosystem': string
    readonly directories?: readonly string[]
  }[]
}

describe('what the workflows do', () => {
  const runsOf = (path: string): string => readFileSync(join(top, '.github/workflows', path), 'utf8')

  test('test on Node.js 24 and 26, with SQLite, PostgreSQL and Valkey', () => {
    const matrix = workflows.find(({ path }) => path.endsWith('/test.yml'))?.jobs.test?.strategy?.matrix
    assert.deepEqual(matrix, { node: ['24', '26'], part: ['sqlite', 'postgres', 'valkey'] })
    assert.match(readFileSync(join(top, 'tools/node-24/package-lock.json'), 'utf8'), /"version": "24\./)
    assert.equal(readJson('package.json').devDependencies.node.split('.')[0], '26')
  })

  test('scan dependencies and secrets each week and with each change', () => {
    const { on } = workflows.find(({ path }) => path.endsWith('/security.yml')) as Workflow
    assert.ok('schedule' in on && 'pull_request' in on && 'push' in on)
    for (const script of ['audit-policy', 'audit-signatures', 'licences', 'sbom', 'secret-scan:history'])
      assert.ok(runsOf('security.yml').includes(`npm run ${script}\n`), script)
  })

  test('release what was tested, with provenance, and deploy only what was built here', () => {
    const { jobs } = workflows.find(({ path }) => path.endsWith('/release.yml')) as Workflow
    for (const name of ['packages', 'image']) assert.deepEqual(jobs[name]?.needs, ['plan', 'test'])
    assert.match(runsOf('release.yml'), /provenance: mode=max\n +sbom: true/)
    assert.equal(runsOf('release.yml').match(/uses: actions\/attest@/g)?.length, 4)
    const verified = runsOf('deploy.yml').indexOf('npm run release:verify')
    assert.ok(verified > 0 && verified < runsOf('deploy.yml').indexOf('npm run deploy\n'))
  })

  test('every script that a workflow runs stands in docs/ci-cd.md', () => {
    const page = readDocument('docs/ci-cd.md')
    const run = workflows.flatMap(({ text }) =>
      [...text.matchAll(/npm run ([\w:-]+)\n/g)].map(([, name = '']) => name),
    )
    for (const name of new Set(run)) assert.ok(page.includes(`\`npm run ${name}\``), name)
  })

  test('.github/dependabot.yml is valid by its schema, and looks at every place where versions stand', () => {
    const config: Dependabot = parse(readFileSync(join(top, '.github/dependabot.yml'), 'utf8'))
    const validate = validateBy('dependabot-2.0')
    assert.ok(validate(config), JSON.stringify(validate.errors))
    const { updates } = config
    assert.deepEqual(
      updates.map(update => update['package-ecosystem']),
      ['npm', 'github-actions', 'docker'],
    )
    const locks = globSync(['package-lock.json', '{tools,apps,packages,deploy}/**/package-lock.json'], {
      cwd: top,
      exclude: ['**/node_modules'],
    })
    assert.deepEqual(updates[0]?.directories, locks.map(path => join('/', path, '..')).sort())
  })
})
