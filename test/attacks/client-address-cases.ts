/** One row: a peer and what it sends, and the address that this comes from. */
export type AddressCase = {
  readonly title: string
  /** The address of the connection; the trusted proxy's without a word. */
  readonly peer?: string
  /** Header lines in order: a text is a line of X-Forwarded-For. */
  readonly lines: readonly (string | readonly [name: string, value: string])[]
  readonly address: string
}

/** With loopback in it, so that the rows can be sent over real connections. */
export const trustedProxies: readonly string[] = ['127.0.0.1', '::1', '10.0.0.0/8', '2001:db8::/32']
/** A peer that is trusted, and one that is not. */
export const proxy = '127.0.0.1'
export const stranger = '127.0.0.2'
export const client = '192.0.2.7'
export const spoofed = '6.6.6.6'

const spoofing: readonly AddressCase[] = [
  { title: 'a stranger names another address', peer: stranger, lines: [spoofed], address: stranger },
  { title: 'a stranger names a trusted proxy', peer: stranger, lines: [proxy], address: stranger },
  { title: 'a stranger names loopback', peer: stranger, lines: ['127.0.0.1'], address: stranger },
  {
    title: 'a stranger sends a whole chain',
    peer: stranger,
    lines: [`${spoofed}, 10.0.0.3, ${proxy}`],
    address: stranger,
  },
  {
    title: 'a stranger sends several lines',
    peer: stranger,
    lines: [spoofed, proxy, proxy],
    address: stranger,
  },
  {
    title: 'a stranger on IPv6 names another address',
    peer: '2001:db9::1',
    lines: [spoofed],
    address: '2001:db9::1',
  },
  {
    title: 'a stranger whose address only begins like a proxy',
    peer: '127.0.0.11',
    lines: [spoofed],
    address: '127.0.0.11',
  },
  {
    title: 'a stranger on ::10.0.0.1, which is not 10.0.0.1',
    peer: '::10.0.0.1',
    lines: [spoofed],
    address: '::a00:1',
  },
  {
    title: 'a client writes the header before the proxy adds to it',
    lines: [`${spoofed}, ${client}`],
    address: client,
  },
  {
    title: 'a client claims to be the proxy before it',
    lines: [`${spoofed}, ${proxy}, ${client}`],
    address: client,
  },
  {
    title: 'a client claims trusted addresses on both sides',
    lines: [`${proxy}, ${spoofed}, ${proxy}, ${client}, ${proxy}`],
    address: client,
  },
  {
    title: 'a client sends its own line before that of the proxy',
    lines: [spoofed, client],
    address: client,
  },
  { title: 'a client sends a trusted address in its own line', lines: [proxy, client], address: client },
  {
    title: 'a client sends rubbish before the proxy adds to it',
    lines: [`", ;=[, ${client}`],
    address: client,
  },
  { title: 'a client sends loopback through the proxy', lines: [`127.0.0.1, ${client}`], address: client },
]

const neverRead: readonly AddressCase[] = [
  { title: 'Forwarded', lines: [['Forwarded', `for=${spoofed}`]], address: proxy },
  { title: 'Forwarded beside the header', lines: [['Forwarded', `for=${spoofed}`], client], address: client },
  { title: 'X-Real-IP', lines: [['X-Real-IP', spoofed]], address: proxy },
  { title: 'X-Real-IP beside the header', lines: [client, ['X-Real-IP', spoofed]], address: client },
  { title: 'CF-Connecting-IP', lines: [['CF-Connecting-IP', spoofed]], address: proxy },
  { title: 'True-Client-IP', lines: [['True-Client-IP', spoofed]], address: proxy },
  { title: 'X-Client-IP', lines: [['X-Client-IP', spoofed]], address: proxy },
  { title: 'X-Forwarded-For with an underscore', lines: [['X_Forwarded_For', spoofed]], address: proxy },
  { title: 'X-Forwarded', lines: [['X-Forwarded', spoofed]], address: proxy },
  { title: 'X-Forwarded-Fort', lines: [['X-Forwarded-Fort', spoofed]], address: proxy },
  { title: 'X-Original-Forwarded-For', lines: [['X-Original-Forwarded-For', spoofed]], address: proxy },
  {
    title: 'a header whose value is the name',
    lines: [
      ['X-Note', 'X-Forwarded-For'],
      ['X-Spoof', spoofed],
    ],
    address: proxy,
  },
]

const hidden: readonly AddressCase[] = [
  { title: 'unknown', lines: ['unknown'], address: proxy },
  { title: 'unknown, left of which the client wrote', lines: [`${spoofed}, unknown`], address: proxy },
  { title: 'an obfuscated name', lines: [`${spoofed}, _hidden`], address: proxy },
  { title: 'a host name', lines: [`${spoofed}, client.example`], address: proxy },
  { title: 'unix:', lines: [`${spoofed}, unix:`], address: proxy },
  { title: 'quotes around an address', lines: [`${spoofed}, "${client}"`], address: proxy },
  { title: 'a for= pair as in Forwarded', lines: [`${spoofed}, for=${client}`], address: proxy },
  { title: 'an address in short form', lines: [`${spoofed}, 192.0.519`], address: proxy },
  { title: 'an address in octal', lines: [`${spoofed}, 0300.0.2.7`], address: proxy },
  { title: 'an address and a range', lines: [`${spoofed}, ${client}/32`], address: proxy },
  { title: 'two addresses without a comma', lines: [`${spoofed} ${client}`], address: proxy },
  { title: 'a port that is none', lines: [`${spoofed}, ${client}:http`], address: proxy },
  { title: 'a non-breaking space, which is no space', lines: [`${spoofed},\u00a0${client}`], address: proxy },
  {
    title: 'behind one more proxy, which then is the last trusted',
    lines: [`${spoofed}, unknown, 10.0.0.2`],
    address: '10.0.0.2',
  },
  { title: 'a very long element', lines: [`${spoofed}, ${'1'.repeat(10_000)}`], address: proxy },
]

