import type { Clock } from '../ground/clock.ts'
import { Refusal } from '../ground/refusal.ts'
import type { RoleTable } from './roles.ts'

/**
 * The role table of a process, as it is at the moment of use: nobody copies it. `roles` is another map each time the
 * table was read again, by which it can be told whether what was made from it is old.
 */
export type LiveRoleTable = RoleTable & {
  /**
   * Resolves (or is undefined at once) when nothing is known to be newer than what stands here.
   * @throws Refusal `unavailable` where it can't be read again
   */
  readonly ensureRead: () => Promise<void> | undefined
  /** What stands here is old: whoever decides waits until it was read again. */
  readonly reread: () => void
  /** A route asks for this role: whoever gets it gets in there, whatever it allows. */
  readonly noteNamed: (role: string) => void
}

type Dependencies = {
  /** Reads it from the database. */
  readonly read: () => Promise<RoleTable>
  readonly clock: Pick<Clock, 'sleep'>
}

/** How long one request waits for it. */
const longestWait = 500

/** @param first as it was read at the start */
export const createLiveRoles = ({ read, clock }: Dependencies, first: RoleTable): LiveRoleTable => {
  let current = first
  /** How often it was said that what stands here is old, and how often of these it was read since. */
  let asked = 0
  let done = 0
  let reading: Promise<void> | undefined
  const named = new Set(first.named)

  /** A read that began before it was asked for once more may have seen nothing of it. */
  const readAll = async (): Promise<void> => {
    try {
      while (done !== asked) {
        const begun = asked
        current = await read()
        done = begun
      }
    } finally {
      reading = undefined
    }
  }
  const readAgain = (): Promise<void> => {
    reading ??= Promise.resolve().then(readAll)
    return reading
  }
  const waitUntilRead = async (): Promise<void> => {
    await Promise.race([readAgain().catch(() => {}), clock.sleep(longestWait)])
    if (done !== asked) throw new Refusal('unavailable', { reason: 'roles_unread', retryAfter: 1 })
  }

  return {
    get permissions() {
      return current.permissions
    },
    get roles() {
      return current.roles
    },
    get administrative() {
      return current.administrative
    },
    get made() {
      return current.made
    },
    get undeclared() {
      return current.undeclared
    },
    named,
    noteNamed: role => void named.add(role),
    ensureRead: () => (done === asked ? undefined : waitUntilRead()),
    reread: () => {
      asked += 1
      // Nobody may ask for long who waits for it; whoever does asks once more where this fails.
      readAgain().catch(() => {})
    },
  }
}
