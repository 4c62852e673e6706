import { existsSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

const imported = /\b(?:from|import)\b\s*\(?\s*'(\.[^']+\.ts)'/g

type File = { readonly isHolding: boolean; readonly imports: readonly string[] }

const readFile = (path: string, words: RegExp): File => {
  const text = readFileSync(path, 'utf8')
  const imports = [...text.matchAll(imported)].map(([, specifier = '']) => resolve(dirname(path), specifier))
  return { isHolding: words.test(text), imports: imports.filter(file => existsSync(file)) }
}

/**
 * Tells of a file, by its path, whether these words stand in it or in what it imports, far or near.
 * @param isRead which files are looked into at all, by their path
 */
export const createFileHolds = (
  words: RegExp,
  isRead: (path: string) => boolean = () => true,
): ((path: string) => boolean) => {
  const files = new Map<string, File>()
  const read = (path: string): File => {
    const file = files.get(path) ?? readFile(path, words)
    files.set(path, file)
    return file
  }
  const look = (path: string, seen: Set<string>): boolean => {
    if (seen.has(path) || !isRead(path)) return false
    seen.add(path)
    const { isHolding, imports } = read(path)
    return isHolding || imports.some(file => look(file, seen))
  }
  return path => look(resolve(path), new Set())
}
