import { type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose'
import { recordEvent, systemOrigin } from '../audit/record.ts'
import type { Clock } from '../ground/clock.ts'
import { newId, type Random } from '../ground/random.ts'
import type { Secrets } from '../ground/secrets.ts'
import type { Processes } from '../processes/processes.ts'
import type { Database, SigningKeyRow } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'

/** One key, one algorithm: a token is never verified by another algorithm than its key's. */
export type SigningKey = {
  readonly kid: string
  readonly algorithm: string
  readonly publicKey: CryptoKey
  readonly privateKey: CryptoKey
}

export type KeyRing = {
  /** The key that signs. */
  readonly active: SigningKey
  /** The key of that id, or undefined: an unknown `kid` is never guessed at. */
  readonly find: (kid: string) => SigningKey | undefined
}

const algorithm = 'ES256'

type Dependencies = {
  readonly db: Database
  readonly secrets: Secrets
  readonly processes: Pick<Processes, 'holdSecretInForce'>
  readonly clock: Clock
  readonly random: Random
}

const importKey = async (jwk: JWK): Promise<CryptoKey> => {
  const key = await importJWK(jwk, algorithm)
  if (key instanceof Uint8Array) throw new TypeError('a signing key must be asymmetric')
  return key
}

/**
 * Both halves come out of the sealed one: what stands beside it in the table is not sealed, and a key
 * planted there would verify the forger's tokens.
 */
const toSigningKey = async (secrets: Secrets, row: SigningKeyRow): Promise<SigningKey> => {
  const privateJwk = JSON.parse(secrets.open('signing-key', row.kid, row.private_key).toString()) as JWK
  const { d: _, ...publicJwk } = privateJwk
  return {
    kid: row.kid,
    algorithm: row.algorithm,
    publicKey: await importKey(publicJwk),
    privateKey: await importKey(privateJwk),
  }
}

const makeKeyRow = async (
  { secrets, clock, random }: Dependencies,
  secretId: string,
): Promise<SigningKeyRow> => {
  const pair = await generateKeyPair(algorithm, { extractable: true })
  const kid = newId(random)
  const privateJwk = Buffer.from(JSON.stringify(await exportJWK(pair.privateKey)))
  return {
    kid,
    algorithm,
    state: 'active',
    public_key: JSON.stringify(await exportJWK(pair.publicKey)),
    private_key: secrets.seal('signing-key', kid, privateJwk, secretId),
    created_at: clock.now(),
  }
}

/** Of several processes that start at once on an empty database, one makes the key and all use it. */
const ensureActiveKey = async (dependencies: Dependencies): Promise<readonly SigningKeyRow[]> => {
  const list = (db: Database) =>
    db.selectFrom('signing_keys').selectAll().orderBy('created_at', 'desc').execute()
  const present = await list(dependencies.db)
  if (present.length > 0) return present
  return inTransaction(dependencies.db, async work => {
    const secretId = await dependencies.processes.holdSecretInForce(work)
    const rows = await list(work.db)
    if (rows.length > 0) return rows
    const made = await makeKeyRow(dependencies, secretId)
    await work.db.insertInto('signing_keys').values(made).execute()
    await recordEvent(dependencies, work, 'signing-key.made', {
      origin: systemOrigin,
      details: { kid: made.kid },
    })
    return [made]
  })
}

/** Opens the keys of the database, making the first one where there is none. */
export const openKeyRing = async (dependencies: Dependencies): Promise<KeyRing> => {
  const rows = await ensureActiveKey(dependencies)
  const keys = await Promise.all(rows.map(row => toSigningKey(dependencies.secrets, row)))
  const byId = new Map(keys.map(key => [key.kid, key]))
  const active = keys[0]
  if (active === undefined) throw new Error('there is no signing key')
  return { active, find: kid => byId.get(kid) }
}
