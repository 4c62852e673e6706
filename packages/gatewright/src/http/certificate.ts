import { existsSync, mkdirSync, readFileSync, unwatchFile, watchFile, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Settings } from '../ground/settings.ts'

/** PEM texts. */
export type Certificate = { readonly cert: string; readonly key: string }

type TlsSettings = Pick<Settings, 'tls' | 'tlsCertFile' | 'tlsKeyFile'>

const readPair = (cert: string, key: string): Certificate => ({
  cert: readFileSync(cert, 'utf8'),
  key: readFileSync(key, 'utf8'),
})

/** Made once and kept, so that a browser that was told to trust it goes on doing so. */
const readOrMakeSelfSigned = async (folder: string): Promise<Certificate> => {
  const [certFile, keyFile] = [join(folder, 'self-signed.crt'), join(folder, 'self-signed.key')]
  if (existsSync(certFile) && existsSync(keyFile)) return readPair(certFile, keyFile)
  const { generate } = await import('selfsigned')
  const made = await generate([{ name: 'commonName', value: 'localhost' }], {
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
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  writeFileSync(keyFile, made.private, { mode: 0o600 })
  writeFileSync(certFile, made.cert, { mode: 0o644 })
  return { cert: made.cert, key: made.private }
}

/** The certificate that the settings ask for; undefined for plain HTTP. */
export const openCertificate = async (
  { tls, tlsCertFile, tlsKeyFile }: TlsSettings,
  folder: string,
): Promise<Certificate | undefined> => {
  if (tls === 'self-signed') return readOrMakeSelfSigned(folder)
  return tlsCertFile !== undefined && tlsKeyFile !== undefined ? readPair(tlsCertFile, tlsKeyFile) : undefined
}

/**
 * Calls `use` with the new pair when one of the files changes; a pair that can't be read or does not
 * fit goes to `fail`, and the former one stays in use. Returns what stops the watching.
 */
export const watchCertificate = (
  { tlsCertFile, tlsKeyFile }: TlsSettings,
  use: (certificate: Certificate) => void,
  fail: (error: unknown) => void,
): (() => void) => {
  const files = [tlsCertFile, tlsKeyFile].filter(file => file !== undefined)
  const reload = (): void => {
    const [cert, key] = files
    try {
      if (cert !== undefined && key !== undefined) use(readPair(cert, key))
    } catch (error) {
      fail(error)
    }
  }
  for (const file of files) watchFile(file, { interval: 2_000, persistent: false }, reload)
  return () => {
    for (const file of files) unwatchFile(file, reload)
  }
}
