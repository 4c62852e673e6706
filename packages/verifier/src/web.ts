import type { Principal } from './access-token.ts'
import type { Verifier } from './open-verifier.ts'
import { problemType, Refusal, toProblem } from './refusal.ts'

/** Who sends the request, or the answer that refuses it. */
export type Admission =
  | { readonly principal: Principal; readonly refused?: undefined }
  | { readonly principal?: undefined; readonly refused: Response }

const toResponse = (refusal: Refusal, issuer: string): Response =>
  new Response(JSON.stringify(toProblem(refusal, issuer)), {
    status: refusal.status,
    headers: { ...refusal.headers, 'content-type': problemType, 'x-content-type-options': 'nosniff' },
  })

/**
 * Judges a web-standard `Request`. Two `Authorization` headers stand there as one with a comma, which is no
 * token.
 *
 *     const { principal, refused } = await admit(verifier, request)
 *     if (refused) return refused
 */
export const admit = async (
  verifier: Pick<Verifier, 'issuer' | 'verify'>,
  request: Request,
): Promise<Admission> => {
  try {
    return { principal: await verifier.verify(request.headers.get('authorization')) }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return { refused: toResponse(error, verifier.issuer) }
  }
}
