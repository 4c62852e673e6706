import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { Ajv } from 'ajv'
import { parse } from 'yaml'
import { parseSource } from '../../tools/sources.ts'
import { readDocument, top } from '../markdown.ts'
import { parseWorkflow, readWorkflows, type Step, type Workflow } from './read-workflows.ts'
import { rules } from './rules.ts'

const readJson = (path: string) => JSON.parse(readFileSync(join(top, path), 'utf8'))
const scripts: ReadonlySet<string> = new Set(Object.keys(readJson('package.json').scripts))
const workflows = readWorkflows()
const expression = (text: string): string => `${'$'}{{ ${text} }}`

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
    ['actions/checkout', 'docker/build-push-action'],
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
    readonly directory?: string
    readonly directories?: readonly string[]
  }[]
}

describe('what the workflows do', () => {
  test('test on Node.js 24 and 26, with SQLite, PostgreSQL and Valkey', () => {
    const matrix = workflows.find(({ path }) => path.endsWith('/test.yml'))?.jobs.test?.strategy?.matrix
    assert.deepEqual(matrix, { node: ['24', '26'], part: ['sqlite', 'postgres', 'valkey'] })
    assert.match(readFileSync(join(top, 'tools/node-24/package-lock.json'), 'utf8'), /"version": "24\./)
    assert.equal(readJson('package.json').devDependencies.node.split('.')[0], '26')
  })

  const workflowAt = (name: string): Workflow =>
    workflows.find(({ path }) => path.endsWith(`/${name}.yml`)) ?? assert.fail(name)
  const stepsOf = (name: string, job: string): readonly Step[] =>
    workflowAt(name).jobs[job]?.steps ?? assert.fail(job)
  const scriptsOf = (steps: readonly Step[]): readonly string[] => steps.flatMap(({ run }) => run ?? [])
  /** What is signed for, in the order in which it is. */
  const signedIn = (job: string) =>
    stepsOf('release', job).flatMap(step => (step.uses?.startsWith('actions/attest@') ? [step.with] : []))

  test('scan dependencies and secrets each week and with each change', () => {
    const { on } = workflowAt('security')
    assert.ok('pull_request' in on)
    assert.deepEqual((on.push as { readonly branches: object }).branches, ['main'])
    const [{ cron }, ...others] = on.schedule as readonly [{ readonly cron: string }]
    // Minute, hour, day of the month, month, day of the week: one of each week, in every month.
    assert.match(cron, /^[1-5]?\d (1?\d|2[0-3]) \* \* [0-6]$/)
    assert.equal(others.length, 0)
    const run = ['dependencies', 'secrets'].flatMap(job => scriptsOf(stepsOf('security', job)))
    for (const script of ['audit-policy', 'audit-signatures', 'licences', 'sbom', 'secret-scan:history'])
      assert.ok(run.includes(`npm run ${script}`), script)
  })

  test('have testssl.sh look at everything with each change, and before each release', () => {
    const { on } = workflowAt('test')
    assert.ok('push' in on && 'pull_request' in on && 'workflow_call' in on)
    assert.deepEqual(scriptsOf(stepsOf('test', 'tls')), ['npm ci', 'npm run tls'])
  })

  test('release what was tested, with provenance, and deploy only what was built here', () => {
    const { on, jobs } = workflowAt('release')
    assert.deepEqual(on, { push: { tags: ['v[0-9]+.[0-9]+.[0-9]+*'] } })
    for (const name of ['packages', 'image']) assert.deepEqual(jobs[name]?.needs, ['plan', 'test'])
    assert.equal(jobs.test?.uses, './.github/workflows/test.yml')
    const ran = (job: string) => scriptsOf(stepsOf('release', job))
    assert.deepEqual(ran('packages'), ['npm ci', 'npm run release:pack', 'npm run release:publish'])
    assert.deepEqual(ran('image'), ['npm run release:image'])
    assert.deepEqual(jobs.image?.outputs, { digest: expression('steps.build.outputs.digest') })
    assert.equal(stepsOf('release', 'image').find(({ id }) => id === 'build')?.run, 'npm run release:image')
    const image = `${expression('needs.plan.outputs.image')}@${expression('needs.image.outputs.digest')}`
    assert.deepEqual(jobs.deploy?.with, { image })
    assert.deepEqual(jobs.deploy?.needs, ['plan', 'packages', 'image'])
    const run = scriptsOf(stepsOf('deploy', 'deploy'))
    assert.deepEqual(run, ['npm ci', 'npm run release:verify', 'npm run deploy'])
  })

  test('deploy by themselves only the latest: no preview, and nothing older than what runs', () => {
    const { deploy, plan } = workflowAt('release').jobs
    assert.equal(deploy?.if, "vars.PUBLIC_URL != '' && needs.plan.outputs.latest == 'true'")
    const outputs = ['version', 'image', 'latest'].map(name => [
      name,
      expression(`steps.plan.outputs.${name}`),
    ])
    assert.deepEqual(plan?.outputs, Object.fromEntries(outputs))
  })

  test('look at all tags wherever they ask for the plan of a release', () => {
    const asking = Object.entries(workflowAt('release').jobs).flatMap(([name, { steps = [] }]) =>
      steps.some(({ run }) => /release:(plan|publish|image|github)$/.test(run ?? '')) ? [name] : [],
    )
    assert.deepEqual(asking.sort(), ['image', 'packages', 'page', 'plan'])
    for (const name of asking) {
      const [checkout] = stepsOf('release', name).filter(({ uses }) => uses?.startsWith('actions/checkout@'))
      assert.equal(checkout?.with?.['fetch-depth'], 0, name)
    }
  })

  test('sign for all that was packed before it is published, and for the image that was pushed', () => {
    const file = (name: string) => ({
      'subject-path': `release/${name}-${expression('needs.plan.outputs.version')}.tgz`,
      'sbom-path': `release/${name}.cdx.json`,
    })
    assert.deepEqual(signedIn('packages'), [
      { 'subject-checksums': 'release/SHA256SUMS' },
      file('gatewright'),
      file('gatewright-verifier'),
    ])
    assert.deepEqual(signedIn('image'), [
      {
        'subject-name': expression('needs.plan.outputs.image'),
        'subject-digest': expression('steps.build.outputs.digest'),
        'push-to-registry': true,
        'create-storage-record': false,
      },
    ])
    const steps = stepsOf('release', 'packages')
    const last = steps.findLastIndex(({ uses }) => uses?.startsWith('actions/attest@'))
    assert.ok(last < steps.findIndex(({ run }) => run === 'npm run release:publish'))
  })

  test('skip no test for a program that is missing: all are installed first', () => {
    const { env } = workflowAt('test').jobs.test ?? assert.fail()
    assert.deepEqual(env, { TEST_NODE: expression('matrix.node'), TEST_PROGRAMS: 'required' })
    const test = `npm run test:${expression('matrix.part')}`
    const run = scriptsOf(stepsOf('test', 'test'))
    assert.deepEqual(run, ['npm ci', 'npm run test:programs', 'npm run build', test])
  })

  test('run nothing that has to be installed first in a job that installs nothing', () => {
    const commands: Readonly<Record<string, string>> = readJson('package.json').scripts
    const bare = workflows
      .flatMap(({ jobs }) => Object.values(jobs))
      .map(({ steps = [] }) => scriptsOf(steps))
      .filter(run => run.length > 0 && !run.includes('npm ci'))
      .flatMap(run => run.map(each => commands[each.replace('npm run ', '')] ?? assert.fail(each)))
    assert.ok(bare.length > 0)
    const [files, outside] = [
      bare.map(command => join(top, command.replace(/^node /, ''))),
      new Set<string>(),
    ]
    for (const file of files)
      for (const { specifier = '?' } of parseSource(file, readFileSync(file, 'utf8')).imports) {
        const path = join(file, '..', specifier)
        if (!specifier.startsWith('.')) outside.add(specifier)
        else if (!files.includes(path)) files.push(path)
      }
    assert.deepEqual(
      [...outside].filter(name => !name.startsWith('node:')),
      [],
    )
  })

  test('hand over every variable that a deployment reads', () => {
    const [, table = ''] = /^## Deploying$([\s\S]*?)^1\. /m.exec(readDocument('docs/ci-cd.md')) ?? []
    const read = [...table.matchAll(/^\|([^|]+)\|/gm)].flatMap(
      ([, cell = '']) => cell.match(/[A-Z_]{5,}/g) ?? [],
    )
    const [step] = stepsOf('deploy', 'deploy').filter(({ run }) => run === 'npm run deploy')
    assert.deepEqual(Object.keys(step?.env ?? {}).sort(), read.sort())
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
      ['npm', 'github-actions', 'docker', 'docker-compose'],
    )
    // Their images stand in the top folder alone, so that is where they are looked for.
    for (const { directory, directories } of updates.slice(2))
      assert.deepEqual([directory, directories], ['/', undefined])
    const images = globSync('*/**/{Dockerfile,compose.yaml,compose.*.yaml}', {
      cwd: top,
      exclude: ['**/node_modules'],
    })
    assert.deepEqual(images, [])
    const locks = globSync(['package-lock.json', '{tools,apps,packages,deploy}/**/package-lock.json'], {
      cwd: top,
      exclude: ['**/node_modules'],
    })
    assert.deepEqual(updates[0]?.directories, locks.map(path => join('/', path, '..')).sort())
  })
})
