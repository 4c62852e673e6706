import { statSync } from 'node:fs'
import { join } from 'node:path'
import { secretFile } from '../storage/secret-file.ts'
import type { SettingsFacts } from './facts.ts'
import { type Finding, ok, problem, warning } from './finding.ts'

type Facts = Pick<SettingsFacts, 'settings' | 'sources' | 'folder' | 'database'>

/** What others may not do with a file or folder: bits of its mode. */
type Guarded = {
  readonly path: string
  readonly forbidden: number
  readonly level: 'warning' | 'problem'
  readonly mend: string
}

const everythingOfOthers = 0o077

const own = (path: string): Guarded => ({
  path,
  forbidden: everythingOfOthers,
  level: 'problem',
  mend: `chmod 600 ${path}`,
})

/** A `.env` file, where the secret stands in it. */
const findFileOfSettings = ({ sources }: Facts): readonly string[] =>
  sources.GATEWRIGHT_SECRET.startsWith('.env') ? [sources.GATEWRIGHT_SECRET] : []

/** A file of its own, where the secret stands in one. */
const findFileOfSecret = ({ sources }: Facts): readonly string[] =>
  sources.GATEWRIGHT_SECRET.startsWith('file ') ? [sources.GATEWRIGHT_SECRET.slice('file '.length)] : []

/**
 * What others may not do with the file of a secret. A group of its own is usual for what others bring: secrets of
 * Kubernetes (fsGroup), keys (ssl-cert). Engines of containers mount secrets below `/run/secrets`, for one container
 * and for everybody in it, which is one user: there it counts who may write.
 */
export const forbiddenWithSecret = (path: string): number =>
  path.startsWith('/run/secrets/') ? 0o022 : 0o027

const listGuarded = (facts: Facts): readonly Guarded[] => {
  const { folder, settings, database } = facts
  const chmodFolder = { path: folder, mend: `chmod 700 ${folder}` }
  return [
    // Whoever may write here can put another database in the place of this one.
    { ...chmodFolder, forbidden: 0o022, level: 'problem' },
    { ...chmodFolder, forbidden: 0o055, level: 'warning' },
    ...(database.kind === 'sqlite' ? ['', '-wal', '-shm'] : []).map(suffix => ({
      ...own(database.name + suffix),
      mend: `chmod 600 ${database.name}*`,
    })),
    ...[secretFile(folder), join(folder, 'setup-link'), join(folder, 'self-signed.key')].map(own),
    ...findFileOfSettings(facts).map(own),
    ...findFileOfSecret(facts).map(path => ({
      ...own(path),
      forbidden: forbiddenWithSecret(path),
      mend: `chmod g-w,o= ${path}`,
    })),
    ...(settings.tlsKeyFile === undefined
      ? []
      : [{ ...own(settings.tlsKeyFile), forbidden: 0o007, mend: `chmod o= ${settings.tlsKeyFile}` }]),
  ]
}

const findMode = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.mode

/** Whether others can read or change what only the server may: the database, secrets, keys, and their folder. */
export const checkPermissions = (facts: Facts): Finding => {
  if (process.platform === 'win32') return ok('not looked at on Windows')
  const open = listGuarded(facts).flatMap(guarded => {
    const mode = findMode(guarded.path) ?? 0
    return (mode & guarded.forbidden) === 0 ? [] : { ...guarded, mode }
  })
  if (open.length === 0) return ok('no file is open to others')
  const report = open.some(({ level }) => level === 'problem') ? problem : warning
  return report({
    found: [...new Set(open.map(({ path, mode }) => `${path} has mode ${(mode & 0o777).toString(8)}`))].join(
      '; ',
    ),
    means: 'Other users of this machine can read or replace what only the server may: users, keys, secrets.',
    do: [...new Set(open.map(({ mend }) => mend))].join(' && '),
  })
}
