import { toDeviceName } from '../ground/device-name.ts'
import { isMailAddress, type Mailbox } from '../ground/mail-address.ts'
import type { Letter } from './queue.ts'
import { renderLetter, type Sender } from './render.ts'
import { type Message, PermanentFailure } from './transport.ts'

export type Post = Sender & { readonly from: Mailbox }

/** The part of a Message-ID behind the `@`. */
const hostOf = (publicUrl: string): string =>
  new URL(publicUrl).hostname.replaceAll(/[^\w.-]/g, '') || 'localhost'

const isOneLine = (text: string): boolean => !/\p{Cc}/u.test(text)

/** A User-Agent as people call it. */
const nameDevice = async (letter: Letter): Promise<Letter> => {
  const { values } = letter
  if (values.device === undefined) return letter
  return { ...letter, values: { ...values, device: (await toDeviceName(values.device)).text } }
}

/**
 * Writes a letter as a mail. What would be a second recipient or another header is no mail at all.
 * @throws PermanentFailure
 */
export const writeMessage = async (
  post: Post,
  letter: Letter,
  { id, createdAt }: { readonly id: string; readonly createdAt: number },
): Promise<Message> => {
  const rendered = renderLetter(await nameDevice(letter), post)
  if (!isMailAddress(letter.to)) throw new PermanentFailure('no-address')
  if (!isOneLine(rendered.subject) || !isOneLine(post.from.name)) throw new PermanentFailure('two-lines')
  // Loaded with the first mail: it takes a tenth of the time of a start.
  const { default: MailComposer } = await import('nodemailer/lib/mail-composer')
  const messageId = `<${id}@${hostOf(post.publicUrl)}>`
  const composer = new MailComposer({
    from: post.from,
    to: { name: '', address: letter.to },
    ...rendered,
    messageId,
    date: new Date(createdAt),
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
    xMailer: false,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  const raw = await composer.compile().build()
  return { ...rendered, messageId, from: post.from.address, to: letter.to, raw }
}
