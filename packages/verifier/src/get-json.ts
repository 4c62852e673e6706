import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'

/** The issuer could not be asked, or gave no answer that can be used. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError'
  /** The status of the answer, where there was one that was not 200. */
  readonly status: number | undefined
  /** Milliseconds after which it may be asked again, where it said so. */
  readonly retryAfter: number

  constructor(message: string, status?: number, retryAfter = 0) {
    super(message)
    this.status = status
    this.retryAfter = retryAfter
  }
}

/** Whatever failed while the issuer was asked, as what it is to those who ask. */
export const toUnreachable = (what: string, error: unknown): UnreachableError =>
  error instanceof UnreachableError
    ? error
    : new UnreachableError(`${what}: ${error instanceof Error ? error.message : String(error)}`)

export type Bounds = {
  /** Bytes. */
  readonly most: number
  /** Milliseconds for all of the answer. */
  readonly longest: number
  readonly signal: AbortSignal
}

/**
 * By HTTP/1.1, where an aborted request takes its connection with it: of HTTP/2 one that was cut without a word
 * would be used again. What is packed could be larger than it looks, so it is not asked for.
 */
const ask = (url: URL, signal: AbortSignal): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const headers = { accept: 'application/json', 'accept-encoding': 'identity' }
    const client = url.protocol === 'https:' ? https : http
    client.request(url, { signal, headers }, resolve).on('error', reject).end()
  })

/** The bytes, and not one more than there may be. */
const readBody = async (answer: IncomingMessage, most: number): Promise<Buffer> => {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of answer as AsyncIterable<Uint8Array>) {
    size += chunk.length
    if (size > most) throw new UnreachableError('its answer is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

const toRetryAfter = ({ headers }: IncomingMessage): number =>
  Number(headers['retry-after'] ?? 0) * 1_000 || 0

const checkHead = ({ statusCode, headers }: IncomingMessage, path: string, retryAfter: number): void => {
  if (statusCode !== 200) throw new UnreachableError(`${path} answered ${statusCode}`, statusCode, retryAfter)
  if ((headers['content-encoding'] ?? 'identity') !== 'identity')
    throw new UnreachableError('its answer is packed')
}

/**
 * The JSON of an address. Follows no redirect: what another host says is not what the issuer says.
 * @throws UnreachableError
 */
export const getJson = async (url: URL, { most, longest, signal }: Bounds): Promise<unknown> => {
  const path = url.pathname
  const either = AbortSignal.any([signal, AbortSignal.timeout(longest)])
  try {
    const answer = await ask(url, either)
    try {
      checkHead(answer, path, toRetryAfter(answer))
      return JSON.parse((await readBody(answer, most)).toString())
    } finally {
      // Of one that was read to its end the connection is used again; of any other it ends here.
      answer.destroy()
    }
  } catch (error) {
    throw toUnreachable(path, either.aborted ? either.reason : error)
  }
}
