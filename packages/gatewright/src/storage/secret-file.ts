import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { codeOf } from '../ground/error-code.ts'
import { newId, newSecret, type Random } from '../ground/random.ts'

const read = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT') return undefined
    throw new Error(`${file} can not be read (${code}): put the right file back, or set GATEWRIGHT_SECRET`, {
      cause: error,
    })
  }
}

/** Where a secret made in development is kept. */
export const secretFile = (folder: string): string => join(folder, 'secret')

/** The secret that an earlier start made, if there is one. */
export const readSecretFile = (folder: string): string | undefined => read(secretFile(folder))

/**
 * Makes the secret of a development installation, readable by its owner only, or takes the one that
 * another process has just made. It is written whole under another name and then linked, which fails
 * where the file exists: of several processes that start at once all use one secret.
 */
export const makeSecretFile = (folder: string, random: Random): string => {
  const file = secretFile(folder)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const draft = `${file}.${newId(random)}`
  writeFileSync(draft, `${newSecret(random)}\n`, { mode: 0o600, flag: 'wx' })
  try {
    linkSync(draft, file)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  } finally {
    rmSync(draft)
  }
  return readFileSync(file, 'utf8').trim()
}
