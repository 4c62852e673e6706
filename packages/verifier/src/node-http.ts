import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Principal } from './access-token.ts'
import type { Verifier } from './open-verifier.ts'
import { problemType, Refusal, toProblem } from './refusal.ts'

/** The one `Authorization`, seen in the raw headers: Node.js keeps the first of two. @throws Refusal */
const readHeader = ({ rawHeaders }: IncomingMessage): string | undefined => {
  const values = rawHeaders.filter(
    (_, at) => at % 2 === 1 && /^authorization$/i.test(rawHeaders[at - 1] ?? ''),
  )
  if (values.length > 1) throw new Refusal('several_credentials', 'authorization_twice')
  return values[0]
}

const answer = (response: ServerResponse, refusal: Refusal, issuer: string): void => {
  response
    .writeHead(refusal.status, {
      ...refusal.headers,
      'content-type': problemType,
      'x-content-type-options': 'nosniff',
    })
    .end(JSON.stringify(toProblem(refusal, issuer)))
}

/**
 * Who sends the request; undefined where it was refused, which is answered here. For `node:http` and for
 * Express, whose requests are those of Node.js.
 *
 *     const principal = await admit(verifier, request, response)
 *     if (principal === undefined) return
 */
export const admit = async (
  verifier: Pick<Verifier, 'issuer' | 'verify'>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Principal | undefined> => {
  try {
    return await verifier.verify(readHeader(request))
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    answer(response, error, verifier.issuer)
    return undefined
  }
}
