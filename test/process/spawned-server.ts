import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Answer, type Outgoing, send } from './http-client.ts'
import { until, within } from './until.ts'

const top = join(import.meta.dirname, '../..')
const main = join(top, 'apps/blog/src/main.ts')
/** What `npm run gatewright` runs. */
export const commandLine = join(top, 'packages/gatewright/src/cli/main.ts')
/** As `npm start` does. */
const cached = ['--max-semi-space-size=8', '--import', join(top, 'tools/compile-cache.js')]

export type Ending = { readonly code: number | null; readonly signal: NodeJS.Signals | null }

/** A process of ours. It ends with its folder at the latest. */
export type Program = {
  readonly pid: number
  /** What it has printed so far. */
  readonly stdout: () => string
  readonly stderr: () => string
  readonly kill: (signal: NodeJS.Signals) => void
  readonly ended: Promise<Ending>
}

/** A program that serves. */
export type Server = Program & {
  /** The address before every path, on this machine: `http://localhost:40001`. */
  readonly url: string
  readonly port: number
  /** Sends a request; a path without a slash in front stands below the mount. */
  readonly call: (method: string, path: string, outgoing?: Outgoing) => Promise<Answer>
  /** Ends it with SIGTERM, and fails unless it ends well. */
  readonly stop: () => Promise<void>
}

/** A folder for a server: its `./data`, its `.env` files, its log. */
export type Folder = { readonly path: string; readonly programs: Program[] }

type Owner = { readonly after: (end: () => Promise<void>) => void }

/** A new folder. At the owner's end whatever still runs in it is killed, and it is removed. */
export const newFolder = (owner: Owner): Folder => {
  const folder: Folder = { path: mkdtempSync(join(tmpdir(), 'gatewright-process-')), programs: [] }
  owner.after(async () => {
    for (const program of folder.programs) program.kill('SIGKILL')
    await Promise.all(folder.programs.map(program => program.ended))
    rmSync(folder.path, { recursive: true, force: true })
  })
  return folder
}

export type Start = {
  /** The whole environment, but for a free port and room for many requests from one address. */
  readonly env?: Readonly<Record<string, string>>
  /** Another file than the blog's. */
  readonly file?: string
  readonly args?: readonly string[]
  /** What starts it in its turn, by `exec`. */
  readonly through?: readonly string[]
  /** What it finds on its standard input. */
  readonly input?: string
}

const collect = (stream: ChildProcess['stdout']): (() => string) => {
  const chunks: Buffer[] = []
  stream?.on('data', (chunk: Buffer) => chunks.push(chunk))
  return () => Buffer.concat(chunks).toString()
}

/** Starts a process in the folder and waits for nothing. */
export const startProgram = (
  folder: Folder,
  { env = {}, file = main, args = [], through = [], input }: Start = {},
): Program => {
  const [command = '', ...words] = [...through, process.execPath, ...cached, file, ...args]
  const child = spawn(command, words, {
    cwd: folder.path,
    env: { PORT: '0', ...(env.NODE_ENV === 'production' ? {} : { LIMITS_SCALE: '1000' }), ...env },
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  })
  child.stdin?.end(input)
  const program: Program = {
    pid: child.pid ?? assert.fail('the process did not start'),
    stdout: collect(child.stdout),
    stderr: collect(child.stderr),
    kill: signal => void child.kill(signal),
    ended: new Promise(resolve => child.once('close', (code, signal) => resolve({ code, signal }))),
  }
  folder.programs.push(program)
  return program
}

const longestStart = 180_000

/** Starts a process that is to end by itself, and waits for that. */
export const runToEnd = async (
  folder: Folder,
  start: Start = {},
): Promise<Ending & { readonly stdout: string; readonly stderr: string }> => {
  const program = startProgram(folder, start)
  const ending = await within(longestStart, 'the program ends', program.ended)
  return { ...ending, stdout: program.stdout(), stderr: program.stderr() }
}

const addressOf = (
  announced: string,
): { readonly url: string; readonly port: number; readonly mount: string } => {
  const [, api = ''] = /API: ([^\s"]+)/.exec(announced) ?? []
  const { protocol, port, pathname: mount } = new URL(api)
  const [, otherPort] = /Listening: [^\s"]+, port (\d+)/.exec(announced) ?? []
  const real = Number(otherPort ?? port)
  return { url: `${protocol}//localhost:${real}`, port: real, mount }
}

/** Starts a server and waits until it has announced its address. */
export const startServer = async (folder: Folder, start: Start = {}): Promise<Server> => {
  const program = startProgram(folder, start)
  let ending: Ending | undefined
  void program.ended.then(how => {
    ending = how
  })
  const hasStarted = () => /Health: /.test(program.stdout()) || ending !== undefined
  await until('the server announces its address', hasStarted, longestStart)
  assert.equal(ending, undefined, `the server did not start: ${program.stderr()}`)
  const { url, port, mount } = addressOf(program.stdout())
  return {
    ...program,
    url,
    port,
    call: (method, path, outgoing) =>
      send(method, path.startsWith('/') ? url + path : `${url}${mount}/${path}`, outgoing),
    stop: async () => {
      program.kill('SIGTERM')
      const how = await within(30_000, 'the server ends after SIGTERM', program.ended)
      assert.deepEqual(how, { code: 0, signal: null }, program.stderr())
    },
  }
}

/** The lines of a log in JSON. */
export const toLines = (text: string): readonly Readonly<Record<string, unknown>>[] =>
  text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Readonly<Record<string, unknown>>)

export const password = 'correct horse battery staple'

export type Caller = {
  readonly id: string
  readonly username: string
  readonly access: string
  readonly refresh: string
}

/** Registers a user and signs in. */
export const signUp = async ({ call }: Pick<Server, 'call'>, username: string): Promise<Caller> => {
  const registered = await call('POST', 'register', { body: { username, password } })
  assert.equal(registered.status, 201, registered.text)
  return { id: registered.field('id'), ...(await signIn({ call }, username)) }
}

export const signIn = async ({ call }: Pick<Server, 'call'>, username: string) => {
  const login = await call('POST', 'login', { body: { username, password } })
  assert.equal(login.status, 200, login.text)
  return { username, access: login.field('access_token'), refresh: login.field('refresh_token') }
}
