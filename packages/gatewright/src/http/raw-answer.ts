import type { Engine } from '../compose.ts'
import type { Refusal } from '../ground/refusal.ts'
import { problemType, refusalHeaders, statuses, toProblem } from './problem.ts'
import { securityHeaders } from './security-headers.ts'

/** What an answer outside any route carries: written by hand, for the router has not seen the request. */
export const toRawAnswer = (
  { publicUrl, places }: Pick<Engine, 'publicUrl' | 'places'>,
  refusal: Refusal,
  requestId: string,
) => {
  const body = JSON.stringify(toProblem(refusal, { publicUrl, requestId }))
  const headers = {
    ...securityHeaders(publicUrl),
    ...refusalHeaders(refusal, places.challenge),
    'x-request-id': requestId,
    'content-type': problemType,
    'content-length': String(Buffer.byteLength(body)),
  }
  return { status: statuses[refusal.code], headers, body }
}
