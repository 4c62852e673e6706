import type { Database } from '../storage/tables.ts'

/** The issuers that are blocked, read once and then from memory until somebody says that there is news. */
export type BlockedIssuers = {
  readonly has: (issuer: string) => boolean | Promise<boolean>
  /** A read that began before this is kept by nobody. */
  readonly forget: () => void
}

const readBlocked = async (db: Database): Promise<ReadonlySet<string>> => {
  const rows = await db.selectFrom('blocked_issuers').select('issuer').execute()
  return new Set(rows.map(({ issuer }) => issuer))
}

export const createBlockedIssuers = (db: Database): BlockedIssuers => {
  type Held = { readonly reading: Promise<ReadonlySet<string>>; blocked?: ReadonlySet<string> }
  let held: Held | undefined

  const readAnew = (): Held => {
    const now: Held = { reading: readBlocked(db) }
    held = now
    now.reading.then(
      blocked => {
        now.blocked = blocked
      },
      () => {
        // The next request asks again; whoever waits for this one hears that it failed.
        if (held === now) held = undefined
      },
    )
    return now
  }

  return {
    has: issuer => {
      const { blocked, reading } = held ?? readAnew()
      return blocked === undefined ? reading.then(found => found.has(issuer)) : blocked.has(issuer)
    },
    forget: () => {
      held = undefined
    },
  }
}
