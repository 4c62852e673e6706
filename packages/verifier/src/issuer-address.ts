const isLoopback = (hostname: string): boolean =>
  hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)

/** Whether nobody on the way can change what comes from there. */
const isSafe = ({ protocol, hostname }: URL): boolean =>
  protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))

/**
 * The address of an issuer, written as it writes itself.
 * @throws TypeError for what is no issuer's address, or one that others could answer for
 */
export const parseIssuer = (issuer: string): URL => {
  const url = URL.parse(issuer)
  if (url === null) throw new TypeError('issuer must be the address of Gatewright, its PUBLIC_URL')
  if (!isSafe(url)) throw new TypeError('issuer must begin with https:// (http:// on this machine only)')
  if (url.username !== '' || url.password !== '' || /[?#]/.test(issuer))
    throw new TypeError('issuer must have no user, query or fragment')
  if (issuer !== url.origin + (url.pathname === '/' ? '' : url.pathname))
    throw new TypeError(`issuer must be written as Gatewright's PUBLIC_URL is: ${url.origin}`)
  return url
}

/** An address that the issuer names must be its own. */
export const parseOwn = (issuer: URL, text: unknown): URL | undefined => {
  const url = typeof text === 'string' ? URL.parse(text) : null
  return url?.origin === issuer.origin && isSafe(url) ? url : undefined
}

/** RFC 8414 §3.1. */
export const metadataOf = ({ origin, pathname }: URL): URL =>
  new URL(`${origin}/.well-known/oauth-authorization-server${pathname === '/' ? '' : pathname}`)
