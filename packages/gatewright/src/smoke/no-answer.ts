/** Nobody answered, or not in a way that can be read. The message says what it was, in words. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
}

type Told = { readonly codes: RegExp; readonly says: string }

/** By the codes of Node.js, of OpenSSL and of the HTTP parser. */
const told: readonly Told[] = [
  { codes: /^(ENOTFOUND|EAI_\w+)$/, says: 'the name was not found' },
  { codes: /^ECONNREFUSED$/, says: 'the connection was refused: nothing listens there' },
  { codes: /^(EHOSTUNREACH|ENETUNREACH|EHOSTDOWN)$/, says: 'there is no way to that address' },
  { codes: /^ETIMEDOUT$/, says: 'no connection within the time' },
  { codes: /^(ECONNRESET|EPIPE)$/, says: 'the connection was closed without an answer' },
  {
    codes: /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    says: 'the certificate is not trusted: it is for another name',
  },
  { codes: /^CERT_HAS_EXPIRED$/, says: 'the certificate is not trusted: it has expired' },
  { codes: /^CERT_NOT_YET_VALID$/, says: 'the certificate is not trusted: it is not valid yet' },
  {
    codes: /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+|CERT_\w+)$/,
    says: 'the certificate is not trusted: this machine does not know who signed it, or it came without those between (NODE_EXTRA_CA_CERTS names a file of further authorities)',
  },
  { codes: /^(EPROTO|ERR_SSL_\w+)$/, says: 'no TLS is spoken there, or none of 1.2 or newer' },
  { codes: /^HPE_\w+$/, says: 'no HTTP is spoken there' },
]

/** A name may stand for several addresses; none of which answered. */
const codeOf = (error: unknown): string => {
  if (error instanceof AggregateError) return codeOf(error.errors[0])
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** What went wrong on the way, as what is told to people. */
export const toNoAnswer = (error: unknown): NoAnswer => {
  if (error instanceof NoAnswer) return error
  const code = codeOf(error)
  const known = told.find(({ codes }) => codes.test(code))
  return new NoAnswer(known?.says ?? `no answer: ${code || String(error)}`)
}
