import { createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { parseCertificates } from '../ground/certificates.ts'
import { codeOf } from '../ground/error-code.ts'
import type { Settings } from '../ground/settings.ts'
import {
  isKnownAuthority,
  judgeEndOfChain,
  judgeName,
  judgeOrder,
  judgeTimes,
  nameOf,
  toDate,
} from './certificate-rules.ts'
import type { SettingsFacts } from './facts.ts'
import { type Finding, ok, problem, together } from './finding.ts'

type Facts = Pick<SettingsFacts, 'settings' | 'clock'>

/** Has a finding as its message: what can't be read leaves nothing else to look at. */
class Unreadable extends Error {
  readonly finding: Finding
  constructor(finding: Finding) {
    super()
    this.finding = finding
  }
}

const mayRead =
  'Write the path of a PEM file that the server may read: as its owner, or by a group (docs/certificates.md).'

const unreadable = (name: string, why: string): Unreadable =>
  new Unreadable(
    problem({
      found: `${name} can not be read: ${why}`,
      means: 'The server does not start; one that runs goes on with what it has read before.',
      do: mayRead,
    }),
  )

/** @throws Unreadable */
const readAs = <T>(name: string, file: string, parse: (pem: string) => T): T => {
  let pem: string
  try {
    pem = readFileSync(file, 'utf8')
  } catch (error) {
    throw unreadable(name, codeOf(error))
  }
  try {
    return parse(pem)
  } catch (error) {
    throw unreadable(name, error instanceof Error ? error.message : String(error))
  }
}

const parseChain = (pem: string): readonly [X509Certificate, ...X509Certificate[]] => {
  const [first, ...more] = parseCertificates(pem)
  if (first === undefined) throw new Error('it holds no certificate')
  return [first, ...more]
}

const withReadable = (look: () => Finding): Finding => {
  try {
    return look()
  } catch (error) {
    if (error instanceof Unreadable) return error.finding
    throw error
  }
}

const judgeKey = (chain: readonly X509Certificate[], key: KeyObject): Finding | undefined => {
  const place = chain.findIndex(certificate => certificate.checkPrivateKey(key))
  if (place === 0) return undefined
  return problem({
    found:
      place < 0
        ? 'TLS_KEY_FILE is not the key of TLS_CERT_FILE'
        : `TLS_KEY_FILE is the key of number ${place + 1} in TLS_CERT_FILE, not of the first`,
    means: 'The server does not start; one that runs goes on with what it has read before.',
    do:
      place < 0
        ? 'Write the two files that were made together.'
        : 'Put that certificate first, and after it the one that issued it.',
  })
}

/** Who connects is a proxy, which knows the server by a name of its own, and its authority. */
const isBehindProxy = ({ trustedProxies }: Settings): boolean => trustedProxies.length > 0

const judgeForCallers = (
  chain: readonly [X509Certificate, ...X509Certificate[]],
  settings: Settings,
): readonly (Finding | undefined)[] => {
  if (isBehindProxy(settings)) return []
  const { publicUrl } = settings
  return [
    publicUrl === undefined ? undefined : judgeName(chain[0], publicUrl),
    judgeOrder(chain) === undefined ? judgeEndOfChain(chain) : undefined,
  ]
}

/** The certificate that `TLS=files` names: readable, of its key, of this name, whole, and not about to expire. */
export const checkCertificate = ({ settings, clock }: Facts): Finding => {
  const { tls, tlsCertFile, tlsKeyFile } = settings
  if (tls === 'self-signed') return ok('self-signed: callers must be told to trust it')
  if (tlsCertFile === undefined || tlsKeyFile === undefined) return ok('none: TLS=off')
  return withReadable(() => {
    const chain = readAs('TLS_CERT_FILE', tlsCertFile, parseChain)
    const key = readAs('TLS_KEY_FILE', tlsKeyFile, createPrivateKey)
    const found = [
      judgeKey(chain, key),
      judgeOrder(chain),
      ...judgeTimes(chain, clock.now()),
      ...judgeForCallers(chain, settings),
    ]
    return together(found) ?? ok(`fits its key, valid until ${toDate(chain[0].validToDate)}`)
  })
}

const judgeAuthority = (certificate: X509Certificate): Finding | undefined => {
  if (!isKnownAuthority(certificate)) return undefined
  return problem({
    found: `TLS_CLIENT_CA_FILE names ${nameOf(certificate.subject)}, which makes certificates for everybody`,
    means: 'Whoever has a certificate of it, for any name, can connect.',
    do: 'Name an authority of your own, which makes certificates for your proxies alone.',
  })
}

/** The authorities of `TLS_CLIENT_CA_FILE`: readable, nobody else's, and not about to expire. */
export const checkClientAuthorities = ({ settings, clock }: Facts): Finding => {
  const { tlsClientCaFile } = settings
  if (tlsClientCaFile === undefined) return ok('none: callers need no certificate')
  return withReadable(() => {
    const authorities = readAs('TLS_CLIENT_CA_FILE', tlsClientCaFile, parseChain)
    const found = together([...authorities.map(judgeAuthority), ...judgeTimes(authorities, clock.now())])
    return (
      found ??
      ok(`callers need a certificate of ${authorities.map(({ subject }) => nameOf(subject)).join(' or ')}`)
    )
  })
}
