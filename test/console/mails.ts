import assert from 'node:assert/strict'
import type { SentMail } from '../../packages/gatewright/src/testing/record-mail.ts'
import type { Console } from './start-console.ts'

/** Every mail to an address, the oldest first, once what is due has gone out. */
export const mailsTo = async ({ t }: Console, address: string): Promise<readonly SentMail[]> =>
  (await t.deliverMail()).filter(({ to }) => to === address)

/** Subjects of the mails to an address, the oldest first. */
export const subjectsTo = async (console: Console, address: string): Promise<readonly string[]> =>
  (await mailsTo(console, address)).map(({ subject }) => subject)

/** Where the link of the newest mail to an address leads, as it stands there. */
export const newestLink = async (console: Console, address: string): Promise<string> => {
  const link = (await mailsTo(console, address)).at(-1)?.link
  assert.ok(link, `a mail with a link went to ${address}`)
  return `${link.path}#${link.token}`
}
