import type { Random } from '../ground/random.ts'
import { createSecrets, parseSecret, type Secrets } from '../ground/secrets.ts'
import { makeSecretFile, readSecretFile, secretFile } from './secret-file.ts'
import type { Database } from './tables.ts'

type Input = {
  readonly db: Database
  /** `GATEWRIGHT_SECRET`, newest first; undefined outside production, where one is made and kept. */
  readonly configured: readonly string[] | undefined
  readonly folder: string
  readonly random: Random
}

/** What to write where the database rests on a secret that a process does not hold. */
export const explainMissing = (secretId: string, what: string): string =>
  `the database rests on the secret ${secretId}, which is not here (${what}): add that secret to GATEWRIGHT_SECRET, behind the new one and a comma, or put its file back into the data folder`

/** The secret that a start made and kept. @throws Error that names the file where it holds something else */
const readKept = (folder: string): string | undefined => {
  const kept = readSecretFile(folder)
  if (kept === undefined || parseSecret(kept) !== undefined) return kept
  throw new Error(`${secretFile(folder)} holds no secret (32 bytes in base64url): put the right file back`)
}

/**
 * The secrets that are here before there is a database.
 * @throws Error where there is none
 */
export const openHeldSecrets = ({ configured, folder, random }: Omit<Input, 'db'>): Secrets => {
  const kept = configured === undefined ? readKept(folder) : undefined
  const texts = configured ?? (kept === undefined ? [] : [kept])
  if (texts.length === 0)
    throw new Error(
      `there is no secret: write GATEWRIGHT_SECRET as it was when the backup was made, or put the file secret back into ${folder}`,
    )
  return createSecrets(texts, random)
}

/**
 * The secrets that this process holds. One is made only together with a new database, never over another
 * that was lost. Whether they are those of the database is asked when the process registers.
 */
export const openSecrets = async ({ db, configured, folder, random }: Input): Promise<Secrets> => {
  const kept = configured === undefined ? readKept(folder) : undefined
  const texts = configured ?? (kept === undefined ? [] : [kept])
  if (texts.length > 0) return createSecrets(texts, random)
  const installation = await db.selectFrom('installation').select('secret_id').executeTakeFirst()
  if (installation === undefined) return createSecrets([makeSecretFile(folder, random)], random)
  // A process that started at the same time may have made the file, and then the row, since we looked for it.
  const made = readKept(folder)
  if (made === undefined) throw new Error(explainMissing(installation.secret_id, 'values are made with it'))
  return createSecrets([made], random)
}
