import { type Address, createAddressRanges, parseAddress } from '../ground/address.ts'
import { remembered } from '../ground/remembered.ts'

/** Says where a request comes from: never throws, never empty. */
export type ClientAddress = (peer: string | undefined, rawHeaders: readonly string[]) => string

/**
 * Makes the function that tells a request's client address, for limits, audit and allowed addresses.
 *
 * It takes the address of the connection's other end (`socket.remoteAddress`) and the headers as they
 * arrived (`request.rawHeaders`: name, value, name, value, …), and gives an address in the normal form
 * of {@link parseAddress}.
 *
 * **Safe.** Without trusted proxies the address is the connection's, and no header is looked at. With
 * them, `X-Forwarded-For` is read, all its lines in order, and only if the connection comes from a
 * trusted proxy. Each proxy writes on the right whom it got the request from, so the walk goes from the
 * right over trusted addresses and stops at the first other one: that is what a trusted proxy saw with
 * its own eyes. Everything left of it was said by a stranger and is never read.
 *
 * **Only looks safe.** The left-most element is whatever the client wrote, and so is a count of hops as
 * soon as one proxy can be gone round. `Forwarded`, `X-Real-IP`, `CF-Connecting-IP` and the like pass
 * through proxies that don't know them, as the client wrote them: never read. A trusted range that also
 * holds clients (the whole office, the whole cloud) lets those clients choose their address. A proxy
 * that replaces nothing and adds nothing lets everybody do so: each one must write the header.
 *
 * **How it fails.** Towards the proxy, never towards the stranger. If the element where the walk stops
 * is no address (`unknown`, `_hidden`, nothing between two commas: also where RFC 9110 §5.6.1 would skip
 * it), the address is the last trusted one before it, so that those clients share one limit. If all are
 * trusted it is the left-most, of at most 100. A connection that has no address (already closed, or a
 * Unix socket) is `unknown`, which is in no range.
 *
 * @param trustedProxies addresses and CIDR ranges. Throws a TypeError for anything else.
 *
 *     const findAddress = createClientAddress(['10.0.0.0/8'])
 *     findAddress('10.0.0.1', ['X-Forwarded-For', '6.6.6.6, 192.0.2.7']) // '192.0.2.7'
 *     findAddress('192.0.2.7', ['X-Forwarded-For', '6.6.6.6'])           // '192.0.2.7'
 */
export const createClientAddress = (trustedProxies: readonly string[]): ClientAddress => {
  const isTrusted = createAddressRanges(trustedProxies)
  if (trustedProxies.length === 0) return peer => parsePeer(peer) ?? unknown
  return (peer, rawHeaders) => {
    const address = parsePeer(peer)
    if (address === undefined) return unknown
    return isTrusted(address) ? walk(address, forwardedFor(rawHeaders), isTrusted) : address
  }
}

const unknown = 'unknown'

/** A connection brings many requests. */
const parseKnown = remembered(parseAddress, 10_000)

const parsePeer = (peer: string | undefined): Address | undefined =>
  peer === undefined ? undefined : parseKnown(peer)

const walk = (peer: Address, elements: Iterable<string>, isTrusted: (text: string) => boolean): Address => {
  let lastTrusted = peer
  for (const element of elements) {
    const address = parseAddress(element)
    if (address === undefined) return lastTrusted
    if (!isTrusted(address)) return address
    lastTrusted = address
  }
  return lastTrusted
}

/** No chain of proxies is that long, and a loop of them must not cost more with each round. */
const mostElements = 100

/** The elements of all lines, from the right, as they are asked for: what is left of the stop costs nothing. */
function* forwardedFor(rawHeaders: readonly string[]): Generator<string> {
  let left = mostElements
  for (let at = rawHeaders.length - 2; at >= 0; at -= 2) {
    if (!isForwardedFor(rawHeaders[at])) continue
    for (const element of fromTheRight(rawHeaders[at + 1] ?? '')) {
      if (left-- === 0) return
      yield element
    }
  }
}

/** Whether somebody, believed or not, has written one. */
export const hasForwardedFor = (rawHeaders: readonly string[]): boolean => {
  for (let at = 0; at < rawHeaders.length; at += 2) if (isForwardedFor(rawHeaders[at])) return true
  return false
}

const headerName = 'x-forwarded-for'

const isForwardedFor = (name = ''): boolean =>
  name.length === headerName.length && name.toLowerCase() === headerName

function* fromTheRight(list: string): Generator<string> {
  let end = list.length
  while (end >= 0) {
    const comma = end === 0 ? -1 : list.lastIndexOf(',', end - 1)
    yield withoutSpace(list, comma + 1, end)
    end = comma
  }
}

/** Space and tab only (RFC 9110 §5.6.3): what `trim` takes away besides is no space in a header. */
const withoutSpace = (text: string, start: number, end: number): string => {
  while (start < end && isSpace(text[start])) start += 1
  while (start < end && isSpace(text[end - 1])) end -= 1
  return text.slice(start, end)
}

const isSpace = (character: string | undefined): boolean => character === ' ' || character === '\t'
