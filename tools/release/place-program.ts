import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

type Owner = { readonly after: (end: () => void) => void }

/**
 * Stands on PATH in the place of a program, and writes down what it was called with.
 * @param script what it does then, in the language of sh
 */
export const placeProgram = (owner: Owner, name: string, script = '') => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-program-'))
  owner.after(() => rmSync(folder, { recursive: true, force: true }))
  const log = join(folder, 'calls')
  const program = `#!/bin/sh\nprintf '%s\\n' "$@" '' >>'${log}'\n${script}\n`
  writeFileSync(join(folder, name), program, { mode: 0o755 })
  return {
    env: { PATH: `${folder}:/usr/bin:/bin` },
    /** Each with its words. */
    calls: (): readonly (readonly string[])[] =>
      existsSync(log)
        ? readFileSync(log, 'utf8')
            .split('\n\n')
            .filter(Boolean)
            .map(call => call.split('\n'))
        : [],
  }
}
