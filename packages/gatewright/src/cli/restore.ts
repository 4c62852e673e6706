import { defineCommand, WrongUse } from './command.ts'
import { withEngine } from './engine.ts'

/** Into the place of the settings. */
const load = async (from: string, erase: boolean) => {
  const { loadStartSettings } = await import('../ground/start-settings.ts')
  const { loadBackup } = await import('../backups/load-backup.ts')
  const { BadFile } = await import('../backups/sealed-file.ts')
  const { openHeldSecrets } = await import('../storage/open-secrets.ts')
  const { dataFolderOf, databaseFile, isPostgresUrl, makeFolderOf } = await import('../storage/database.ts')
  const { systemRandom: random } = await import('../ground/random.ts')
  const { databaseUrl, databaseAdminUrl, gatewrightSecret: configured } = loadStartSettings().settings
  const secrets = openHeldSecrets({ configured, folder: dataFolderOf(databaseUrl), random })
  if (!isPostgresUrl(databaseUrl)) makeFolderOf(databaseFile(databaseUrl))
  try {
    return await loadBackup({ url: databaseAdminUrl ?? databaseUrl, secrets, random }, { from, erase })
  } catch (error) {
    if (!(error instanceof BadFile)) throw error
    throw new Error(`${from} can't be restored, and nothing was touched: ${error.message}`, { cause: error })
  }
}

const adopt = async () => {
  const { adoptDatabase } = await import('../administration/adopt-database.ts')
  const { listAdministrators } = await import('../administration/list-administrators.ts')
  const { commandLineOrigin: origin } = await import('../audit/record.ts')
  const { databaseFile, isPostgresUrl } = await import('../storage/database.ts')
  return withEngine(
    'must exist',
    async engine => {
      const { databaseUrl } = engine.settings
      const file = isPostgresUrl(databaseUrl) ? undefined : databaseFile(databaseUrl)
      const adoption = await adoptDatabase(engine, { origin, file })
      return { ...adoption, administrators: await listAdministrators(engine) }
    },
    { adopts: true },
  )
}

export const restore = defineCommand({
  name: 'restore',
  summary:
    'Puts a backup into an empty place, or goes on with a database that was put back by other means: ends every session and API key, and replaces the signing keys.',
  parameters: {},
  options: {
    from: { kind: 'text', value: 'file', describe: 'the backup, as “backup --to” made it' },
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
  example: 'restore --from gatewright-monday.backup',
  run: async ({ from, 'erase-what-stands-there': erase, adopt: adopts }) => {
    if ((from === undefined) !== adopts)
      throw new WrongUse(
        'write restore --from <file> for a backup of “gatewright backup” or, where one was put in its place by other means, restore --adopt',
      )
    if (from === undefined && erase) throw new WrongUse('--erase-what-stands-there goes with --from')
    const loaded = from === undefined ? undefined : await load(from, erase)
    const { sessions, apiKeys, keys, administrators } = await adopt()
    const what =
      loaded === undefined ? 'This database' : `The backup of ${loaded.manifest.made_at} is back, and`
    return {
      text: `${what} is the one to go on with. Sessions ended: ${sessions}; API keys ended: ${apiKeys}; signing keys replaced: ${keys}. Roles, passwords, disabled users, blocked issuers and linked identities are as the backup has them: look at those that were changed since. Administrators in it: ${administrators.join(', ') || 'none'}.`,
      json: {
        ...(loaded && { made_at: loaded.manifest.made_at, rows: loaded.counts.tables }),
        sessions_ended: sessions,
        api_keys_ended: apiKeys,
        signing_keys_replaced: keys,
        administrators,
      },
    }
  },
})
