import { toBase64url } from '../ground/encoding.ts'
import type { SigningKey } from '../keys/signing-keys.ts'

/**
 * A JWS in compact form (RFC 7515 §7.1). Each kind of signed thing has a `typ` of its own, so that none can
 * be taken for another.
 */
export const toJws = async (
  { algorithm: alg, kid, sign }: SigningKey,
  typ: string,
  claims: object,
): Promise<string> => {
  const header = JSON.stringify({ alg, typ, kid })
  const text = `${toBase64url(Buffer.from(header))}.${toBase64url(Buffer.from(JSON.stringify(claims)))}`
  return `${text}.${toBase64url(await sign(text))}`
}
