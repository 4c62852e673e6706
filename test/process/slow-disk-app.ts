import fs, { rmSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { serve } from 'gatewright/server'
import { blog, mount } from '../../apps/blog/src/blog.ts'
import type { Folder } from './spawned-server.ts'

/** The blog on a disk of which a test says when it is slow. */
export const slowDiskApp = import.meta.filename

const sign = 'the disk is slow'

/** From then on the disk takes nothing of the log of writes, until it is to go on. */
export const slowDown = (folder: Folder): void => writeFileSync(join(folder.path, sign), '')
export const goOn = (folder: Folder): void => rmSync(join(folder.path, sign), { force: true })

/** Node.js' own, as the write log calls it, a little later. */
const delaySyncs = (): void => {
  const { fdatasync } = fs
  fs.fdatasync = Object.assign(
    (file: number, done: fs.NoParamCallback) => {
      const sync = (): void => void (fs.existsSync(sign) ? setTimeout(sync, 10) : fdatasync(file, done))
      sync()
    },
    { __promisify__: fdatasync.__promisify__ },
  )
  syncBuiltinESMExports()
}

if (import.meta.main) {
  delaySyncs()
  // Not waited for: the test that loads this file shares its process with others.
  void serve({ mount, application: blog })
}
