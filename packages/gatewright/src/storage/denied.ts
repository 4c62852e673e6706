import { accessSync, constants, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { codeOf } from '../ground/error-code.ts'

const { R_OK, W_OK, X_OK } = constants

const triedWith = (path: string, rights: number): string | undefined => {
  try {
    accessSync(path, rights)
    return undefined
  } catch (error) {
    return codeOf(error)
  }
}

/** Numbers and not names: in a container, and on the machine around it, a number has different names or none. */
const whose = (path: string): string => {
  const [owner, own] = [statSync(path).uid, process.getuid?.()]
  return `${path} belongs to user ${owner}, and this runs as user ${own}, who may not write it: chown -R ${own} ${path}, or write another place`
}

const explain = (path: string, rights: number): string | undefined => {
  const code = triedWith(path, rights)
  if (code === 'EROFS') return `${path} can only be read: mount it so that it can be written`
  return code === 'EACCES' || code === 'EPERM' ? whose(path) : undefined
}

/**
 * Why this process can't write a file that is there, or make it in its folder, with what to do about it: the usual
 * trouble of who mounts a folder into a container. Undefined where nothing stands in the way.
 */
export const explainDenied = (file: string): string | undefined =>
  explain(dirname(file), W_OK | X_OK) ?? explain(file, R_OK | W_OK)
