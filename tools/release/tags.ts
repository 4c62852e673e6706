import { spawnSync } from 'node:child_process'

const ask = (cwd: string, ...words: readonly string[]): string | undefined => {
  const { status, stdout } = spawnSync('git', words, { cwd, encoding: 'utf8' })
  return status === 0 ? stdout.trim() : undefined
}

/**
 * The tags of the repository that a folder is a checkout of. Undefined where git does not say, and where the checkout is
 * shallow, as a workflow's is that asks for no more: it knows its own tag alone, and would take each for the highest.
 */
export const readTags = (folder: string): readonly string[] | undefined =>
  ask(folder, 'rev-parse', '--is-shallow-repository') === 'false'
    ? ask(folder, 'tag', '--list')?.split('\n')
    : undefined
