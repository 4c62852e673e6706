/** `**` is any number of folders, `*` is within one name. */
const toPattern = (line: string): RegExp => {
  const body = line
    .split('/')
    .map(part => (part === '**' ? '**' : part.replace(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^/]*')))
    .join('/')
    .replaceAll('**/', '(?:.*/)?')
  return new RegExp(`^${body}(?:/.*)?$`)
}

/** Whether a build gets this file: the last line that fits decides, as in Docker's rules. */
export const reachesBuild = (ignoreFile: string, path: string): boolean => {
  const lines = ignoreFile.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  const last = lines.findLast(line => toPattern(line.replace(/^!/, '')).test(path))
  return last === undefined || last.startsWith('!')
}
