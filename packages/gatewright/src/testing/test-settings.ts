import { loadSettings, readSettings, SettingsError } from '../ground/load-settings.ts'
import { productionReasons } from '../ground/production-rules.ts'
import { newSecret, systemRandom } from '../ground/random.ts'
import type { SettingName, Settings } from '../ground/settings.ts'
import { isPostgresUrl } from '../storage/database.ts'

const databaseSettings = ['DATABASE_URL', 'DATABASE_ADMIN_URL'] as const

type TestSettingName = Exclude<SettingName, (typeof databaseSettings)[number]>

/** Settings by the names and in the form in which the environment has them: `{ ACCESS_TOKEN_TTL: '1m' }`. */
export type GivenSettings = Readonly<Partial<Record<TestSettingName, string>>>

const place = 'the settings of startTestApp'

const refuse = (lines: readonly string[]): void => {
  if (lines.length > 0) throw new SettingsError(lines)
}

/**
 * Refuses to start where an installation is meant: its settings are in force for the application's own code
 * as well, whatever the test app itself uses.
 * @throws SettingsError
 */
export const refuseInstallation = (): void => {
  const { settings, sources } = loadSettings()
  const empty = 'run tests with NODE_ENV=test and an empty value, in the environment or in .env.test'
  refuse([
    ...productionReasons(settings).map(
      reason => `${reason}, so production's rules hold here, and no test app starts: ${empty}`,
    ),
    ...databaseSettings
      .filter(name => sources[name] !== 'default')
      .map(
        name =>
          `${name} names a database that was not made for this test (it stands in ${sources[name]}): ${empty}; a test app makes a database of its own`,
      ),
  ])
}

/** In production nobody has so many tries; here all users of all tests come from one address at one time. */
const testDefaults = { NODE_ENV: 'test', LIMITS_SCALE: '1000' } as const satisfies GivenSettings

/**
 * The settings of a test app: the defaults, with what the test gives, checked as at every start.
 * @throws SettingsError also for what would be an installation, or a database that was not made for the test
 */
export const readTestSettings = (given: GivenSettings, databaseUrl: string): Settings => {
  refuse(
    Object.keys(given)
      .filter(name => databaseSettings.some(setting => name.replace(/_FILE$/, '') === setting))
      .map(name => `${name} in ${place}: leave it out, a test app makes a database of its own`),
  )
  const settings = { ...readSettings({ ...testDefaults, ...given }, place), databaseUrl }
  refuse(
    productionReasons(settings).map(
      reason => `${reason}: a test app is for this machine only, leave that out of ${place}`,
    ),
  )
  // On SQLite one is made beside the database; on PostgreSQL it would be the one in ./data.
  const isMade = settings.gatewrightSecret !== undefined || !isPostgresUrl(databaseUrl)
  return isMade ? settings : { ...settings, gatewrightSecret: [newSecret(systemRandom)] }
}