const empty: readonly AddressCase[] = [
  { title: 'no header', lines: [], address: proxy },
  { title: 'an empty line', lines: [''], address: proxy },
  { title: 'a line of spaces', lines: ['  \t '], address: proxy },
  { title: 'a comma', lines: [','], address: proxy },
  { title: 'an element left empty by the proxy', lines: [`${spoofed}, `], address: proxy },
  { title: 'an element left empty between commas', lines: [`${spoofed}, , 10.0.0.2`], address: '10.0.0.2' },
  { title: 'a line left empty by the proxy', lines: [spoofed, ''], address: proxy },
  { title: 'an empty element that the client wrote', lines: [`,, ${client}`], address: client },
  { title: 'an empty line that the client wrote', lines: ['', client], address: client },
  { title: 'a comma in front', lines: [`,${client}`], address: client },
]

const walks: readonly AddressCase[] = [
  { title: 'one proxy', lines: [client], address: client },
  { title: 'two proxies', lines: [`${client}, 10.0.0.2`], address: client },
  { title: 'three proxies in three lines', lines: [client, '10.0.0.3', '10.0.0.2'], address: client },
  {
    title: 'lines of several elements',
    lines: [`${spoofed}, ${client}`, '10.0.0.4, 10.0.0.3', '10.0.0.2'],
    address: client,
  },
  {
    title: 'other headers between the lines',
    lines: [client, ['X-Note', 'a'], '10.0.0.2', ['Accept', '*/*']],
    address: client,
  },
  { title: 'the name in any case', lines: [['x-FORWARDED-for', client]], address: client },
  { title: 'no space after commas', lines: [`${spoofed},${client},10.0.0.2`], address: client },
  { title: 'spaces and tabs around', lines: [`  ${spoofed} ,\t ${client} \t, 10.0.0.2  `], address: client },
  {
    title: 'only trusted addresses: the left-most',
    lines: ['10.0.0.4, 10.0.0.3, 10.0.0.2'],
    address: '10.0.0.4',
  },
  {
    title: 'only trusted addresses in lines: the left-most',
    lines: ['10.0.0.4', '10.0.0.3'],
    address: '10.0.0.4',
  },
  { title: 'an address with a port', lines: [`${client}:51234`], address: client },
  { title: 'a trusted address with a port', lines: [`${client}, 10.0.0.2:443`], address: client },
  { title: 'IPv6', lines: ['2001:DB9:0::1'], address: '2001:db9::1' },
  { title: 'IPv6 in brackets', lines: ['[2001:db9::1]'], address: '2001:db9::1' },
  { title: 'IPv6 with a port', lines: ['[2001:db9::1]:51234'], address: '2001:db9::1' },
  { title: 'IPv6 with a zone', lines: ['fe80::1%eth0'], address: 'fe80::1' },
  { title: 'trusted IPv6 with a port', lines: [`${client}, [2001:db8::9]:443`], address: client },
  { title: 'mapped IPv4 in the list', lines: [`::ffff:${client}`], address: client },
  {
    title: 'mapped IPv4 of a trusted proxy in the list',
    lines: [`${client}, ::ffff:10.0.0.2`],
    address: client,
  },
  { title: 'a mapped peer', peer: '::ffff:127.0.0.1', lines: [client], address: client },
  { title: 'a peer on IPv6', peer: '::1', lines: [client], address: client },
  { title: 'a peer with a zone', peer: 'fe80::1%eth0', lines: [client], address: 'fe80::1' },
]

const repeated = (count: number, element: string): string => Array(count).fill(element).join(', ')

const long: readonly AddressCase[] = [
  {
    title: '100 proxies are walked over',
    lines: [`${client}, ${repeated(99, '10.0.0.2')}`],
    address: client,
  },
  {
    title: 'the 101st element is not read',
    lines: [`${client}, 10.0.0.3, ${repeated(99, '10.0.0.2')}`],
    address: '10.0.0.3',
  },
  {
    title: 'nor in other lines',
    lines: [client, '10.0.0.3', ...Array(99).fill('10.0.0.2')],
    address: '10.0.0.3',
  },
  {
    title: 'what a client wrote a thousand times',
    lines: [`${repeated(1_000, proxy)}, ${client}`],
    address: client,
  },
  { title: 'a thousand commas', lines: [','.repeat(1_000)], address: proxy },
]

export const toRawHeaders = (lines: AddressCase['lines']): readonly string[] =>
  lines.flatMap(line => (typeof line === 'string' ? ['X-Forwarded-For', line] : line))

/** By the title of their group. */
export const addressCases: Readonly<Record<string, readonly AddressCase[]>> = {
  'spoofing fails when': spoofing,
  'never read is': neverRead,
  'the address is the last trusted one where the walk stops at': hidden,
  'nothing is made of': empty,
  'the walk finds the client over': walks,
  'a list is bounded:': long,
}
