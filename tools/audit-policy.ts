import { execFile } from 'node:child_process'
import { top } from './top.ts'

/**
 * Asks the registry for known vulnerabilities of what users install. High and critical ones fail.
 * Many registries and mirrors do not offer this service: without an answer the check says so in one line
 * and passes, so that a build does not depend on it; with `--strict` it fails.
 */
export type Verdict =
  | { readonly kind: 'clean'; readonly minor: number }
  | { readonly kind: 'vulnerable'; readonly packages: readonly string[] }
  | { readonly kind: 'no answer'; readonly reason: string }

type Report = {
  readonly message?: string
  readonly vulnerabilities?: Readonly<Record<string, { readonly severity: string }>>
}

const timeLimit = 30_000

/** @param output what `npm audit --json` wrote; anything but a report means that nobody answered. */
export const judge = (output: string): Verdict => {
  const { message, vulnerabilities } = parse(output)
  if (vulnerabilities === undefined)
    return { kind: 'no answer', reason: message ?? 'npm audit did not give a report in time' }
  const found = Object.entries(vulnerabilities).map(([name, { severity }]) => ({ name, severity }))
  const grave = found.filter(({ severity }) => severity === 'high' || severity === 'critical')
  if (grave.length === 0) return { kind: 'clean', minor: found.length }
  return { kind: 'vulnerable', packages: grave.map(({ name, severity }) => `${name} (${severity})`) }
}

export const toExitCode = ({ kind }: Verdict, strict: boolean): 0 | 1 =>
  kind === 'vulnerable' || (kind === 'no answer' && strict) ? 1 : 0

const toLine = (verdict: Verdict): string => {
  switch (verdict.kind) {
    case 'clean':
      return `npm audit: nothing high or critical${verdict.minor > 0 ? `, ${verdict.minor} lower` : ''}`
    case 'vulnerable':
      return `npm audit: ${verdict.packages.join(', ')}. See npm audit --omit=dev`
    case 'no answer':
      return `npm audit: not checked, the service did not answer (${verdict.reason})`
  }
}

const parse = (output: string): Report => {
  try {
    const report: unknown = JSON.parse(output)
    return typeof report === 'object' && report !== null ? report : {}
  } catch {
    return {}
  }
}

/** Resolves whatever npm does: its exit code says less than its report, and past the limit it is killed. */
const runAudit = (): Promise<string> =>
  new Promise(done => {
    const once = ['audit', '--omit=dev', '--json', '--fetch-retries=0', `--fetch-timeout=${timeLimit / 2}`]
    const options = { cwd: top, timeout: timeLimit, killSignal: 'SIGKILL', maxBuffer: 64 << 20 } as const
    execFile('npm', once, options, (_error, stdout) => done(stdout))
  })

const main = async (): Promise<void> => {
  const verdict = judge(await runAudit())
  console.log(toLine(verdict))
  process.exitCode = toExitCode(verdict, process.argv.includes('--strict'))
}

if (import.meta.main) await main()
