import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { getCACertificates } from 'node:tls'
import { parseCertificates } from '../ground/certificates.ts'
import { day } from '../ground/clock.ts'
import { type Finding, problem, type Trouble, warning } from './finding.ts'

/** What renews by itself has done so long before this is left: certbot begins 30 days before the end. */
const leastLeft = 20 * day

export const toDate = (date: Date): string => date.toISOString().slice(0, 10)

/** The common name, or all of it; never more than a line. */
export const nameOf = (distinguished: string): string =>
  (/^CN=(.*)$/m.exec(distinguished)?.[1] ?? distinguished.replaceAll('\n', ', ')).slice(0, 100)

const renewed = 'The server and nginx take new files by themselves (docs/certificates.md).'

/** @param what begins a sentence, such as "the certificate" */
const judgeEnd = (certificate: X509Certificate, now: number, what: string): Finding | undefined => {
  const left = certificate.validToDate.getTime() - now
  if (certificate.validFromDate.getTime() > now)
    return problem({
      found: `${what} is valid from ${toDate(certificate.validFromDate)} only`,
      means: 'Callers refuse to connect until then.',
      do: 'Use the one before it until then, or check the clock.',
    })
  if (left <= 0)
    return problem({
      found: `${what} expired on ${toDate(certificate.validToDate)}`,
      means: 'Callers refuse to connect.',
      do: `Renew it. ${renewed}`,
    })
  if (left > leastLeft) return undefined
  return warning({
    found: `${what} expires on ${toDate(certificate.validToDate)}`,
    means: `Callers refuse to connect in ${Math.floor(left / day)} days.`,
    do: `Renew it, and see why it was not renewed by itself: certbot renew --dry-run. ${renewed}`,
  })
}

const whichOf = (index: number, certificate: X509Certificate): string =>
  index === 0 ? 'the certificate' : `the certificate of the authority ${nameOf(certificate.subject)}`

/** One finding for each that is not valid now, or not for long. */
export const judgeTimes = (chain: readonly X509Certificate[], now: number): readonly Finding[] =>
  chain.flatMap((certificate, index) => judgeEnd(certificate, now, whichOf(index, certificate)) ?? [])

/** @param name a host name or an address, as it stands in an address */
const isFor = (certificate: X509Certificate, name: string): boolean => {
  const bare = name.replace(/^\[(.*)\]$/, '$1')
  return (isIP(bare) === 0 ? certificate.checkHost(bare) : certificate.checkIP(bare)) !== undefined
}

export const judgeName = (certificate: X509Certificate, publicUrl: string): Finding | undefined => {
  const name = new URL(publicUrl).hostname
  if (isFor(certificate, name)) return undefined
  return problem({
    found: `the certificate is not for ${name}, the name in PUBLIC_URL`,
    means: 'Callers refuse to connect.',
    do: 'Use a certificate of that name, or write the name of the certificate in PUBLIC_URL.',
  })
}

const hasIssued = (issuer: X509Certificate, certificate: X509Certificate): boolean =>
  certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)

const isOwnIssuer = (certificate: X509Certificate): boolean => hasIssued(certificate, certificate)

type Known = ReadonlyMap<string, readonly X509Certificate[]>

/** Read once for each list: Node.js gives the same one until another is set. */
const known = new WeakMap<readonly string[], Known>()

/** By name: the authorities that Node.js trusts on this machine, those of NODE_EXTRA_CA_CERTS among them. */
const knownAuthorities = (): Known => {
  const list = getCACertificates('default')
  const found = known.get(list) ?? Map.groupBy(parseCertificates(list.join('\n')), ({ subject }) => subject)
  known.set(list, found)
  return found
}

const isOfKnownAuthority = (certificate: X509Certificate): boolean =>
  (knownAuthorities().get(certificate.issuer) ?? []).some(issuer => hasIssued(issuer, certificate))

/** Whether whoever has a certificate for any name has one of this authority. */
export const isKnownAuthority = (certificate: X509Certificate): boolean =>
  (knownAuthorities().get(certificate.subject) ?? []).some(({ raw }) => raw.equals(certificate.raw))

const fullChain =
  'Write the whole chain, the own certificate first, each followed by the one that issued it: of certbot that is fullchain.pem.'

/** @param name of the authority that is missing, as a certificate says it */
export const unknownAuthority = (name: string): Trouble => ({
  found: `the certificate is of ${nameOf(name)}, whose own certificate is not sent, or which this machine does not know`,
  means: 'Callers that do not have it refuse to connect.',
  do: `${fullChain} An authority of your own is made known by NODE_EXTRA_CA_CERTS.`,
})

export const selfSigned: Trouble = {
  found: 'the certificate is signed by itself',
  means: 'Callers that were not told to trust it refuse to connect.',
  do: 'Get one of an authority that callers know (docs/certificates.md).',
}

/** Whether each is followed by the one that issued it. */
export const judgeOrder = (chain: readonly X509Certificate[]): Finding | undefined => {
  const broken = chain.findIndex((certificate, index) => {
    const next = chain[index + 1]
    return next !== undefined && !hasIssued(next, certificate)
  })
  const certificate = chain[broken]
  if (certificate === undefined) return undefined
  const isElsewhere = chain.some(other => other !== certificate && hasIssued(other, certificate))
  return problem({
    found: `the chain ${isElsewhere ? 'is in the wrong order' : 'has a gap'}: number ${broken + 2} did not issue number ${broken + 1}, which is of ${nameOf(certificate.issuer)}`,
    means: 'Some callers refuse to connect.',
    do: fullChain,
  })
}

/** Whether callers can get from the last one to an authority that is known to everybody. */
export const judgeEndOfChain = (chain: readonly X509Certificate[]): Finding | undefined => {
  const last = chain.at(-1)
  if (last === undefined || isOfKnownAuthority(last) || isKnownAuthority(last)) return undefined
  if (chain.length === 1 && isOwnIssuer(last)) return warning(selfSigned)
  return warning(unknownAuthority(last.issuer))
}
