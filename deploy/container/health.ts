import { request as requestPlain } from 'node:http'
import { request as requestTls } from 'node:https'

/*
 * The health check of the image, which has no curl: exit code 0 when the server in this container answers /healthz.
 * It asks the address that the server listens on. Who that is needs no proof here, so no certificate is checked.
 */
type Environment = Readonly<Record<string, string | undefined>>

const everywhere: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' }

/** Where the server of these settings answers from inside. */
export const healthAddress = ({ HOST = '0.0.0.0', PORT = '3000', TLS = 'off' }: Environment): URL => {
  const host = everywhere[HOST] ?? HOST
  const scheme = TLS === 'off' || TLS === '' ? 'http' : 'https'
  return new URL(`${scheme}://${host.includes(':') ? `[${host}]` : host}:${PORT}/healthz`)
}

/** A server that asks for a certificate of ours, which nobody here has, is up. */
const asksForCertificate = (error: NodeJS.ErrnoException): boolean =>
  error.code === 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'

const ask = (address: URL): Promise<string | undefined> => {
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  const send = address.protocol === 'https:' ? requestTls : requestPlain
  send(address, { rejectUnauthorized: false, timeout: 3_000 }, answer => {
    answer.resume()
    resolve(answer.statusCode === 200 ? undefined : `it answers ${answer.statusCode}`)
  })
    .on('timeout', () => resolve('it does not answer within 3 s'))
    .on('error', error => resolve(asksForCertificate(error) ? undefined : error.message))
    .end()
  return promise
}

const main = async (): Promise<void> => {
  const address = healthAddress(process.env)
  const trouble = await ask(address)
  if (trouble !== undefined) process.stderr.write(`${address}: ${trouble}\n`)
  process.exit(trouble === undefined ? 0 : 1)
}

if (import.meta.main) void main()
