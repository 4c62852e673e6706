import { createAddressRanges } from '../ground/address.ts'
import type { AddressTrouble } from '../ground/address-trouble.ts'
import { type Clock, minute } from '../ground/clock.ts'
import { remembered } from '../ground/remembered.ts'
import { hasForwardedFor } from './client-address.ts'

/** Where a request came from, and what the resolver made of it. */
type Seen = {
  readonly peer: string | undefined
  readonly address: string
  readonly rawHeaders: readonly string[]
}

/** See {@link createAddressWatch}. */
export type AddressWatch = {
  readonly note: (seen: Seen) => void
  readonly find: () => AddressTrouble | undefined
}

/** What came within one minute. */
type Minute = {
  number: number
  requests: number
  address: string
  peer: string
  hasOneAddress: boolean
  hasOnePeer: boolean
  /** Requests with an `X-Forwarded-For`, counted while there is one peer. */
  forwarded: number
  /** Requests whose address is a trusted one. */
  ofProxies: number
}

/** The minute that is under way, and five that are over. */
const minutes = 6
/** Fewer say nothing: one person looks round. */
const fewest = 100
/** Addresses of which it is known whether they are trusted. */
const mostKnown = 10_000

const begin = (slot: Minute, number: number): void => {
  Object.assign(slot, { number, requests: 0, address: '', peer: '', forwarded: 0, ofProxies: 0 })
  Object.assign(slot, { hasOneAddress: true, hasOnePeer: true })
}

const count = (slot: Minute, { peer = '', address, rawHeaders }: Seen, isProxy: boolean): void => {
  if (slot.requests === 0) Object.assign(slot, { peer, address })
  slot.requests += 1
  if (slot.address !== address) slot.hasOneAddress = false
  if (slot.peer !== peer) slot.hasOnePeer = false
  if (slot.hasOnePeer && hasForwardedFor(rawHeaders)) slot.forwarded += 1
  if (isProxy) slot.ofProxies += 1
}

const sum = (slots: readonly Minute[], of: (slot: Minute) => number): number =>
  slots.reduce((all, slot) => all + of(slot), 0)

const areOne = (slots: readonly Minute[], of: (slot: Minute) => string | undefined): boolean =>
  of(slots[0] as Minute) !== undefined && new Set(slots.map(of)).size === 1

/**
 * Looks at where requests come from, and finds a list of trusted proxies that can't be right. It refuses
 * nothing and is told to people only: one caller can look like a proxy. It keeps six minutes of counts and
 * no address longer; a request costs it no query and no object.
 */
export const createAddressWatch = (
  { clock }: { readonly clock: Clock },
  trustedProxies: readonly string[],
): AddressWatch => {
  const isTrusted = remembered(createAddressRanges(trustedProxies), mostKnown)
  const ring = Array.from({ length: minutes }, (): Minute => {
    const slot = {} as Minute
    begin(slot, Number.NEGATIVE_INFINITY)
    return slot
  })
  const numberNow = (): number => Math.floor(clock.monotonic() / minute)

  const isProxy = (address: string): boolean => trustedProxies.length > 0 && isTrusted(address)

  return {
    note: seen => {
      const number = numberNow()
      const slot = ring[number % minutes] as Minute
      if (slot.number !== number) begin(slot, number)
      count(slot, seen, isProxy(seen.address))
    },
    find: () => {
      const now = numberNow()
      const slots = ring.filter(({ number, requests }) => now - number < minutes && requests > 0)
      const requests = sum(slots, slot => slot.requests)
      if (requests < fewest) return undefined
      const hasOnePeer = areOne(slots, ({ hasOnePeer: one, peer }) => (one ? peer : undefined))
      const [{ peer }] = slots as [Minute]
      if (hasOnePeer && !isTrusted(peer) && sum(slots, slot => slot.forwarded) === requests)
        return 'unlisted-proxy'
      if (sum(slots, slot => slot.ofProxies) > requests / 2) return 'only-proxies'
      const hasOneAddress = areOne(slots, ({ hasOneAddress: one, address }) => (one ? address : undefined))
      return hasOneAddress && trustedProxies.length > 0 ? 'one-address' : undefined
    },
  }
}
