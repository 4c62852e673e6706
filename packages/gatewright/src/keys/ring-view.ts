import type { JWK } from 'jose'
import type { SigningKeyRow } from '../storage/tables.ts'
import { openKey, type SigningKey } from './signing-keys.ts'
import type { RingDependencies } from './turn-ring.ts'

/** Opens keys, each once as long as its row says the same. */
const createOpener = ({ secrets }: RingDependencies) => {
  const opened = new Map<string, { readonly sealed: string; readonly key: SigningKey }>()
  return {
    open: async (row: SigningKeyRow): Promise<SigningKey> => {
      const known = opened.get(row.kid)
      if (known?.sealed === row.private_key && known.key.algorithm === row.algorithm) return known.key
      const key = await openKey(secrets, row)
      opened.set(row.kid, { sealed: row.private_key, key })
      return key
    },
    forget: (kid: string): void => void opened.delete(kid),
  }
}

export type RingLog = {
  readonly error: (fields: Readonly<Record<string, unknown>>, message: string) => void
}

/** The keys that can't be opened here and do not sign: each is told once, whenever somebody listens. */
const createLeftOut = () => {
  const faults = new Map<string, unknown>()
  let log: RingLog | undefined
  const say = (err: unknown, kid: string): void =>
    log?.error(
      { err, kid },
      `a signing key can't be opened and is left out, so no token of it is taken here: restart with the GATEWRIGHT_SECRET of before, or write: gatewright key revoke ${kid}`,
    )
  return {
    add: (kid: string, fault: unknown): void => {
      if (!faults.has(kid)) say(fault, kid)
      faults.set(kid, fault)
    },
    remove: (kid: string): void => void faults.delete(kid),
    tell: (logger: RingLog): void => {
      log = logger
      faults.forEach(say)
    },
  }
}

type Keys = ReadonlyMap<string, SigningKey>

/** What a process knows of the ring, and who is told when a key is no longer there. */
export const createRingView = (dependencies: RingDependencies) => {
  const { open, forget } = createOpener(dependencies)
  const leftOut = createLeftOut()
  const listeners = [forget]
  const dropped = new Set<string>()
  let keys: Keys = new Map()
  let active: SigningKey | undefined
  let shown: readonly JWK[] = []

  const openOrLeaveOut = async (row: SigningKeyRow): Promise<SigningKey | undefined> => {
    try {
      const key = await open(row)
      leftOut.remove(row.kid)
      return key
    } catch (error) {
      // Without the one that signs there is nothing to go on with.
      if (row.state === 'active') throw error
      leftOut.add(row.kid, error)
      return undefined
    }
  }

  const show = (next: Keys, signs: string | undefined): void => {
    const gone = [...keys.keys()].filter(kid => !next.has(kid))
    if (gone.length > 0 || next.size !== keys.size)
      shown = Object.freeze([...next.values()].flatMap(({ publicJwk }) => publicJwk ?? []))
    keys = next
    active = signs === undefined ? undefined : keys.get(signs)
    for (const kid of gone) for (const listener of listeners) listener(kid)
  }
  return {
    find: (kid: string) => keys.get(kid),
    getActive: () => active,
    listPublic: () => shown,
    onRemoved: (listener: (kid: string) => void) => void listeners.push(listener),
    tell: leftOut.tell,
    /** @param whole every key must be one that can be opened */
    adopt: async (rows: readonly SigningKeyRow[], whole: boolean): Promise<void> => {
      const opened = await Promise.all(rows.map(whole ? open : openOrLeaveOut))
      // What was revoked since the rows were read stays out.
      const live = opened.flatMap(key => (key === undefined || dropped.has(key.kid) ? [] : key))
      show(new Map(live.map(key => [key.kid, key])), rows.find(({ state }) => state === 'active')?.kid)
    },
    drop: (kid: string): void => {
      dropped.add(kid)
      show(new Map([...keys].filter(([id]) => id !== kid)), active?.kid)
    },
  }
}

export type RingView = ReturnType<typeof createRingView>
