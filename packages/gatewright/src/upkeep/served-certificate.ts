import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { connect } from 'node:tls'
import { second } from '../ground/clock.ts'
import { judgeName, judgeTimes, selfSigned, toDate, unknownAuthority } from './certificate-rules.ts'
import type { SettingsFacts } from './facts.ts'
import { type Finding, ok, problem, type Trouble, together, warning } from './finding.ts'

type Facts = Pick<SettingsFacts, 'settings' | 'clock' | 'lookup'>

type Served = {
  readonly certificate: X509Certificate
  /** OpenSSL's code for what is wrong with the chain. */
  readonly trouble: string | undefined
}

const longestLook = 3 * second

/** Shakes hands and sends nothing. Takes any certificate: it is judged here. @throws where nobody shakes hands */
const look = (url: URL, lookup: Facts['lookup']): Promise<Served> =>
  new Promise((resolve, reject) => {
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
    const socket = connect({
      host,
      port: Number(url.port || 443),
      rejectUnauthorized: false,
      ...(isIP(host) === 0 && { servername: host }),
      ...(lookup && { lookup }),
    })
    const late = setTimeout(
      () => socket.destroy(new Error(`no answer in ${longestLook / second} s`)),
      longestLook,
    )
    socket.once('close', () => clearTimeout(late)).once('error', reject)
    socket.once('secureConnect', () => {
      const certificate = socket.getPeerX509Certificate()
      const { authorizationError } = socket
      socket.destroy()
      if (certificate === undefined) return reject(new Error('it shows no certificate'))
      resolve({ certificate, trouble: authorizationError ? String(authorizationError) : undefined })
    })
  })

const whyOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message
}

/** What OpenSSL says of a chain; what it says of times and names is found by ourselves. */
const troubles: Readonly<Record<string, (certificate: X509Certificate) => Trouble>> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ({ issuer }) => unknownAuthority(issuer),
  UNABLE_TO_GET_ISSUER_CERT: ({ issuer }) => unknownAuthority(issuer),
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ({ issuer }) => unknownAuthority(issuer),
  SELF_SIGNED_CERT_IN_CHAIN: ({ issuer }) => unknownAuthority(issuer),
  DEPTH_ZERO_SELF_SIGNED_CERT: () => selfSigned,
}

const judgedHere = ['ERR_TLS_CERT_ALTNAME_INVALID', 'CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID']

const judgeTrouble = ({ certificate, trouble }: Served, isNamed: boolean): Finding | undefined => {
  if (trouble === undefined || (isNamed && judgedHere.includes(trouble))) return undefined
  const known = troubles[trouble]
  if (known !== undefined) return warning(known(certificate))
  return problem({
    found: `the chain of the certificate is not good: ${trouble}`,
    means: 'Callers refuse to connect.',
    do: 'Renew the certificate, and give nginx or the server the whole chain: of certbot that is fullchain.pem.',
  })
}

/**
 * The certificate that callers see at `PUBLIC_URL`, which is a proxy's where one stands in front. It is looked at from
 * here, so a machine that can't reach its own public address finds nobody.
 */
export const checkServedCertificate = async ({ settings, clock, lookup }: Facts): Promise<Finding> => {
  const { publicUrl, tls } = settings
  if (publicUrl?.startsWith('https://') !== true) return ok('none: PUBLIC_URL is not https')
  if (tls === 'self-signed') return ok('self-signed: callers must be told to trust it')
  try {
    const served = await look(new URL(publicUrl), lookup)
    const judged = [
      judgeName(served.certificate, publicUrl),
      ...judgeTimes([served.certificate], clock.now()),
    ]
    const found = together([
      ...judged,
      judgeTrouble(
        served,
        judged.some(finding => finding?.level === 'problem'),
      ),
    ])
    return found ?? ok(`at ${publicUrl}, valid until ${toDate(served.certificate.validToDate)}`)
  } catch (error) {
    return warning({
      found: `no certificate could be seen at ${publicUrl}: ${whyOf(error)}`,
      means: 'Nothing answers there over TLS, or this machine can not reach its own public address.',
      do: 'Start the proxy or the server; look from another machine: curl -sS -o /dev/null <PUBLIC_URL>/healthz',
    })
  }
}
