/** The issuer could not be asked, or gave no answer that can be used. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError'
  /** Milliseconds after which it may be asked again, where it said so. */
  readonly retryAfter: number

  constructor(message: string, retryAfter = 0) {
    super(message)
    this.retryAfter = retryAfter
  }
}

export type Bounds = {
  /** Bytes, unpacked. */
  readonly most: number
  /** Milliseconds for all of the answer. */
  readonly longest: number
  readonly signal: AbortSignal
}

/** The bytes, and not one more than there may be: what is packed small may be large. */
const readBody = async ({ body }: Response, most: number): Promise<Buffer> => {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body ?? []) {
    size += chunk.length
    if (size > most) throw new UnreachableError('its answer is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

const toRetryAfter = ({ headers }: Response): number => Number(headers.get('retry-after') ?? 0) * 1_000 || 0

/**
 * The JSON of an address. Follows no redirect: what another host says is not what the issuer says.
 * @throws UnreachableError
 */
export const getJson = async (url: URL, { most, longest, signal }: Bounds): Promise<unknown> => {
  const either = AbortSignal.any([signal, AbortSignal.timeout(longest)])
  try {
    const response = await fetch(url, {
      redirect: 'error',
      signal: either,
      headers: { accept: 'application/json' },
    })
    if (response.status !== 200) {
      await response.body?.cancel()
      throw new UnreachableError(`${url.pathname} answered ${response.status}`, toRetryAfter(response))
    }
    return JSON.parse((await readBody(response, most)).toString())
  } catch (error) {
    if (error instanceof UnreachableError) throw error
    throw new UnreachableError(`${url.pathname}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
