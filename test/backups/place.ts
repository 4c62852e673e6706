import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from 'gatewright/clock'
import { systemRandom } from 'gatewright/random'
import { finishRestore } from '../../packages/gatewright/src/administration/finish-restore.ts'
import { commandLineOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { loadBackup } from '../../packages/gatewright/src/backups/load-backup.ts'
import { makeBackup } from '../../packages/gatewright/src/backups/make-backup.ts'
import { readRevocations } from '../../packages/gatewright/src/backups/revocations-file.ts'
import { createSecrets } from '../../packages/gatewright/src/ground/secrets.ts'
import { databaseFile, isPostgresUrl, openDatabase } from '../../packages/gatewright/src/storage/database.ts'
import { testsDatabase } from '../environment.ts'
import { addDatabase } from '../postgres/query.ts'
import { type RealApp, secret, startRealApp } from '../postgres/real-app.ts'

type Owner = { readonly after: (end: () => Promise<void> | void) => void }

/** Folders and empty databases of one test. */
export type Place = {
  readonly file: (name: string) => string
  /** The address of a database that is not there yet, or is empty. */
  readonly newUrl: () => Promise<string>
}

export const newPlace = (owner: Owner): Place => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-backup-'))
  owner.after(() => rmSync(folder, { recursive: true, force: true }))
  let count = 0
  return {
    file: name => join(folder, name),
    newUrl: async () => {
      count += 1
      return testsDatabase.kind === 'postgres' && testsDatabase.server !== undefined
        ? addDatabase(testsDatabase.server)
        : `sqlite:${join(folder, `${count}.db`)}`
    },
  }
}

export const secrets = createSecrets([secret], systemRandom)
const random = systemRandom

export const startApp = async (owner: Owner, url: string): Promise<RealApp> => {
  const app = await startRealApp(url)
  owner.after(app.close)
  return app
}

/** As the command does. */
export const backUp = async (url: string, to: string) => {
  const db = openDatabase(url, { pool: 1, longestQuery: 0 })
  return makeBackup(
    { db, secrets, random, clock: systemClock, version: '1.0.0' },
    { to, replace: false },
  ).finally(() => db.destroy())
}

export const load = (url: string, from: string, erase = false) =>
  loadBackup({ url, secrets, random }, { from, erase })

/** What the command does behind it, with the export of this file. */
export const adopt = async (url: string, revocations?: string, madeAt?: number) => {
  const later = revocations === undefined ? undefined : await readRevocations(revocations, secrets)
  const app = await startRealApp(url, {}, { kind: 'command', adopts: true })
  const file = isPostgresUrl(url) ? undefined : databaseFile(url)
  const asked = { origin, file, later, madeAt, owner: app.engine.db }
  return finishRestore(app.engine, asked).finally(app.close)
}

export const restore = async (url: string, from: string, erase = false) => {
  const loaded = await load(url, from, erase)
  return { ...loaded, ...(await adopt(url)) }
}
