import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { fromBase64url, toBase64url } from './encoding.ts'

/** RFC 8410: what stands before the 32 bytes of a private key. */
const beforePrivate = Buffer.from([48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32])

/** @param seed 32 random bytes, which are the private key */
export const openSigner = (
  seed: Uint8Array,
): { readonly publicKey: string; readonly sign: (text: string) => string } => {
  const key = createPrivateKey({ key: Buffer.concat([beforePrivate, seed]), format: 'der', type: 'pkcs8' })
  const { x: publicKey = '' } = createPublicKey(key).export({ format: 'jwk' })
  return { publicKey, sign: text => toBase64url(sign(null, Buffer.from(text), key)) }
}

const toPublicKey = (x: string): KeyObject | undefined =>
  fromBase64url(x)?.length === 32
    ? createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
    : undefined

/** Whether the key (its 32 bytes in base64url) has signed the text (RFC 8032). */
export const isSignedBy = (publicKey: string, text: string, signature: string): boolean => {
  const [key, bytes] = [toPublicKey(publicKey), fromBase64url(signature)]
  return key !== undefined && bytes?.length === 64 && verify(null, Buffer.from(text), key, bytes)
}
