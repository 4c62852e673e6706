import { isIPv4, isIPv6 } from 'node:net'
import ipaddr from 'ipaddr.js'
import { remembered } from './remembered.ts'

declare const address: unique symbol

/**
 * An IP address in its one normal form, so that equal addresses are equal texts: IPv4 with dots, IPv6 as
 * RFC 5952 writes it (lower case, compressed), no zone, no port, never IPv4 inside IPv6. Made by
 * {@link parseAddress} only.
 */
export type Address = string & { readonly [address]: true }

type Ip = ipaddr.IPv4 | ipaddr.IPv6

/**
 * The address in a text, or undefined if there is none. Zones and ports are cut off, and IPv4 mapped into
 * IPv6 (RFC 4291 §2.5.5.2) becomes IPv4, so that no address has two names. The syntax is that of
 * `node:net`, which is strict: `127.1`, `0177.0.0.1` and `0x7f.1` mean 127.0.0.1 to some programs and
 * something else to others, so here they mean nothing.
 *
 *     parseAddress('192.0.2.1:443')            // '192.0.2.1'
 *     parseAddress('[2001:DB8:0::1%eth0]:443') // '2001:db8::1'
 *     parseAddress('::ffff:192.0.2.1')         // '192.0.2.1'
 */
export const parseAddress = (text: string): Address | undefined =>
  plainVersion4(text) ?? (toIp(text)?.toString() as Address | undefined)

/** The two spellings in which Node.js gives most peers. Strict IPv4 has one form only: the normal one. */
const plainVersion4 = (text: string): Address | undefined => {
  const bare = text.startsWith('::ffff:') ? text.slice(7) : text
  return isIPv4(bare) ? (bare as Address) : undefined
}

type Groups = { readonly group: string; readonly network: string | undefined }

/** The range of all addresses that begin with the same parts of 16 bits. What is left is the longest run of zeros. */
const toRange = (parts: readonly string[]): string =>
  `${parts.slice(0, parts.findLastIndex(part => part !== '0') + 1).join(':')}::/${16 * parts.length}`

const toBeginning = (ip: ipaddr.IPv6, count: number): string =>
  toRange(ip.parts.slice(0, count).map(part => part.toString(16)))

const toGroups = (text: string): Groups => {
  const ip = toIp(text)
  if (ip === undefined) return { group: text, network: undefined }
  if (!isVersion6(ip)) return { group: ip.toString(), network: undefined }
  return { group: toBeginning(ip, 4), network: toBeginning(ip, 3) }
}

/** Every request asks for these, and the arithmetic takes ten times as long as all that is done with them. */
const groupsOf = remembered(text => toGroups(text), 20_000)

/**
 * The group that is counted and limited as one: an IPv4 address alone, of IPv6 the /64, because whoever
 * holds one address of it holds all 2^64. A text that is no address is a group of its own.
 *
 *     addressGroup('2001:db8:1:2:3::4') // '2001:db8:1:2::/64'
 */
export const addressGroup = (text: string): string => plainVersion4(text) ?? groupsOf(text).group

/**
 * The network of an IPv6 address that is limited as one, beside its group: the /48, which is what one
 * customer has at most as a rule. Undefined for anything else.
 *
 *     addressNetwork('2001:db8:1:2:3::4') // '2001:db8:1::/48'
 */
export const addressNetwork = (text: string): string | undefined =>
  text.includes(':') ? groupsOf(text).network : undefined

/** Whether this is 127.0.0.0/8 or ::1. What is no address is not loopback. */
export const isLoopback = (text: string): boolean => toIp(text)?.range() === 'loopback'

/**
 * Whether this is an address of the public internet, and nothing that is private, of this machine, of this link, or
 * kept for something else. Of IPv6 only what is given out at all (2000::/3): what hides an IPv4 address lies outside,
 * or has a name of its own.
 */
export const isPublicAddress = (text: string): boolean => {
  const ip = toIp(text)
  return ip?.range() === 'unicast' && (!isVersion6(ip) || isInside(ip, givenOut))
}

/** A range of addresses: its first address and how many leading bits all of them share. */
export type AddressRange = readonly [Ip, bits: number]

