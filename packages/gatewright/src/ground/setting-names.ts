import { type Setting, type SettingName, settingRows } from './settings.ts'

/** Names that may be written: every setting, and `<NAME>_FILE` of every secret. */
const rows: readonly Setting[] = settingRows
const names: readonly string[] = rows.flatMap(({ name, secret }) =>
  secret ? [name, `${name}_FILE`] : [name],
)

/** Names that other programs set for reasons of their own and that happen to be near one of ours. */
const neighbours: readonly string[] = [
  'SSL_CERT_FILE', // OpenSSL's certificates; near TLS_CERT_FILE
  'NODE_EXE', // set by npm on Windows; near NODE_ENV
  'APP_HOME', // set by many container images and by Gradle; near APP_NAME
]

const shortestCompared = 8
const mostEdits = 2

export const isSettingName = (name: string): name is SettingName | `${SettingName}_FILE` =>
  names.includes(name)

/** The lines about names in the environment that are ours but unknown, or look like a mistyped setting. */
export const environmentNameProblems = (given: readonly string[]): readonly string[] =>
  given
    .filter(name => !isSettingName(name) && !neighbours.includes(name))
    .filter(
      name =>
        name.startsWith('GATEWRIGHT_') || (name.length >= shortestCompared && nearest(name) !== undefined),
    )
    .map(name => `${name} in the environment is not a setting: ${advice(name)}`)

/** What Node.js itself reads, and takes for every connection: certificates of others that prove nothing. */
export const uncheckedTlsProblems = (env: Readonly<Record<string, string | undefined>>): readonly string[] =>
  env.NODE_TLS_REJECT_UNAUTHORIZED === '0'
    ? [
        'NODE_TLS_REJECT_UNAUTHORIZED=0 in the environment lets anybody stand in for the mail server, for issuers and for the database: remove it, and write the file of a further authority in NODE_EXTRA_CA_CERTS',
      ]
    : []

/** The lines about names in a file of settings, where every name must be one. */
export const fileNameProblems = (given: readonly string[], file: string): readonly string[] =>
  given
    .filter(name => !isSettingName(name))
    .map(name => `${name} in ${file} is not a setting: ${advice(name)}`)

/**
 * The fewest insertions, deletions, replacements and swaps of neighbours that make `a` into `b`
 * (optimal string alignment: no place is edited twice).
 */
export const editDistance = (a: string, b: string): number => {
  let beforePrevious: readonly number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      const swapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      current[column] = Math.min(
        at(previous, column) + 1,
        at(current, column - 1) + 1,
        at(previous, column - 1) + (same ? 0 : 1),
        swapped ? at(beforePrevious, column - 2) + 1 : Number.POSITIVE_INFINITY,
      )
    }
    beforePrevious = previous
    previous = current
  }
  return at(previous, b.length)
}

const at = (numbers: readonly number[], index: number): number => numbers[index] ?? Number.POSITIVE_INFINITY

const nearest = (name: string): string | undefined =>
  names
    .map(known => ({ known, edits: editDistance(name, known) }))
    .filter(({ edits }) => edits <= mostEdits)
    .sort((a, b) => a.edits - b.edits)[0]?.known

const advice = (name: string): string => {
  const meant = nearest(name.toUpperCase())
  if (meant !== undefined) return `write ${meant}, or rename it if another program needs it`
  if (/^GATEWRIGHT_(SERVICE|PORT)/.test(name)) {
    return 'remove it; if Kubernetes sets it for a service of this name, write enableServiceLinks: false'
  }
  return 'remove it; docs/settings.md lists every setting'
}
