import { availableParallelism } from 'node:os'
import * as argon2 from '@node-rs/argon2'
import { createBoundedQueue, type QueueCaller } from '../ground/bounded-queue.ts'
import { type Random, systemRandom } from '../ground/random.ts'
import type { Password } from './password.ts'

declare const passwordHash: unique symbol

/** A stored password: a PHC string of Argon2id (RFC 9106). It is never shown to anyone. */
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
  /** Whether the hash is weaker than one made today: hash the password again once it was verified. */
  readonly needsRehash: (stored: PasswordHash) => boolean
  /** Hash computations begun so far. */
  readonly count: () => number
  /** Callers in the queue. */
  readonly waiting: () => number
}

/** See {@link createPasswordHasher}. */
export type PasswordHasherOptions = {
  /** Hashes computed at once; see {@link hashingThreads}. */
  readonly threads?: number
  /** Callers that may wait; one more is refused. */
  readonly maxWaiting?: number
  /** Where salts come from. */
  readonly random?: Random
}

/**
 * How many threads of Node.js' shared pool hashing may take: two are left to everything else. With
 * all of them hashing, checking a token's signature waits a hundred times longer.
 *
 * @param poolSize `UV_THREADPOOL_SIZE`.
 */
export const hashingThreads = (poolSize = 4, cores = availableParallelism()): number =>
  Math.max(1, Math.min(cores, poolSize) - 2)

/** Of the waiting places, the part that strangers leave to known callers. */
const keptPart = 1 / 4

/** Today's parameters and the most that a stored hash may ask for; `m` in KiB. */
const parameters = {
  m: { today: 19_456, most: 262_144 },
  t: { today: 2, most: 16 },
  p: { today: 1, most: 4 },
} as const

const today: argon2.Options = {
  memoryCost: parameters.m.today,
  timeCost: parameters.t.today,
  parallelism: parameters.p.today,
}

const saltBytes = 16
const outputBytes = 32

/**
 * Password hashing (Argon2id, 19 MiB, 2 passes, 1 lane) in a bounded queue.
 *
 * At most `threads` hashes run, at most `maxWaiting` callers wait, fairly by group and with places kept
 * for the known (`createBoundedQueue`). Beyond that `hash` and `verify` refuse with `unavailable`
 * (`hashing_queue_full`) before any work, so that a flood of sign-ins takes neither the memory nor the
 * threads of the rest. A stored hash is not trusted to be ours: what it asks for is bounded, so that a
 * planted one can't eat memory or time.
 *
 *     const hasher = createPasswordHasher()
 *     const stored = await hasher.hash(parsePassword('correct horse battery staple'))
 *     await hasher.verify(parsePassword('wrong'), stored) // false
 */
export const createPasswordHasher = (options: PasswordHasherOptions = {}): PasswordHasher => {
  const { threads = hashingThreads(), maxWaiting = 64, random = systemRandom } = options
  const kept = Math.floor(maxWaiting * keptPart)
  const queue = createBoundedQueue({ atOnce: threads, maxWaiting, kept, reason: 'hashing_queue_full' })
  const nobodys = dummyHash(random)
  return {
    hash: (password, caller) =>
      queue.run(async () => {
        const salt = random.bytes(saltBytes)
        return (await argon2.hash(password, { ...today, outputLen: outputBytes, salt })) as PasswordHash
      }, caller),
    verify: (password, stored, caller) => {
      const readable = stored === undefined ? undefined : parseHash(stored)
      return queue.run(async () => {
        const same = await argon2.verify(readable?.text ?? nobodys, password)
        return same && readable !== undefined
      }, caller)
    },
    check: queue.check,
    needsRehash: stored => {
      const costs = parseHash(stored)?.costs
      return costs === undefined || parameterNames.some(name => costs[name] < parameters[name].today)
    },
    count: queue.count,
    waiting: queue.waiting,
  }
}

type ParameterName = keyof typeof parameters
type Costs = Readonly<Record<ParameterName, number>>

const parameterNames = Object.keys(parameters) as ParameterName[]

/** Of the same shape and cost as a real hash, and of no password: its output is random. */
const dummyHash = (random: Random): string =>
  toText(
    { m: parameters.m.today, t: parameters.t.today, p: parameters.p.today },
    toBase64(random.bytes(saltBytes)),
    toBase64(random.bytes(outputBytes)),
  )

const toText = ({ m, t, p }: Costs, salt: string, output: string): string =>
  `$argon2id$v=19$m=${m},t=${t},p=${p}$${salt}$${output}`

const toBase64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replace(/=+$/, '')

const phc = /^\$argon2id\$v=19\$([mtp=,\d]{1,40})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/

/** The hash in the one spelling that the library surely reads, and its costs; undefined if it can't be used. */
const parseHash = (stored: string): { readonly text: string; readonly costs: Costs } | undefined => {
  const [, list = '', salt = '', output = ''] = phc.exec(stored) ?? []
  const costs = parseCosts(list)
  if (costs === undefined || !isBase64(salt) || !isBase64(output)) return undefined
  return { text: toText(costs, salt, output), costs }
}

const parseCosts = (list: string): Costs | undefined => {
  const given = list.split(',').map(part => /^([mtp])=([1-9]\d{0,6})$/.exec(part))
  const find = (name: ParameterName): number => Number(given.find(part => part?.[1] === name)?.[2] ?? 0)
  const costs = { m: find('m'), t: find('t'), p: find('p') }
  const bounded = parameterNames.every(name => costs[name] >= 1 && costs[name] <= parameters[name].most)
  // RFC 9106 §3.1: at least 8 KiB a lane.
  return given.length === parameterNames.length && bounded && costs.m >= 8 * costs.p ? costs : undefined
}

const isBase64 = (text: string): boolean => toBase64(Buffer.from(text, 'base64')) === text
