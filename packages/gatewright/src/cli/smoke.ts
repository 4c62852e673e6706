import { duration, origin } from '../ground/parse-setting.ts'
import { isLoopbackUrl } from '../ground/production-rules.ts'
import type { SmokeReport } from '../smoke/run-smoke.ts'
import { defineCommand, type Result, WrongUse } from './command.ts'
import { readSecretLine } from './password-input.ts'
import { printable, toTable } from './table.ts'

const requestBound = 10_000
const wholeBound = 60_000
const refusalBound = duration(1_000, 60_000)

/** The address, or where nothing is written the one that the settings have. */
const readAddress = async (url: string | undefined): Promise<string> => {
  if (url !== undefined) return url
  const { loadSettings } = await import('../ground/load-settings.ts')
  const { publicUrl, port, tls } = loadSettings().settings
  return publicUrl ?? `${tls === 'off' ? 'http' : 'https'}://localhost:${port}`
}

const checkAddress = (address: string, allowsPlain: boolean): URL => {
  // A slash at the end is how addresses are copied.
  const text = address.replace(/\/$/, '')
  if (origin.parse(text) === undefined)
    throw new WrongUse(`--url is not valid: write ${origin.expects}; the path before /login is --mount`)
  if (text.startsWith('http:') && !isLoopbackUrl(text) && !allowsPlain)
    throw new WrongUse(
      '--url is plain HTTP to another machine, and passwords would be readable on the way: write the https address',
    )
  return new URL(text)
}

const checkMount = (mount: string | undefined): string | undefined => {
  if (mount !== undefined && !/^(\/[\w.~-]+){1,8}$/.test(mount))
    throw new WrongUse('--mount is not valid: write the path before /login, such as /api/v1 or /auth')
  return mount
}

const readAccount = async (username: string | undefined, fromStandardInput: boolean) => {
  if ((username !== undefined) !== fromStandardInput)
    throw new WrongUse(
      '--username and --password-stdin stand together: write both, and give the password on standard input',
    )
  return username === undefined
    ? undefined
    : { username, password: await readSecretLine(process.stdin, 'password') }
}

const toLines = async ({ outcomes, username, left }: SmokeReport): Promise<readonly string[]> => {
  const { adviseOn } = await import('../smoke/advise.ts')
  const table = toTable(
    outcomes.map(({ ok, step, came, milliseconds }) => [
      ok ? 'ok' : 'FAILED',
      `${milliseconds} ms`,
      step,
      came,
    ]),
  )
  return [
    ...outcomes.flatMap((outcome, at) => {
      const advice = outcome.ok ? undefined : adviseOn(outcome)
      return [
        table[at] ?? '',
        ...(outcome.ok ? [] : [`        ${outcome.method} ${printable(outcome.path)}`]),
        ...(outcome.ok ? [] : [`        expected: ${outcome.expected}`]),
        ...(advice === undefined ? [] : [`        ${advice}`]),
      ]
    }),
    ...(left === null ? [] : ['', `The user ${username} may still be there: delete it by hand.`]),
  ]
}

const toResult = async (base: URL, report: SmokeReport): Promise<Result> => {
  const { outcomes, ok, mount, username, left } = report
  const failed = outcomes.filter(outcome => !outcome.ok).length
  const end = ok
    ? `All ${outcomes.length} steps went as they must.`
    : `${failed} of ${outcomes.length} steps failed.`
  return {
    text: [`${base.origin}${mount}, as ${username}`, '', ...(await toLines(report)), '', end].join('\n'),
    json: { url: base.origin, mount, username, steps: outcomes, left },
    exitCode: ok ? 0 : 1,
  }
}

/** Ctrl-C, and the end of a job: what was made is removed first. */
const stopOnSignal = (): AbortSignal => {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => stop.abort(new Error(`stopped by ${name}`)))
  return stop.signal
}

export const smoke = defineCommand({
  name: 'smoke',
  summary:
    'Goes the way of a user through a running server, also one elsewhere: register, sign in, be let in, refresh, sign out, be refused. Removes the user that it made.',
  parameters: {},
  options: {
    url: {
      kind: 'text',
      value: 'address',
      describe: 'Where it is, without a path; else PUBLIC_URL of the settings.',
    },
    mount: {
      kind: 'text',
      value: 'path',
      describe: 'The path before /login. Without it, /api/v1 and /auth are tried.',
    },
    username: {
      kind: 'text',
      value: 'name',
      describe:
        'Signs in as a user that is there, for servers where nobody may register; nobody is made or removed.',
    },
    'password-stdin': { kind: 'flag', describe: "Takes that user's password from standard input." },
    within: {
      kind: 'text',
      value: 'time',
      describe: 'How soon a sign-out must hold everywhere: REVOCATION_MAX_AGE there. 5s without it.',
    },
    'plain-http-that-anyone-on-the-way-can-read': {
      kind: 'flag',
      describe: 'Takes an http address of another machine. The password goes there in the clear.',
    },
  },
  example: 'smoke --url https://api.example.org',
  run: async ({ url, mount, username, within, ...flags }) => {
    const allowsPlain = flags['plain-http-that-anyone-on-the-way-can-read']
    const base = checkAddress(await readAddress(url), allowsPlain)
    const refusal = refusalBound.parse(within ?? '5s')
    if (refusal === undefined) throw new WrongUse(`--within is not valid: write ${refusalBound.expects}`)
    const place = checkMount(mount)
    const account = await readAccount(username, flags['password-stdin'])
    const [{ runSmoke }, { systemClock }, { systemRandom }] = await Promise.all([
      import('../smoke/run-smoke.ts'),
      import('../ground/clock.ts'),
      import('../ground/random.ts'),
    ])
    const bounds = { request: requestBound, all: wholeBound, refusal }
    const deps = { clock: systemClock, random: systemRandom }
    const report = await runSmoke(deps, { base, mount: place, account, bounds, stop: stopOnSignal() })
    return toResult(base, report)
  },
})
