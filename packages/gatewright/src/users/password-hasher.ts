import { createBoundedQueue, type QueueCaller } from '../ground/bounded-queue.ts'
import { type Random, systemRandom } from '../ground/random.ts'
import { dummyHash, newSalt } from './argon2-hash.ts'
import { readHash } from './hash-formats.ts'
import { hashInThread, hashingThreads } from './hashing-threads.ts'
import type { Password } from './password.ts'

declare const passwordHash: unique symbol

/**
 * A stored password: a PHC string of Argon2id (RFC 9106), or what another program made (`hash-formats.ts`). It
 * is never shown to anyone.
 */
export type PasswordHash = string & { readonly [passwordHash]: true }

/** See {@link createPasswordHasher}. */
export type PasswordHasher = {
  readonly hash: (password: Password, caller?: QueueCaller) => Promise<PasswordHash>
  /**
   * Whether this is the password of that hash. `undefined` (no such user, a user without a password)
   * and a hash that can't be read or whose parameters are out of bounds are false, at the price of a
   * hash by today's parameters: what a wrong password costs.
   */
  readonly verify: (
    password: Password,
    stored: PasswordHash | undefined,
    caller?: QueueCaller,
  ) => Promise<boolean>
  /** Refuses as `hash` and `verify` would now: for what comes before and costs something as well. */
  readonly check: (caller: QueueCaller) => void
  /** Whether the hash is weaker than one made today: hash this password again once it was verified. */
  readonly needsRehash: (stored: PasswordHash, password: Password) => boolean
  /** Hash computations begun so far. */
  readonly count: () => number
  /** Callers in the queue. */
  readonly waiting: () => number
  /** Hashes at work. */
  readonly running: () => number
  /** Callers who found no place so far. */
  readonly refused: () => number
}

/** See {@link createPasswordHasher}. */
export type PasswordHasherOptions = {
  /** Hashes computed at once; see {@link hashingThreads}. */
  readonly threads?: number
  /** Hashes that lie ready for the threads, so that none of them waits for the main one; as many, without a word. */
  readonly ahead?: number
  /** Callers that may wait; one more is refused. */
  readonly maxWaiting?: number
  /** Where salts come from. */
  readonly random?: Random
}

/** Of the waiting places, the part that strangers leave to known callers. */
const keptPart = 1 / 4

/**
 * Password hashing (Argon2id, 19 MiB, 2 passes, 1 lane) in a bounded queue.
 *
 * At most `threads` hashes run, in threads of their own (`hashing-threads.ts`), and `ahead` lie ready for them; at
 * most `maxWaiting` callers wait, fairly by group and with places kept for the known (`createBoundedQueue`). Beyond that `hash` and `verify` refuse with `unavailable`
 * (`hashing_queue_full`) before any work, so that a flood of sign-ins takes neither the memory nor the
 * threads of the rest. A stored hash is not trusted to be ours: what it asks for is bounded, so that a
 * planted one can't eat memory or time. Hashes of other programs verify by the formats of
 * `hash-formats.ts`, in the same queue.
 *
 *     const hasher = createPasswordHasher()
 *     const stored = await hasher.hash(parsePassword('correct horse battery staple'))
 *     await hasher.verify(parsePassword('wrong'), stored) // false
 */
export const createPasswordHasher = (options: PasswordHasherOptions = {}): PasswordHasher => {
  const { threads = hashingThreads(), ahead = threads, maxWaiting = 64, random = systemRandom } = options
  const kept = Math.floor(maxWaiting * keptPart)
  const queue = createBoundedQueue({
    atOnce: threads + ahead,
    maxWaiting,
    kept,
    reason: 'hashing_queue_full',
  })
  const nobodys = dummyHash(random)
  return {
    hash: (password, caller) =>
      queue.run(
        async () => (await hashInThread({ password, salt: newSalt(random) }, threads)) as PasswordHash,
        caller,
      ),
    verify: (password, stored, caller) => {
      const isRead = stored !== undefined && readHash(stored) !== undefined
      const task = { password, stored: isRead ? stored : nobodys }
      return queue.run(async () => (await hashInThread(task, threads)) === true && isRead, caller)
    },
    check: queue.check,
    needsRehash: (stored, password) => readHash(stored)?.needsRehash(password) ?? true,
    count: queue.count,
    waiting: queue.waiting,
    running: queue.running,
    refused: queue.refused,
  }
}
