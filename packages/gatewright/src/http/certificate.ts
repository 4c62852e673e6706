import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, unwatchFile, watchFile, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createSecureContext } from 'node:tls'
import { parseCertificates } from '../ground/certificates.ts'
import { codeOf } from '../ground/error-code.ts'
import { SettingsError } from '../ground/load-settings.ts'
import type { Settings } from '../ground/settings.ts'

/** PEM texts. */
export type Certificate = {
  readonly cert: string
  readonly key: string
  /** Only callers with a certificate of one of these authorities are let in; undefined: everybody is. */
  readonly clientCa?: string
}

type TlsSettings = Pick<Settings, 'tls' | 'tlsCertFile' | 'tlsKeyFile' | 'tlsClientCaFile'>

const readPem = (name: string, file: string, what: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new SettingsError([`${name} cannot be read (${codeOf(error)}): write the path of ${what} (PEM)`])
  }
}

/** OpenSSL says what is wrong after its own codes: `error:0480006C:PEM routines::no start line`. */
const whyOf = (error: unknown): string =>
  String(error instanceof Error ? error.message : error)
    .split(':')
    .at(-1)
    ?.trim() ?? ''

/** Throws unless both are PEM; a TLS context alone would take empty files, and refuse every caller. */
const isOneKey = ({ cert, key }: Certificate): boolean =>
  new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))

/**
 * @throws SettingsError unless the file holds certificates: with an empty list of authorities TLS would take those
 * that everybody knows, and let in whoever has a certificate of any name
 */
const readAuthorities = (file: string): string => {
  const text = readPem('TLS_CLIENT_CA_FILE', file, 'the certificate of an authority')
  try {
    const { length } = parseCertificates(text)
    if (length === 0) throw new Error('it holds no certificate')
    // Of a list that is being written the callers of the last authority would be sent away.
    if (length < text.split('BEGIN CERTIFICATE').length - 1) throw new Error('a certificate is cut off')
    return text
  } catch (error) {
    throw new SettingsError([
      `TLS_CLIENT_CA_FILE can not be used (${whyOf(error)}): write the path of the certificate of the authority whose callers are let in (PEM)`,
    ])
  }
}

/** @throws SettingsError unless both files can be read and belong together */
const readPair = (certFile: string, keyFile: string): Certificate => {
  const pair = {
    cert: readPem('TLS_CERT_FILE', certFile, 'the certificate'),
    key: readPem('TLS_KEY_FILE', keyFile, 'the private key'),
  }
  try {
    if (!isOneKey(pair)) throw new Error('the key is of another certificate')
    createSecureContext(pair)
    return pair
  } catch (error) {
    throw new SettingsError([
      `TLS_CERT_FILE and TLS_KEY_FILE can not be used together (${whyOf(error)}): write the paths of a certificate and of its private key without a passphrase (PEM)`,
    ])
  }
}

/** What the settings name; undefined where they name nothing. @throws SettingsError */
const readFiles = ({ tlsCertFile, tlsKeyFile, tlsClientCaFile }: TlsSettings): Certificate | undefined => {
  if (tlsCertFile === undefined || tlsKeyFile === undefined) return undefined
  const pair = readPair(tlsCertFile, tlsKeyFile)
  return tlsClientCaFile === undefined ? pair : { ...pair, clientCa: readAuthorities(tlsClientCaFile) }
}

const makePair = async (): Promise<Certificate> => {
  const { generate } = await import('selfsigned')
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    curve: 'P-256',
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
        ],
      },
    ],
  })
  return { cert, key }
}

/** The pair that an earlier start made; undefined where there is none that fits and is valid. */
const findUsable = (certFile: string, keyFile: string, now: number): Certificate | undefined => {
  try {
    const pair = { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') }
    const isValid = new X509Certificate(pair.cert).validToDate.getTime() > now
    return isValid && isOneKey(pair) ? pair : undefined
  } catch {
    return undefined
  }
}

/** Whole or not at all, also for a process that reads at that moment. */
const writeWhole = (file: string, text: string, mode: number): void => {
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, text, { mode })
  renameSync(draft, file)
}

/** Made once and kept, so that a browser that was told to trust it goes on doing so. */
const readOrMakeSelfSigned = async (folder: string, now: number): Promise<Certificate> => {
  const [certFile, keyFile] = [join(folder, 'self-signed.crt'), join(folder, 'self-signed.key')]
  const kept = findUsable(certFile, keyFile, now)
  if (kept !== undefined) return kept
  const made = await makePair()
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  writeWhole(keyFile, made.key, 0o600)
  writeWhole(certFile, made.cert, 0o644)
  // Of several processes that start at once one wrote last. What does not fit is made again by the next start.
  return findUsable(certFile, keyFile, now) ?? made
}

/**
 * The certificate that the settings ask for; undefined for plain HTTP.
 * @throws SettingsError when the files can't be read or don't fit
 */
export const openCertificate = async (
  settings: TlsSettings,
  folder: string,
  now: number,
): Promise<Certificate | undefined> =>
  settings.tls === 'self-signed' ? readOrMakeSelfSigned(folder, now) : readFiles(settings)

const lookInterval = 2_000

/**
 * Calls `use` with what the files hold when one of them changes, also behind a symbolic link. Who writes one after
 * the other is met in between, so what can't be read or does not fit is looked at once more; then it goes to `fail`,
 * and the former one stays in use. Returns what stops the watching.
 */
export const watchCertificate = (
  settings: TlsSettings,
  use: (certificate: Certificate) => void,
  fail: (error: unknown) => void,
): (() => void) => {
  const { tlsCertFile, tlsKeyFile, tlsClientCaFile } = settings
  const files = [tlsCertFile, tlsKeyFile, tlsClientCaFile].filter(file => file !== undefined)
  if (files.length === 0) return () => {}
  let next: NodeJS.Timeout | undefined
  const reload = (failed: (error: unknown) => void): void => {
    clearTimeout(next)
    try {
      const certificate = readFiles(settings)
      if (certificate !== undefined) use(certificate)
    } catch (error) {
      failed(error)
    }
  }
  const lookIn = (look: () => void): void => {
    next = setTimeout(look, lookInterval).unref()
  }
  const look = (): void => reload(() => lookIn(() => reload(fail)))
  for (const file of files) watchFile(file, { interval: lookInterval, persistent: false }, look)
  // What changed between being read and the first look of the watcher, it takes for what has always been.
  lookIn(look)
  return () => {
    clearTimeout(next)
    for (const file of files) unwatchFile(file, look)
  }
}
