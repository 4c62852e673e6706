import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'

/** What a mail server is asked, in this order. */
export const steps = ['connect', 'from', 'recipient', 'data'] as const
export type Step = (typeof steps)[number]

/** A mail as the server has taken it. */
export type Taken = {
  readonly from: string
  readonly to: readonly string[]
  readonly messageId: string
  readonly raw: string
  readonly isOverTls: boolean
  readonly user: string | undefined
}

export type MailServer = {
  readonly port: number
  readonly url: string
  /** Whole mails, before they were accepted. */
  readonly seen: readonly Taken[]
  /** Mails for which the server has taken the responsibility. */
  readonly taken: readonly Taken[]
  readonly close: () => Promise<void>
}

/** On which connection something is asked, and for whom where one is named. */
export type Asked = { readonly connection: string; readonly recipient?: string }

export type MailServerOptions = Pick<SMTPServerOptions, 'secure' | 'key' | 'cert' | 'authOptional'> & {
  /** Called before the server answers a step: throws an error with `responseCode` to refuse. */
  readonly onStep?: (step: Step, asked: Asked) => void | Promise<void>
  readonly credentials?: { readonly user: string; readonly password: string }
  readonly offersTls?: boolean
}

export const refusal = (responseCode: number): Error =>
  Object.assign(new Error('refused by the test'), { responseCode })

const messageIdOf = (raw: string): string => /^message-id: (.*)$/im.exec(raw)?.[1]?.trim() ?? ''

/** A real SMTP server on this machine. */
export const startMailServer = async (options: MailServerOptions = {}): Promise<MailServer> => {
  const { onStep = () => {}, credentials, offersTls = false, ...rest } = options
  const [seen, taken]: [Taken[], Taken[]] = [[], []]
  const ask = (step: Step, asked: Asked, done: (error?: Error) => void): void => {
    Promise.resolve()
      .then(() => onStep(step, asked))
      .then(() => done(), done)
  }
  const server = new SMTPServer({
    disabledCommands: [
      ...(offersTls || rest.secure ? [] : ['STARTTLS']),
      ...(credentials === undefined ? ['AUTH'] : []),
    ],
    disableReverseLookup: true,
    logger: false,
    ...rest,
    onConnect: ({ id: connection }, done) => ask('connect', { connection }, done),
    onAuth: ({ username, password }, _session, done) =>
      username === credentials?.user && password === credentials?.password
        ? done(null, { user: username })
        : done(new Error('wrong')),
    onMailFrom: (_address, { id: connection }, done) => ask('from', { connection }, done),
    onRcptTo: ({ address }, { id: connection }, done) =>
      ask('recipient', { connection, recipient: address }, done),
    onData: (stream, session, done) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const raw = Buffer.concat(chunks).toString()
        const { mailFrom, rcptTo } = session.envelope
        const mail = {
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          messageId: messageIdOf(raw),
          raw,
          isOverTls: session.secure,
          user: typeof session.user === 'string' ? session.user : undefined,
        }
        seen.push(mail)
        ask('data', { connection: session.id }, error => {
          if (error === undefined) taken.push(mail)
          done(error)
        })
      })
    },
  })
  server.on('error', () => {})
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  const { port } = server.server.address() as AddressInfo
  return {
    port,
    url: `smtp://127.0.0.1:${port}`,
    seen,
    taken,
    close: () =>
      new Promise(resolve => {
        for (const connection of server.connections) connection.close()
        server.close(() => resolve())
      }),
  }
}
