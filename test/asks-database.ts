import { existsSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/** By this a file is told which database it is run on. */
const asks = /\bTEST_DATABASE\b/
const imported = /\b(?:from|import)\b\s*\(?\s*'(\.[^']+\.ts)'/g

type File = { readonly isAsking: boolean; readonly imports: readonly string[] }

const readFile = (path: string): File => {
  const text = readFileSync(path, 'utf8')
  const imports = [...text.matchAll(imported)].map(([, specifier = '']) => resolve(dirname(path), specifier))
  return { isAsking: asks.test(text), imports: imports.filter(file => existsSync(file)) }
}

/**
 * Tells of a file, by its path, whether it or what it imports asks which database it is run on. One that does
 * not does the very same on each.
 */
export const createAsksDatabase = (): ((path: string) => boolean) => {
  const files = new Map<string, File>()
  const read = (path: string): File => {
    const file = files.get(path) ?? readFile(path)
    files.set(path, file)
    return file
  }
  const ask = (path: string, seen: Set<string>): boolean => {
    if (seen.has(path)) return false
    seen.add(path)
    const { isAsking, imports } = read(path)
    return isAsking || imports.some(file => ask(file, seen))
  }
  return path => ask(resolve(path), new Set())
}
