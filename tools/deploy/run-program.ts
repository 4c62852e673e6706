import { spawn } from 'node:child_process'

export type Ended = { readonly code: number; readonly stdout: string }

type Run = {
  readonly input?: string
  /** Beside what this process has. */
  readonly env?: Readonly<Record<string, string>>
  /** Its output is read here; else it goes where ours goes. */
  readonly isRead?: boolean
}

/** What no other program is handed: it would only leak there. */
const kept: readonly string[] = ['SMOKE_PASSWORD', 'KUBECONFIG_CONTENT']

const ownEnv = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !kept.includes(name)))

/** Runs a program to its end; one that can not be started rejects. */
export const runProgram = (
  file: string,
  words: readonly string[],
  { input = '', env = {}, isRead = false }: Run = {},
): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const child = spawn(file, words, {
      env: { ...ownEnv(), ...env },
      stdio: ['pipe', isRead ? 'pipe' : 'inherit', 'inherit'],
    })
    const chunks: Buffer[] = []
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.once('error', reject)
    child.once('close', code => resolve({ code: code ?? 1, stdout: Buffer.concat(chunks).toString() }))
    // One that reads nothing may be gone already.
    child.stdin?.on('error', () => {})
    child.stdin?.end(input)
  })
