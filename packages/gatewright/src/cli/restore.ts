import type { Engine } from '../compose.ts'
import { defineCommand, WrongUse } from './command.ts'
import { withEngine } from './engine.ts'

type Asked = {
  readonly from: string | undefined
  readonly erase: boolean
  readonly revocations: string | undefined
}

/** What a bad file is told of, with its name. */
const naming = async <T>(file: string, use: () => Promise<T>): Promise<T> => {
  const { BadFile } = await import('../backups/sealed-file.ts')
  try {
    return await use()
  } catch (error) {
    if (!(error instanceof BadFile)) throw error
    throw new Error(`${file} can't be used, and nothing was touched: ${error.message}`, { cause: error })
  }
}

/** Everything is read before anything is touched. */
const read = async ({ from, erase, revocations }: Asked) => {
  const { loadStartSettings } = await import('../ground/start-settings.ts')
  const { loadBackup } = await import('../backups/load-backup.ts')
  const { readRevocations } = await import('../backups/revocations-file.ts')
  const { openHeldSecrets } = await import('../storage/open-secrets.ts')
  const { dataFolderOf, databaseFile, isPostgresUrl, makeFolderOf } = await import('../storage/database.ts')
  const { systemRandom: random } = await import('../ground/random.ts')
  const { databaseUrl, databaseAdminUrl, gatewrightSecret: configured } = loadStartSettings().settings
  const secrets = openHeldSecrets({ configured, folder: dataFolderOf(databaseUrl), random })
  const held = revocations && (await naming(revocations, () => readRevocations(revocations, secrets)))
  if (from === undefined) return { later: held || undefined, loaded: undefined }
  if (!isPostgresUrl(databaseUrl)) makeFolderOf(databaseFile(databaseUrl))
  const place = { url: databaseAdminUrl ?? databaseUrl, secrets, random }
  const loaded = await naming(from, () => loadBackup(place, { from, erase }))
  return { later: held || undefined, loaded }
}

/** The role that may erase: that of DATABASE_ADMIN_URL, where there is another one. */
const withOwner = async <T>(
  { db, settings }: Engine,
  use: (owner: Engine['db']) => Promise<T>,
): Promise<T> => {
  const { openDatabase } = await import('../storage/database.ts')
  if (settings.databaseAdminUrl === undefined) return use(db)
  const owner = openDatabase(settings.databaseAdminUrl, { pool: 1 })
  return use(owner).finally(() => owner.destroy())
}

const finish = async (engine: Engine, { later, loaded }: Awaited<ReturnType<typeof read>>) => {
  const { findAdoption } = await import('../sealing/find-adoption.ts')
  const { finishRestore } = await import('../administration/finish-restore.ts')
  const { listAdministrators } = await import('../administration/list-administrators.ts')
  const { listChanged, listLockedOut } = await import('../administration/list-changed.ts')
  const { commandLineOrigin: origin } = await import('../audit/record.ts')
  const { databaseFile, isPostgresUrl } = await import('../storage/database.ts')
  const { databaseUrl } = engine.settings
  const file = isPostgresUrl(databaseUrl) ? undefined : databaseFile(databaseUrl)
  const madeAt = loaded && Date.parse(loaded.manifest.made_at)
  const adoption = await withOwner(engine, owner =>
    finishRestore(engine, { origin, file, later, madeAt, owner }),
  )
  // Else it stands on the chain only once a server is there.
  await engine.sealer.look()
  return {
    ...adoption,
    position: await findAdoption(engine.db),
    administrators: await listAdministrators(engine),
    changed: later === undefined ? await listChanged(engine.db, madeAt ?? engine.clock.now()) : [],
    lockedOut: later === undefined ? [] : await listLockedOut(engine),
  }
}

type Finished = Awaited<ReturnType<typeof finish>>

const named = (names: readonly string[]): string => names.join(', ') || 'none'

const toText = (
  { taken, ...done }: Finished,
  madeAt: string | undefined,
  asOf: string | undefined,
): string => {
  const what = madeAt === undefined ? 'This database' : `The backup of ${madeAt} is back, and`
  const after =
    taken === undefined
      ? `Roles, passwords, disabled users, blocked issuers and linked identities are as the backup has them: look at those that were changed since. Changed in the week before: ${named(done.changed)}.`
      : `What was taken until ${asOf} is taken again: ${taken.users_deleted} users deleted, ${taken.users_disabled} disabled, ${taken.roles_taken} with fewer roles, ${taken.passwords_taken} with a password that opens nothing any more. With no way back but an administrator’s help: ${named(done.lockedOut)}.`
  return `${what} is the one to go on with. Sessions ended: ${done.sessions}; API keys ended: ${done.apiKeys}; signing keys replaced: ${done.keys}. ${after} Administrators in it: ${named(done.administrators)}.${done.position === undefined ? '' : ` In the audit log it stands at position ${done.position}.`}`
}

export const restore = defineCommand({
  name: 'restore',
  summary:
    'Puts a backup into an empty place, or goes on with a database that was put back by other means: ends every session, and replaces the signing keys.',
  parameters: {},
  options: {
    from: { kind: 'text', value: 'file', describe: 'the backup, as “backup --to” made it' },
    revocations: {
      kind: 'text',
      value: 'file',
      describe:
        'the newest of “backup --revocations-to”: what was taken from somebody since the backup is taken again, and API keys go on. Without it all API keys end',
    },
    'erase-what-stands-there': {
      kind: 'flag',
      describe: 'with --from: the database that stands there is lost, where no server works on it',
    },
    adopt: {
      kind: 'flag',
      describe:
        'in place of --from: what stands in the database now is what to go on with; it can not be undone',
    },
  },
  example: 'restore --from gatewright-monday.backup --revocations gatewright.revocations',
  run: async ({ from, revocations, 'erase-what-stands-there': erase, adopt: adopts }) => {
    if ((from === undefined) !== adopts)
      throw new WrongUse(
        'write restore --from <file> for a backup of “gatewright backup” or, where one was put in its place by other means, restore --adopt',
      )
    if (from === undefined && erase) throw new WrongUse('--erase-what-stands-there goes with --from')
    const found = await read({ from, erase, revocations })
    const finished = await withEngine('must exist', engine => finish(engine, found), { adopts: true })
    const { manifest, counts } = found.loaded ?? {}
    return {
      text: toText(finished, manifest?.made_at, found.later?.heading.made_at),
      json: {
        ...(manifest && { made_at: manifest.made_at, rows: counts?.tables }),
        sessions_ended: finished.sessions,
        api_keys_ended: finished.apiKeys,
        signing_keys_replaced: finished.keys,
        ...(finished.taken && { taken_again: finished.taken, locked_out: finished.lockedOut }),
        ...(finished.taken === undefined && { changed: finished.changed }),
        administrators: finished.administrators,
        position: finished.position ?? null,
      },
    }
  },
})
