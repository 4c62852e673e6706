import { mkdir, open, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Transport } from './transport.ts'

/** As people look for it: the newest last. */
const fileName = (messageId: string, now: number): string =>
  `${new Date(now).toISOString().replaceAll(/[:.]/g, '-')}-${messageId.replaceAll(/[^\w-]+/g, '_').slice(1, 23)}.eml`

/**
 * Writes each mail into a folder, as a file that mail programs open and only its owner reads. A file is there
 * whole or not at all.
 */
export const createOutbox = (folder: string, now: () => number): Transport => ({
  send: async ({ raw, messageId }) => {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const file = join(folder, fileName(messageId, now()))
    const draft = join(dirname(file), `.${Math.trunc(now())}-${messageId.slice(1, 23)}.part`)
    const handle = await open(draft, 'w', 0o600)
    try {
      await handle.writeFile(raw)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(draft, file)
  },
})
