import type { Transport } from '../mail/transport.ts'

/** A mail that was sent. */
export type SentMail = {
  readonly messageId: string
  readonly from: string
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly html: string
  /** Where its link leads, and the secret behind the `#`; undefined where it has none. */
  readonly link?: { readonly path: string; readonly token: string }
}

const linkOf = (text: string): SentMail['link'] => {
  const [, path, token] = /^\S+?(\/console\/[\w-]+)#(\S+)$/m.exec(text) ?? []
  return path === undefined || token === undefined ? undefined : { path, token }
}

/** Takes mail as a mail server does, and keeps it. */
export const recordMail = (): { readonly transport: Transport; readonly sent: readonly SentMail[] } => {
  const sent: SentMail[] = []
  const transport: Transport = {
    send: async ({ raw: _, ...message }) => {
      const link = linkOf(message.text)
      sent.push({ ...message, ...(link && { link }) })
    },
  }
  return { transport, sent }
}
