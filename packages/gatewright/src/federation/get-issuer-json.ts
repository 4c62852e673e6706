import { lookup as lookUp } from 'node:dns/promises'
import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { isPublicAddress } from '../ground/address.ts'

/** The issuer could not be asked, or gave no answer that can be used. */
export class IssuerError extends Error {
  override readonly name = 'IssuerError'
}

export const toIssuerError = (error: unknown): IssuerError =>
  error instanceof IssuerError
    ? error
    : new IssuerError(error instanceof Error ? error.message : String(error))

export type FoundAddress = { readonly address: string; readonly family: number }
/** All addresses of a name. */
export type Resolve = (hostname: string) => Promise<readonly FoundAddress[]>

/** By the machine's own rules, so that a name means here what it means to other programs. */
export const resolveName: Resolve = hostname => lookUp(hostname, { all: true })

export type Asking = {
  readonly resolve: Resolve
  /** Whether it may stand on this machine, or in a private network. */
  readonly allowsPrivate: boolean
  readonly signal: AbortSignal
}

const most = 256 * 1_024
const longest = 5_000

/** One that is private is enough: whoever answers for the name may mean to be asked there. */
const checkAddresses = (addresses: readonly FoundAddress[], allowsPrivate: boolean): void => {
  if (addresses.length === 0) throw new IssuerError('its name has no address')
  if (!allowsPrivate && !addresses.every(({ address }) => isPublicAddress(address)))
    throw new IssuerError('its name stands for a private address (allow_private_addresses)')
}

/** The connection goes to the very addresses that were checked: the name is looked up once, here. */
const createLookup =
  ({ resolve, allowsPrivate }: Asking): LookupFunction =>
  (hostname, { all }, done) => {
    const found = async (): Promise<readonly FoundAddress[]> => {
      const addresses = await resolve(hostname)
      checkAddresses(addresses, allowsPrivate)
      return addresses
    }
    found().then(
      addresses => {
        const [first] = addresses as [FoundAddress]
        if (all) done(null, [...addresses])
        else done(null, first.address, first.family)
      },
      error => done(toIssuerError(error), []),
    )
  }

/** An address is looked up by nobody. */
const checkLiteral = ({ hostname }: URL, allowsPrivate: boolean): void => {
  const address = hostname.replace(/^\[(.*)\]$/, '$1')
  if (isIP(address) !== 0) checkAddresses([{ address, family: isIP(address) }], allowsPrivate)
}

/**
 * A connection of its own each time: none that was opened under another check is used again. One that is closed
 * without an answer, as Node.js does with whatever would speak another protocol, is no answer; nobody waits for it.
 */
const ask = (url: URL, asking: Asking, body?: string): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const headers = {
      accept: 'application/json',
      'accept-encoding': 'identity',
      ...(body !== undefined && {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      }),
    }
    const client = url.protocol === 'https:' ? https : http
    const lookup = createLookup(asking)
    const method = body === undefined ? 'GET' : 'POST'
    const options = { method, signal: asking.signal, headers, agent: false as const, lookup }
    const closed = (): void => reject(new IssuerError('it closed the connection without an answer'))
    client.request(url, options, resolve).on('error', reject).on('close', closed).end(body)
  })

/** The bytes, and not one more than there may be. */
const readBody = async (answer: IncomingMessage): Promise<string> => {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of answer as AsyncIterable<Uint8Array>) {
    size += chunk.length
    if (size > most) throw new IssuerError('its answer is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

const isJson = /^application\/([\w.-]+\+)?json\s*(;|$)/i

const checkHead = ({ statusCode, headers }: IncomingMessage): void => {
  if (statusCode !== 200) throw new IssuerError(`it answered ${statusCode}`)
  if (!isJson.test(headers['content-type'] ?? '')) throw new IssuerError('its answer is not JSON')
  if ((headers['content-encoding'] ?? 'identity') !== 'identity')
    throw new IssuerError('its answer is packed')
}

/**
 * The JSON at an address of an issuer. Bounded in size and time; follows no redirect; asks no private address unless
 * that is allowed, also where a name that was public a moment ago stands for one now.
 * @throws IssuerError
 */
export const getIssuerJson = async (url: URL, asking: Asking): Promise<unknown> => {
  const signal = AbortSignal.any([asking.signal, AbortSignal.timeout(longest)])
  try {
    checkLiteral(url, asking.allowsPrivate)
    const answer = await ask(url, { ...asking, signal })
    try {
      checkHead(answer)
      return JSON.parse(await readBody(answer))
    } finally {
      answer.destroy()
    }
  } catch (error) {
    throw toIssuerError(signal.aborted ? signal.reason : error)
  }
}

/**
 * Gives JSON to an address, with the same care: bounded in time, no redirect, and of the answer only the status counts.
 * @throws IssuerError
 */
export const postJson = async (url: URL, body: string, asking: Asking): Promise<void> => {
  const signal = AbortSignal.any([asking.signal, AbortSignal.timeout(longest)])
  try {
    checkLiteral(url, asking.allowsPrivate)
    const answer = await ask(url, { ...asking, signal }, body)
    answer.destroy()
    const { statusCode = 0 } = answer
    if (statusCode < 200 || statusCode > 299) throw new IssuerError(`it answered ${statusCode}`)
  } catch (error) {
    throw toIssuerError(signal.aborted ? signal.reason : error)
  }
}
