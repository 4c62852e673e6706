import { once } from 'node:events'
import type SMTPConnection from 'nodemailer/lib/smtp-connection'
import { minute, second } from '../ground/clock.ts'
import type { SmtpAddress } from '../ground/mail-address.ts'
import { type Message, PermanentFailure, type Transport } from './transport.ts'

const timeouts = {
  dnsTimeout: 10 * second,
  connectionTimeout: 10 * second,
  greetingTimeout: 30 * second,
  // RFC 5321, 4.5.3.2.6: a server may take ten minutes to say that it has taken a mail.
  socketTimeout: 10 * minute,
} as const

/** What a server says of this one mail for good: another server's trouble passes. */
const permanentCommands = /^(MAIL FROM|RCPT TO|DATA)$/

type SmtpError = SMTPConnection.SMTPError

const judge = (error: SmtpError): Error => {
  const { responseCode = 0, command, code } = error
  const isForGood = responseCode >= 500 && responseCode < 600
  if (code === 'EENVELOPE' && isForGood) return new PermanentFailure(String(responseCode), { cause: error })
  if (code === 'EMESSAGE' && isForGood && permanentCommands.test(command ?? 'DATA'))
    return new PermanentFailure(String(responseCode), { cause: error })
  return error
}

const open = async ({ host, port, isTls, isLocal }: SmtpAddress, name: string): Promise<SMTPConnection> => {
  const { default: Connection } = await import('nodemailer/lib/smtp-connection')
  return new Connection({
    host,
    port,
    name,
    secure: isTls,
    requireTLS: !isTls && !isLocal,
    ignoreTLS: isLocal,
    tls: { minVersion: 'TLSv1.2' },
    ...timeouts,
  })
}

const handOver = async (
  connection: SMTPConnection,
  { user, password }: SmtpAddress,
  { from, to, raw }: Message,
): Promise<void> => {
  const { promise: failed, reject } = Promise.withResolvers<never>()
  connection.on('error', reject)
  connection.on('end', () => reject(new Error('the mail server has hung up')))
  const step = (run: (done: (error?: SmtpError | null) => void) => void): Promise<void> =>
    Promise.race([
      failed,
      new Promise<void>((resolve, refuse) => run(error => (error ? refuse(error) : resolve()))),
    ])
  await step(done => connection.connect(done))
  if (user !== undefined && password !== undefined)
    await step(done => connection.login({ user, pass: password }, done))
  await step(done => connection.send({ from, to: [to], size: raw.length }, raw, done))
}

/**
 * Hands mail to a server (RFC 6409), each on a connection of its own. Where the server is not on this machine
 * nothing is said to it without TLS, and its certificate is checked.
 *
 * @param name what we call ourselves there
 */
export const createSmtpTransport = (address: SmtpAddress, name: string): Transport => ({
  send: async (message, signal) => {
    const connection = await open(address, name)
    const aborted = once(signal, 'abort').then(() =>
      Promise.reject(new Error('nobody waits for it any more')),
    )
    try {
      signal.throwIfAborted()
      await Promise.race([aborted, handOver(connection, address, message)])
      connection.quit()
    } catch (error) {
      connection.close()
      throw judge(error as SmtpError)
    }
  },
})
