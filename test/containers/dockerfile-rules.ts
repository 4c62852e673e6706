import { type Dockerfile, type Instruction, wholeStage } from './dockerfile.ts'

/** What hadolint and the checks of Docker ask for, and what this project promises, each as one row. */
export type Rule = {
  readonly title: string
  /** Each sentence is a breach. */
  readonly check: (dockerfile: Dockerfile, nodeVersion: string) => readonly string[]
}

/** The last one is what a build without `--target` gives. */
export const targets = ['blog', 'gatewright'] as const

const allOf = ({ stages }: Dockerfile): readonly Instruction[] => stages.flatMap(stage => stage.instructions)
const named = (instructions: readonly Instruction[], name: string): readonly string[] =>
  instructions.filter(instruction => instruction.name === name).map(({ text }) => text)

/** The last instruction of this name counts. */
const lastOf = (dockerfile: Dockerfile, target: string, name: string): string | undefined =>
  named(wholeStage(dockerfile, target), name).at(-1)

const eachTarget = (breach: (target: string) => string | undefined): readonly string[] =>
  targets.flatMap(target => breach(target) ?? [])

const isExecForm = (text: string): boolean => {
  try {
    const words: unknown = JSON.parse(text)
    return Array.isArray(words) && words.length > 0
  } catch {
    return false
  }
}

const imageForm = /^docker\.io\/[a-z/]+:[\w.-]+@sha256:[0-9a-f]{64}$/
const secretName = /SECRET|PASSWORD|PASSWD|TOKEN|PRIVATE|CREDENTIAL|_KEY\b|API_KEY/i
const fromNetwork = /\b(curl|wget|git clone|apt-get|apk add|npx|npm install|npm i)\b/

const labels = ['title', 'description', 'version', 'revision', 'created', 'licenses', 'vendor', 'base.name']

export const rules: readonly Rule[] = [
  {
    title: 'every base is an image by tag and digest, which a build argument may replace',
    check: ({ args, stages }) => {
      const names = new Set(stages.map(({ name }) => name))
      const external = stages.map(({ base }) => base).filter(base => !names.has(base))
      return external.flatMap(base => {
        const image = args.get(/^\$\{(\w+)\}$/.exec(base)?.[1] ?? '')
        return image !== undefined && imageForm.test(image) ? [] : [`${base} is not pinned by digest`]
      })
    },
  },
  {
    title: 'Node.js is the version that package.json names',
    check: ({ args }, nodeVersion) =>
      args.get('NODE_IMAGE')?.includes(`/node:${nodeVersion}-`) ? [] : [`NODE_IMAGE is not ${nodeVersion}`],
  },
  {
    title: 'a build without a target gives the server, and the other target is the blog',
    check: ({ stages }) => (stages.at(-1)?.name === 'gatewright' ? [] : ['the last stage is not gatewright']),
  },
  {
    title: 'an image runs as user 10001, by number, so that Kubernetes can see that it is not root',
    check: dockerfile =>
      eachTarget(target => {
        const user = lastOf(dockerfile, target, 'USER')
        return user === '10001:10001' ? undefined : `${target} runs as ${user ?? 'root'}`
      }),
  },
  {
    title: 'what is started is no shell: it gets the signals itself',
    check: dockerfile =>
      eachTarget(target =>
        isExecForm(lastOf(dockerfile, target, 'ENTRYPOINT') ?? '') ? undefined : `${target}: ENTRYPOINT`,
      ).concat(named(allOf(dockerfile), 'CMD').filter(text => !isExecForm(text))),
  },
  {
    title: 'an image says how it is stopped, what it listens on and where its data is',
    check: dockerfile =>
      Object.entries({ STOPSIGNAL: 'SIGTERM', EXPOSE: '3000', VOLUME: '["/data"]' }).flatMap(
        ([name, value]) =>
          eachTarget(target =>
            lastOf(dockerfile, target, name) === value ? undefined : `${target}: ${name}`,
          ),
      ),
  },
  {
    title: 'an image has a health check of its own program, without a shell',
    check: dockerfile =>
      eachTarget(target => {
        const check = lastOf(dockerfile, target, 'HEALTHCHECK')?.split(' CMD ')[1] ?? ''
        return isExecForm(check) && check.includes('"node"') ? undefined : `${target}: ${check}`
      }),
  },
  {
    title: 'no secret is a build argument or a variable of an image',
    check: dockerfile =>
      [
        ...named(allOf(dockerfile), 'ENV'),
        ...named(allOf(dockerfile), 'ARG'),
        ...dockerfile.args.keys(),
      ].filter(text => secretName.test(text) || /:\/\/[^/\s]*:[^/\s]*@/.test(text.replace(/@sha256:.*/, ''))),
  },
  {
    title: 'packages come from the lock file, and run no scripts of theirs',
    check: dockerfile => {
      const runs = named(allOf(dockerfile), 'RUN').filter(text => text.includes('npm '))
      return runs.filter(text => !/npm ci --ignore-scripts/.test(text) || /npm (i|install)\b/.test(text))
    },
  },
  {
    title: 'what an image has of packages was installed without what is for development',
    check: dockerfile =>
      eachTarget(target => {
        const [from = ''] = named(wholeStage(dockerfile, target), 'COPY').filter(text =>
          text.includes('node_modules'),
        )
        const stage = /--from=(\S+)/.exec(from)?.[1] ?? ''
        const installs = named(wholeStage(dockerfile, stage), 'RUN').join(' ')
        return installs.includes('--omit=dev') ? undefined : `${target} takes node_modules of ${stage}`
      }),
  },
  {
    title: 'nothing of the build folder gets into an image but what was laid out for it',
    check: dockerfile =>
      eachTarget(target => {
        const copies = named(wholeStage(dockerfile, target), 'COPY').filter(
          text => !text.startsWith('--from='),
        )
        return copies.length === 0 ? undefined : `${target} copies ${copies}`
      }),
  },
  {
    title: 'nothing is loaded past the lock file and the bases',
    check: dockerfile => [
      ...named(allOf(dockerfile), 'ADD'),
      ...named(allOf(dockerfile), 'RUN').filter(text => fromNetwork.test(text)),
    ],
  },
  {
    title: 'no program of an image gives more rights to whoever starts it',
    check: dockerfile =>
      eachTarget(target =>
        named(wholeStage(dockerfile, target), 'RUN').some(text => /-perm \/6000 -exec chmod a-s/.test(text))
          ? undefined
          : target,
      ),
  },
  {
    title: 'a pipe that breaks breaks the build',
    check: ({ stages }) =>
      stages.flatMap(({ name, instructions }) => {
        const piped = instructions.findIndex(({ name, text }) => name === 'RUN' && / \| /.test(text))
        const safe = instructions.slice(0, piped).some(({ text }) => text.includes('pipefail'))
        return piped < 0 || safe ? [] : [`${name} has a pipe without pipefail`]
      }),
  },
  {
    title: 'an image says what it is, of which version, and under which licence',
    check: dockerfile =>
      eachTarget(target => {
        const text = named(wholeStage(dockerfile, target), 'LABEL').join(' ')
        const missing = labels.filter(label => !text.includes(`org.opencontainers.image.${label}=`))
        return missing.length === 0 ? undefined : `${target} lacks ${missing}`
      }),
  },
  {
    title: 'a working folder is an absolute path',
    check: dockerfile => named(allOf(dockerfile), 'WORKDIR').filter(text => !text.startsWith('/')),
  },
]
