import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { day } from '../ground/clock.ts'
import type { Settings } from '../ground/settings.ts'
import type { SettingsFacts } from './facts.ts'
import { type Finding, ok, problem, warning } from './finding.ts'

/** A certificate is renewed well before this is left. */
const leastLeft = 14 * day

/** The certificate that `TLS=files` names: readable, of its key, of this name, and not about to expire. */
export const checkCertificate = ({ settings, clock }: Pick<SettingsFacts, 'settings' | 'clock'>): Finding => {
  const { tls, tlsCertFile, tlsKeyFile } = settings
  if (tls === 'self-signed') return ok('self-signed: callers must be told to trust it')
  if (tlsCertFile === undefined || tlsKeyFile === undefined) return ok('none: TLS=off')
  try {
    const certificate = new X509Certificate(readFileSync(tlsCertFile))
    const key = createPrivateKey(readFileSync(tlsKeyFile))
    return judge(certificate, key, { now: clock.now(), settings })
  } catch (error) {
    return problem({
      found: `the certificate or its key can not be read: ${error instanceof Error ? error.message : String(error)}`,
      means: 'The server does not start.',
      do: 'Write the paths of two PEM files that the server may read as TLS_CERT_FILE and TLS_KEY_FILE.',
    })
  }
}

const judge = (
  certificate: X509Certificate,
  key: KeyObject,
  { now, settings }: { readonly now: number; readonly settings: Settings },
): Finding => {
  if (!certificate.checkPrivateKey(key))
    return problem({
      found: 'TLS_KEY_FILE is not the key of TLS_CERT_FILE',
      means: 'The server does not start, or no connection succeeds.',
      do: 'Write the two files that were made together.',
    })
  return judgeTime(certificate, now) ?? judgeName(certificate, settings) ?? ok(toText(certificate))
}

const judgeTime = (certificate: X509Certificate, now: number): Finding | undefined => {
  const left = certificate.validToDate.getTime() - now
  if (certificate.validFromDate.getTime() > now)
    return problem({
      found: `the certificate is valid from ${toDate(certificate.validFromDate)} only`,
      means: 'Callers refuse to connect until then.',
      do: 'Use the certificate before it until then, or check the clock.',
    })
  if (left <= 0)
    return problem({
      found: `the certificate expired on ${toDate(certificate.validToDate)}`,
      means: 'Callers refuse to connect.',
      do: 'Renew it; the server takes the new files by itself.',
    })
  if (left > leastLeft) return undefined
  return warning({
    found: `the certificate expires on ${toDate(certificate.validToDate)}`,
    means: `Callers refuse to connect in ${Math.floor(left / day)} days.`,
    do: 'Renew it, and see why it was not renewed by itself; the server takes the new files by itself.',
  })
}

const judgeName = (certificate: X509Certificate, { publicUrl }: Settings): Finding | undefined => {
  if (publicUrl === undefined) return undefined
  const name = new URL(publicUrl).hostname.replace(/^\[(.*)\]$/, '$1')
  if (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) return undefined
  return problem({
    found: `the certificate is not for ${name}, the name in PUBLIC_URL`,
    means: 'Callers refuse to connect.',
    do: 'Use a certificate of that name, or write the name of the certificate in PUBLIC_URL.',
  })
}

const toText = (certificate: X509Certificate): string =>
  `fits its key, valid until ${toDate(certificate.validToDate)}`

const toDate = (date: Date): string => date.toISOString().slice(0, 10)
