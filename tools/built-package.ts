import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, globSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { top } from './top.ts'

/*
 * What a package of the workspace becomes when it leaves the repository: JavaScript with its types in `dist`, and
 * the pages of the console. `tools/pack.ts` packs it for npm, `tools/image-files.ts` puts it into the image.
 */
const runNode = (...words: readonly string[]): void => {
  execFileSync(process.execPath, words, { cwd: top, stdio: ['ignore', 'inherit', 'inherit'] })
}

/** Sources to `dist`, with everything beside them that is no TypeScript. */
export const compilePackage = (folder: string): void => {
  const dist = join(folder, 'dist')
  rmSync(dist, { recursive: true, force: true })
  runNode(join(top, 'node_modules/typescript/bin/tsc'), '-p', folder)
  for (const path of globSync('**/*.*', { cwd: join(folder, 'src'), exclude: ['**/*.ts'] }))
    cpSync(join(folder, 'src', path), join(dist, path))
  const commandLine = join(dist, 'cli/main.js')
  if (existsSync(commandLine)) chmodSync(commandLine, 0o755)
}

/** The pages of the console are files as well, made by a tool of their own. */
export const buildConsoleOf = (folder: string): void => {
  const tool = join(top, 'tools/build-console.ts')
  if (basename(folder) === 'gatewright' && existsSync(tool)) runNode(tool)
}
