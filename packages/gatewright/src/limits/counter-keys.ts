import { addressGroup, addressNetwork } from '../ground/address.ts'
import { sha256 } from '../ground/encoding.ts'
import type { LimitBy } from './table.ts'

/**
 * Who the caller is, as far as it is known. Addresses are given whole. `address+username` is made by
 * {@link addressAndUsername}.
 */
export type LimitKeys = { readonly [by in LimitBy]?: string | undefined }

/** The key of a row by address and username. The username comes in the one spelling that look-ups use. */
export const addressAndUsername = (address: string, username: string): string => `${address} ${username}`

/** Undefined where the text is in no such group. */
type Group = (address: string) => string | undefined

const grouped = (group: Group) => (text: string) => group(text)

const groupedWithUsername = (group: Group) => (text: string) => {
  const space = text.indexOf(' ')
  if (space === -1) throw new TypeError('address+username must come from addressAndUsername')
  const name = group(text.slice(0, space))
  return name === undefined ? undefined : name + text.slice(space)
}

const asItIs = (text: string): string => text

type ToKey = (text: string) => string | undefined

/** How each kind of key is counted. Addresses are grouped here, so that no caller can forget it. */
const counterKeys = {
  address: grouped(addressGroup),
  anonymous: grouped(addressGroup),
  user: asItIs,
  session: asItIs,
  device: asItIs,
  'address+username': groupedWithUsername(addressGroup),
  recipient: asItIs,
  'api-key': asItIs,
  'key-owner': asItIs,
} as const satisfies Record<LimitBy, ToKey>

export const isLimitBy = (text: string): text is LimitBy => Object.hasOwn(counterKeys, text)

/** The same for what several groups share: the /48 of an IPv6 address. */
const networkKeys: { readonly [by in LimitBy]?: ToKey } = {
  address: grouped(addressNetwork),
  anonymous: grouped(addressNetwork),
  'address+username': groupedWithUsername(addressNetwork),
}

/** Whether what the row counts has a network round it. */
export const hasNetwork = (by: LimitBy): boolean => networkKeys[by] !== undefined

const longestKey = 64

/** A username in a request may be as long as the body: what is kept of a key is bounded as well. */
const bounded = (key: string | undefined): string | undefined =>
  key !== undefined && key.length > longestKey ? sha256(key) : key

/** What a row counts by, of its text in {@link LimitKeys}; undefined where the row does not count that. */
export const toCounterKey = (by: LimitBy, isNetwork: boolean, text: string): string | undefined =>
  bounded((isNetwork ? networkKeys[by] : counterKeys[by])?.(text))
