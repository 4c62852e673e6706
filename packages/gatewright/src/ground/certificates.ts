import { X509Certificate } from 'node:crypto'

const block = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g

/** The certificates of a PEM text, in its order. @throws where one of them can't be read */
export const parseCertificates = (pem: string): readonly X509Certificate[] =>
  (pem.match(block) ?? []).map(text => new X509Certificate(text))
