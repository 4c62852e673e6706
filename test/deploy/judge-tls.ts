import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { type FoundProgram, findProgram } from '../servers/debian-program.ts'
import { hostName } from './behind-nginx.ts'

/** One thing that testssl.sh looked at. */
export type Finding = { readonly id: string; readonly severity: string; readonly finding: string }

const packages = ['testssl.sh', 'bsdextrautils', 'openssl', 'procps']

/** A text says why there is none. */
export const findTestssl = (): Promise<FoundProgram | string> => findProgram('testssl', packages)

/** Where it was unpacked, its tables and the programs that it calls lie beside it. */
const surroundings = ({ path, env }: FoundProgram, folder: string): NodeJS.ProcessEnv => {
  const own = { TESTSSL_INSTALL_DIR: join(dirname(path), '../../etc/testssl') }
  const PATH = [folder, process.env.PATH, dirname(path)].join(delimiter)
  return { ...process.env, ...(env.LD_LIBRARY_PATH !== undefined && own), PATH, TERM: 'dumb' }
}

/** It wants a program that asks name servers, and has nothing to ask here. */
const silenceNames = (folder: string): void =>
  writeFileSync(join(folder, 'dig'), '#!/bin/sh\nexit 0\n', { mode: 0o755 })

/** What testssl.sh finds at this port of loopback; `only` are its flags, none for everything. */
export const judgeTls = async (
  program: FoundProgram,
  port: number,
  only: readonly string[] = [],
): Promise<readonly Finding[]> => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-testssl-'))
  try {
    silenceNames(folder)
    const file = join(folder, 'findings.json')
    const args = [
      '--quiet',
      '--warnings',
      'off',
      '--color',
      '0',
      '--ip',
      '127.0.0.1',
      '--nodns',
      'none',
      '--jsonfile',
      file,
    ]
    const child = spawn(program.path, [...args, ...only, `${hostName}:${port}`], {
      env: surroundings(program, folder),
      stdio: 'ignore',
    })
    await once(child, 'exit')
    return JSON.parse(readFileSync(file, 'utf8'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