/**
 * A single address, or a range in CIDR form (RFC 4632 §3.1, RFC 4291 §2.3), or undefined. No zones, no
 * ports, and nothing behind the prefix: whoever writes `10.1.2.3/8` may mean one machine or 16 million,
 * and guessing would trust too many. Ranges of mapped IPv4 are ranges of IPv4.
 *
 *     parseAddressRange('10.0.0.0/8')
 *     parseAddressRange('2001:db8::1')
 */
export const parseAddressRange = (text: string): AddressRange | undefined => {
  const [, bare = '', prefix] = /^([\d.:a-f]+)(?:\/(0|[1-9]\d{0,2}))?$/i.exec(text) ?? []
  const ip = isIPv4(bare) || isIPv6(bare) ? toIp(bare) : undefined
  if (ip === undefined) return undefined
  const size = isVersion6(ip) ? 128 : 32
  const mapped = isIPv6(bare) && size === 32 ? 96 : 0
  const bits = prefix === undefined ? size : Number(prefix) - mapped
  return bits >= 0 && bits <= size && startsRange(ip, bits) ? [ip, bits] : undefined
}

/**
 * Makes the question "is this address in one of these ranges?". The list is read once, here.
 * IPv6 ranges hold no IPv4 addresses: `::/0` is every IPv6 address and nothing else. What is no address
 * is in no range.
 *
 * @throws TypeError naming the first entry that {@link parseAddressRange} does not take.
 *
 *     const isOffice = createAddressRanges(['192.0.2.0/24', '2001:db8::/32'])
 *     isOffice('192.0.2.7') // true
 */
export const createAddressRanges = (list: readonly string[]): ((text: string) => boolean) => {
  const ranges = list.map(getAddressRange)
  return text => {
    const ip = toIp(text)
    return ip !== undefined && ranges.some(range => isInside(ip, range))
  }
}

const getAddressRange = (text: string): AddressRange => {
  const range = parseAddressRange(text)
  if (range) return range
  throw new TypeError(`${JSON.stringify(text)} is neither an IP address nor a range such as 10.0.0.0/8`)
}

/** RFC 4291 §2.4, as IANA gives it out. */
const givenOut: AddressRange = [ipaddr.IPv6.parse('2000::'), 3]

const isVersion6 = (ip: Ip): ip is ipaddr.IPv6 => ip.kind() === 'ipv6'

const isInside = (ip: Ip, [first, bits]: AddressRange): boolean =>
  ip.kind() === first.kind() && ip.match(first, bits)

const startsRange = (ip: Ip, bits: number): boolean =>
  ip.toByteArray().every((byte, at) => (byte & (0xff >> Math.min(8, Math.max(0, bits - 8 * at)))) === 0)

/** With its zone: 45 characters of address, a bracket pair, a port, and room for a name of an interface. */
const longestText = 100

const toIp = (text: string): Ip | undefined => {
  if (text.length > longestText) return undefined
  const bare = withoutPort(text)
  const version4 = plainVersion4(bare)
  if (version4 !== undefined) return new ipaddr.IPv4(version4.split('.').map(Number))
  return isIPv6(bare) ? toIpVersion6(bare) : undefined
}

const toIpVersion6 = (text: string): Ip => {
  const ip = ipaddr.IPv6.parse(withoutDots(text.replace(/%.*/, '')))
  return ip.isIPv4MappedAddress() ? ip.toIPv4Address() : ip
}

/** ipaddr.js takes `::127.0.0.1` for the mapped `::ffff:127.0.0.1`. In hexadecimal there is no doubt. */
const withoutDots = (text: string): string =>
  text.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...bytes) => {
    const [a, b, c, d] = bytes.map(Number) as [number, number, number, number]
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
  })

/** `1.2.3.4:80`, `[::1]:80` and `[::1]`. A bare IPv6 address has no port: its last group would look like one. */
const withoutPort = (text: string): string => {
  const [, version6, version4, port = '0'] =
    /^(?:\[([^\]]*:[^\]]*)\]|([\d.]+)(?=:))(?::(\d{1,5}))?$/.exec(text) ?? []
  return Number(port) > 65_535 ? '' : (version6 ?? version4 ?? text)
}
