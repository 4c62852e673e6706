import { mkdir, open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Transport } from './transport.ts'

/** As people look for it: the newest last. */
const nameOf = (messageId: string, now: number): string =>
  `${new Date(now).toISOString().replaceAll(/[:.]/g, '-')}-${messageId.replaceAll(/[^\w-]+/g, '_').slice(1, 23)}`

/** The file is there whole or not at all, and only its owner reads it. */
const writeWhole = async (file: string, content: Buffer | string): Promise<void> => {
  const draft = `${file}.${process.pid}`
  const handle = await open(draft, 'w', 0o600)
  try {
    await handle.writeFile(content)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(draft, file)
}

/**
 * Writes each mail into a folder: as mail programs open it, and its text beside it, whose links can be copied out
 * of a terminal (a mail breaks them where a line is long).
 */
export const createOutbox = (folder: string, now: () => number): Transport => ({
  send: async ({ raw, to, subject, text, messageId }) => {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const file = join(folder, nameOf(messageId, now()))
    await writeWhole(`${file}.txt`, `To: ${to}\nSubject: ${subject}\n\n${text}`)
    await writeWhole(`${file}.eml`, raw)
  },
})
