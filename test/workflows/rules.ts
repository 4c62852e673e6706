import type { Job, Step, Workflow } from './read-workflows.ts'

type Rule = {
  readonly name: string
  /** What is wrong in a workflow, each in a few words. */
  readonly find: (workflow: Workflow, scripts: ReadonlySet<string>) => readonly string[]
}

const jobsOf = ({ jobs }: Workflow): readonly (readonly [string, Job])[] => Object.entries(jobs)

const stepsOf = (workflow: Workflow): readonly (readonly [string, Job, Step])[] =>
  jobsOf(workflow).flatMap(([name, job]) => (job.steps ?? []).map(step => [name, job, step] as const))

/** Every text that a matrix makes of one. */
const expand = (text: string, { strategy }: Pick<Job, 'strategy'>): readonly string[] => {
  const [, whole = '', name = ''] = /(\$\{\{ matrix\.(\w+) \}\})/.exec(text) ?? []
  const values = strategy?.matrix?.[name]
  return values === undefined
    ? [text]
    : values.flatMap(value => expand(text.replace(whole, value), strategy ? { strategy } : {}))
}

const isScript = (run: string, scripts: ReadonlySet<string>): boolean =>
  run === 'npm ci' ||
  (run === 'npm test' && scripts.has('test')) ||
  scripts.has(/^npm run ([\w:-]+)$/.exec(run)?.[1] ?? '')

/** Of GitHub and Docker alone. */
const actions: readonly string[] = [
  ...['checkout', 'setup-node', 'upload-artifact', 'download-artifact', 'attest'].map(
    name => `actions/${name}`,
  ),
  ...['setup-buildx-action', 'login-action'].map(name => `docker/${name}`),
]

/** Whatever somebody else has written: titles, names of branches, texts of comments. */
const fromOutside =
  /\$\{\{[^}]*\b(github\.(event\.|head_ref|ref_name|actor|triggering_actor)|inputs\.|env\.|steps\.|needs\.|secrets\.)/

const grants = (permissions: unknown): Readonly<Record<string, string>> =>
  typeof permissions === 'object' && permissions !== null ? (permissions as Record<string, string>) : {}

/** What a job may do beyond reading; everything else stands here first. */
const writes: Readonly<Record<string, readonly string[]>> = {
  '.github/workflows/release.yml packages': ['id-token', 'attestations'],
  '.github/workflows/release.yml page': ['contents'],
  '.github/workflows/release.yml image': ['packages', 'id-token', 'attestations'],
}

const secretsOf = (text: string): readonly string[] => [
  ...new Set([...text.matchAll(/\bsecrets\.(\w+)/g)].map(([, name = '']) => name)),
]

/** Which secrets which workflow may name. */
const secretsIn: Readonly<Record<string, readonly string[]>> = {
  '.github/workflows/deploy.yml': ['SMOKE_PASSWORD', 'KUBECONFIG'],
  '.github/workflows/release.yml': ['KUBECONFIG', 'SMOKE_PASSWORD'],
}

export const rules: readonly Rule[] = [
  {
    name: 'every step that runs something runs one npm script, which is there',
    find: (workflow, scripts) =>
      stepsOf(workflow).flatMap(([, job, { run }]) =>
        run === undefined ? [] : expand(run, job).filter(each => !isScript(each, scripts)),
      ),
  },
  {
    name: 'every action is pinned by its commit, with the version behind it for people',
    find: ({ text }) =>
      text
        .split('\n')
        .filter(line => /^\s*(- )?uses:/.test(line))
        .filter(
          line =>
            !/uses: (\.\/\.github\/workflows\/\w+\.yml$|[\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$)/.test(
              line,
            ),
        ),
  },
  {
    name: 'an action gets a machine ready, hands files on, or signs: what is built and published is a script',
    find: workflow =>
      stepsOf(workflow).flatMap(([, , { uses }]) =>
        uses === undefined || actions.includes(uses.split('@')[0] ?? '') ? [] : [uses],
      ),
  },
  {
    name: 'a workflow may do nothing, and each job says what it needs',
    find: workflow => [
      ...(Object.keys(grants(workflow.permissions)).length === 0 && typeof workflow.permissions === 'object'
        ? []
        : ['the workflow']),
      ...jobsOf(workflow)
        .filter(([, { permissions }]) => Object.keys(grants(permissions)).length === 0)
        .map(([name]) => name),
    ],
  },
  {
    name: 'no job may write more than it stands here for',
    find: workflow =>
      jobsOf(workflow).flatMap(([name, { permissions }]) =>
        Object.entries(grants(permissions))
          .filter(([what, how]) => how !== 'read' && !writes[`${workflow.path} ${name}`]?.includes(what))
          .map(([what]) => `${name}: ${what}`),
      ),
  },
  {
    name: 'nothing that comes from outside becomes part of a command',
    find: workflow => stepsOf(workflow).flatMap(([, , { run = '' }]) => (fromOutside.test(run) ? [run] : [])),
  },
  {
    name: 'no workflow runs with the rights of this repository on what a stranger sends',
    find: ({ on }) =>
      ['pull_request_target', 'workflow_run', 'issue_comment', 'issues'].filter(name => name in on),
  },
  {
    name: 'a checkout leaves no credential behind',
    find: workflow =>
      stepsOf(workflow)
        .filter(
          ([, , step]) =>
            step.uses?.startsWith('actions/checkout@') && step.with?.['persist-credentials'] !== false,
        )
        .map(([name]) => name),
  },
  {
    name: 'every job of its own has a time limit and one machine of a fixed version',
    find: workflow =>
      jobsOf(workflow)
        .filter(
          ([, job]) =>
            job.uses === undefined &&
            !(Number(job['timeout-minutes']) <= 60 && job['runs-on'] === 'ubuntu-24.04'),
        )
        .map(([name]) => name),
  },
  {
    name: 'every workflow says what may run beside what, and no release or deployment is stopped in the middle',
    find: ({ path, concurrency }) => [
      ...(concurrency?.group ? [] : ['no group']),
      ...(/release|deploy/.test(path) && concurrency?.['cancel-in-progress'] !== false ? ['is stopped'] : []),
    ],
  },
  {
    name: 'secrets are named by deployments alone, one by one',
    find: ({ path, text }) => [
      ...secretsOf(text).filter(name => !secretsIn[path]?.includes(name)),
      ...(/secrets: inherit|toJSON\(secrets\)/.test(text) ? ['all of them'] : []),
    ],
  },
  {
    name: 'what was installed by another job is not taken from a cache',
    find: workflow =>
      stepsOf(workflow)
        .filter(
          ([, , { uses = '', with: given }]) =>
            uses.startsWith('actions/cache') ||
            given?.cache !== undefined ||
            (uses.startsWith('actions/setup-node@') && given?.['package-manager-cache'] !== false),
        )
        .map(([name]) => name),
  },
  {
    name: 'no failure is passed over',
    find: ({ text }) => text.match(/continue-on-error|always\(\)|\|\| true/g) ?? [],
  },
]
