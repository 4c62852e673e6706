import { execFileSync } from 'node:child_process'
import { closeSync, cpSync, mkdirSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { scan } from '../../tools/secret-scan.ts'
import { type Found, listFiles } from './inspect-root.ts'

const startsLikeJson = (file: string): boolean => {
  const [descriptor, first] = [openSync(file, 'r'), Buffer.alloc(1)]
  readSync(descriptor, first)
  closeSync(descriptor)
  return first.toString() === '{'
}

/**
 * What was pushed, as files: each layer in a folder of its own, so that what a later one removes is there, and what the
 * image says of itself (variables, labels, history) as it is. @returns how many layers there are
 */
export const unpackLayers = (pushed: string, to: string): number => {
  const blobs = readdirSync(pushed).filter(name => /^[0-9a-f]{64}$/.test(name))
  const layers = blobs.filter(blob => !startsLikeJson(join(pushed, blob)))
  for (const blob of blobs.filter(blob => !layers.includes(blob)))
    cpSync(join(pushed, blob), join(to, `${blob}.json`))
  for (const blob of layers) {
    mkdirSync(join(to, blob))
    execFileSync('tar', ['--extract', '--file', join(pushed, blob), '--directory', join(to, blob)])
  }
  return layers.length
}

/** Also in a program, where no scanner of texts looks. */
const inPrograms =
  /-----BEGIN [A-Z ]*PRIVATE KEY-----\n|\bgw[rksc]_[A-Za-z0-9_-]{20,}|\bnpm_[A-Za-z0-9]{36}\b|\bAKIA[A-Z0-9]{16}\b/

const mostOfText = 4 << 20
const isText = ({ stats }: Found, bytes: Buffer): boolean =>
  stats.size < mostOfText && !bytes.subarray(0, 8_192).includes(0)

/**
 * The files below a folder that hold a secret, by `npm run secret-scan`'s own rules and, in programs as well, by the forms
 * of keys; and those that hold this text.
 */
export const findSecrets = async (folder: string, text: string): Promise<readonly string[]> => {
  const found = new Set<string>()
  const texts: { readonly path: string; readonly name: string }[] = []
  for (const file of listFiles(folder).filter(({ stats }) => stats.isFile())) {
    const path = join(folder, file.path)
    const bytes = readFileSync(path)
    if (bytes.includes(text) || inPrograms.test(bytes.toString('latin1'))) found.add(file.path)
    if (isText(file, bytes)) texts.push({ path, name: file.path })
  }
  for (const { name } of await scan(texts)) found.add(name)
  return [...found].sort()
}
