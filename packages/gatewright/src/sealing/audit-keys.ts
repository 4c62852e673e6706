import { recordEvent, systemOrigin } from '../audit/record.ts'
import type { Clock } from '../ground/clock.ts'
import { openSigner } from '../ground/ed25519.ts'
import { newId, type Random } from '../ground/random.ts'
import type { Secrets } from '../ground/secrets.ts'
import type { Processes } from '../processes/processes.ts'
import type { Work } from '../storage/transaction.ts'

export type KeyDependencies = {
  readonly clock: Clock
  readonly random: Random
  readonly secrets: Secrets
  readonly processes: Pick<Processes, 'holdSecretInForce'>
}

/** A key that signs checkpoints. */
export type AuditKey = {
  readonly id: string
  readonly publicKey: string
  readonly sign: (text: string) => string
}

const findActive = ({ db }: Work) =>
  db.selectFrom('audit_keys').select(['id', 'private_key']).where('active', '=', 1).executeTakeFirst()

/** One that signs nothing but checkpoints, sealed, and never seen outside. */
const makeKey = async (dependencies: KeyDependencies, work: Work, secretId: string): Promise<AuditKey> => {
  const { clock, random, secrets } = dependencies
  const [id, seed] = [newId(random), random.bytes(32)]
  const { publicKey, sign } = openSigner(seed)
  await work.db
    .insertInto('audit_keys')
    .values({
      id,
      public_key: publicKey,
      private_key: secrets.seal('audit-key', id, seed, secretId),
      active: 1,
      created_at: clock.now(),
      retired_at: null,
    })
    .execute()
  const details = { key: id, public_key: publicKey }
  await recordEvent(dependencies, work, 'audit-key.made', { origin: systemOrigin, details })
  return { id, publicKey, sign }
}

/**
 * The key that signs; the first time, and after a restore, one is made. To be called before a user's row is locked.
 * @throws Error where its secret is not held
 */
export const holdAuditKey = async (dependencies: KeyDependencies, work: Work): Promise<AuditKey> => {
  const open = (found: { readonly id: string; readonly private_key: string }): AuditKey => ({
    id: found.id,
    ...openSigner(dependencies.secrets.open('audit-key', found.id, found.private_key)),
  })
  const found = await findActive(work)
  if (found !== undefined) return open(found)
  // Of two that find none, the later one waits here for the key of the other.
  const secretId = await dependencies.processes.holdSecretInForce(work)
  const made = await findActive(work)
  return made === undefined ? makeKey(dependencies, work, secretId) : open(made)
}

/** The key signs no more, and its private half is erased: whoever has a backup may have it. */
export const retireAuditKey = async ({ clock }: { readonly clock: Clock }, { db }: Work): Promise<void> => {
  await db
    .updateTable('audit_keys')
    .set({ active: null, private_key: '', retired_at: clock.now() })
    .where('active', '=', 1)
    .execute()
}
