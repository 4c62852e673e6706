import { execFile, execFileSync, spawn } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { extname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { checksum } from '../packages/gatewright/src/ground/encoding.ts'
import { top } from './top.ts'

/*
 * Looks for secrets: `node tools/secret-scan.ts` in the files that git knows, `--history` in all that it ever knew,
 * or in the folders named. The forms of other services' keys are secretlint's; those of Gatewright are ours.
 */

/** A file, and what it is called in what is told. */
export type Scanned = { readonly path: string; readonly name: string }
export type Finding = { readonly name: string; readonly line: number; readonly rule: string }

/** What stands in examples and tests where a password would. One that guards anything is longer than seven signs. */
const madeUpPasswords = ['password', 'gatewright', '<password>', '\\<password>']
const shortest = 8

const isMadeUp = (text: string): boolean => {
  const [, password] = /^\w+:\/\/[^:@/]*:([^@]*)@/.exec(text) ?? []
  if (password === undefined) return false
  return password.length < shortest || madeUpPasswords.includes(password.toLowerCase())
}

const ownForm = /\bgw[rksc]_([A-Za-z0-9_-]{32,})/g
const ownSecret = /\bGATEWRIGHT_SECRET['"]?\s*[=:]\s*['"]?([A-Za-z0-9_-]{43})(?![A-Za-z0-9_-])/g

/** Each of ours ends in a checksum of what stands before it: a made-up one is none. */
const isOwn = (body: string): boolean => {
  const bytes = Buffer.from(body, 'base64url')
  return checksum(bytes.subarray(0, -4)).equals(bytes.subarray(-4))
}

/** Random text of this length has some thirty different characters; one that a person wrote has few. */
const looksRandom = (text: string): boolean => new Set(text).size > 20

const lineAt = (text: string, index: number): number => text.slice(0, index).split('\n').length

/** Tokens, keys and secrets of Gatewright in a text. */
export const findOwn = (name: string, text: string): readonly Finding[] => [
  ...[...text.matchAll(ownForm)]
    .filter(([, body = '']) => isOwn(body))
    .map(({ index }) => ({ name, line: lineAt(text, index), rule: 'a token or key of Gatewright' })),
  ...[...text.matchAll(ownSecret)]
    .filter(([, body = '']) => looksRandom(body))
    .map(({ index }) => ({ name, line: lineAt(text, index), rule: 'GATEWRIGHT_SECRET' })),
]

const rules = JSON.stringify({ rules: [{ id: '@secretlint/secretlint-rule-preset-recommend' }] })
const secretlint = fileURLToPath(new URL('bin/secretlint.js', import.meta.resolve('secretlint/package.json')))
const asPaths = ['--no-glob', '--no-gitignore', '--format=json', `--secretlintrcJSON=${rules}`]

type Reported = {
  readonly filePath: string
  readonly messages: readonly { readonly ruleId: string; readonly range: readonly [number, number] }[]
}

const run = promisify(execFile)

/** Exit code 1 says that something was found; any other but 0 that nothing was looked at. */
const lint = async (paths: readonly string[]): Promise<readonly Reported[]> => {
  const options = { cwd: top, maxBuffer: 256 << 20 }
  const { stdout } = await run(process.execPath, [secretlint, ...asPaths, ...paths], options).catch(error => {
    if (error.code === 1 && error.stdout !== '') return error as { stdout: string }
    throw error
  })
  return JSON.parse(stdout) as readonly Reported[]
}

const toFindings = ({ filePath, messages }: Reported, name: string): readonly Finding[] => {
  if (messages.length === 0) return []
  const text = readFileSync(filePath, 'utf8')
  return messages
    .filter(({ range: [from, to] }) => !isMadeUp(text.slice(from, to)))
    .map(({ ruleId, range: [from] }) => ({
      name,
      line: lineAt(text, from),
      rule: ruleId.replace('@secretlint/secretlint-rule-', ''),
    }))
}

/** As many paths as an argument list takes on every system. */
const atOnce = 1_000

/** Every secret in these files, by name and line. What it is stands in no message. */
export const scan = async (files: readonly Scanned[]): Promise<readonly Finding[]> => {
  const names = new Map(files.map(({ path, name }) => [resolve(path), name]))
  const paths = [...names.keys()]
  const findings: Finding[] = []
  for (let from = 0; from < paths.length; from += atOnce)
    for (const reported of await lint(paths.slice(from, from + atOnce)))
      findings.push(...toFindings(reported, names.get(reported.filePath) ?? reported.filePath))
  for (const [path, name] of names) findings.push(...findOwn(name, readFileSync(path, 'utf8')))
  return findings
}

const git = (repository: string, ...words: readonly string[]): string =>
  execFileSync('git', words, { cwd: repository, encoding: 'utf8', maxBuffer: 256 << 20 })

/** What git knows, and what it would take. */
export const listTracked = (repository: string): readonly Scanned[] =>
  git(repository, 'ls-files', '-z', '--cached', '--others', '--exclude-standard')
    .split('\0')
    .filter(name => name !== '' && statSync(join(repository, name), { throwIfNoEntry: false })?.isFile())
    .map(name => ({ path: join(repository, name), name }))

/** Every file of a folder. */
export const listFolder = (folder: string): readonly Scanned[] =>
  statSync(folder).isFile()
    ? [{ path: folder, name: folder }]
    : globSync('**/*', { cwd: folder })
        .map(name => ({ path: join(folder, name), name }))
        .filter(({ path }) => statSync(path, { throwIfNoEntry: false })?.isFile())

/** The contents behind ids, in the order asked for. */
const readObjects = (repository: string, ids: readonly string[]): Promise<Buffer> =>
  new Promise((done, fail) => {
    const child = spawn('git', ['cat-file', '--batch'], {
      cwd: repository,
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const chunks: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.once('error', fail)
    child.once('close', code => (code === 0 ? done(Buffer.concat(chunks)) : fail(new Error(`git: ${code}`))))
    child.stdin.end(ids.map(id => `${id}\n`).join(''))
  })

/** `<id> <type> <size>\n<bytes>\n`, again and again. */
function* splitObjects(bytes: Buffer) {
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(10, at)
    const [id = '', type, size] = bytes.toString('latin1', at, end).split(' ')
    const from = end + 1
    at = from + Number(size) + 1
    if (type === 'blob') yield { id, content: bytes.subarray(from, at - 1) }
  }
}

/** Every version of every file, of every branch and tag, as files of a folder. */
export const writeHistory = async (repository: string, folder: string): Promise<readonly Scanned[]> => {
  const objects = git(repository, 'rev-list', '--objects', '--all')
    .split('\n')
    .map(line => [line.slice(0, 40), line.slice(41)] as const)
    .filter(([, name]) => name !== '')
  const names = new Map(objects)
  const files: Scanned[] = []
  for (const { id, content } of splitObjects(await readObjects(repository, [...names.keys()]))) {
    const name = names.get(id) ?? id
    const path = join(folder, `${id}${extname(name)}`)
    writeFileSync(path, content, { mode: 0o600 })
    files.push({ path, name: `${name} (${id.slice(0, 12)})` })
  }
  return files
}

const scanHistory = async (): Promise<readonly Finding[]> => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-secrets-'))
  try {
    return await scan(await writeHistory(top, folder))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const scanNamed = (folders: readonly string[]): Promise<readonly Finding[]> =>
  scan(folders.length === 0 ? listTracked(top) : folders.flatMap(listFolder))

const main = async (words: readonly string[]): Promise<void> => {
  const findings = words[0] === '--history' ? await scanHistory() : await scanNamed(words)
  for (const { name, line, rule } of findings) console.error(`${relative('', name) || name}:${line}: ${rule}`)
  console.log(
    findings.length === 0
      ? 'No secret was found.'
      : `${findings.length} secrets were found: revoke each, then remove it.`,
  )
  process.exitCode = findings.length === 0 ? 0 : 1
}

if (import.meta.main) await main(process.argv.slice(2))
