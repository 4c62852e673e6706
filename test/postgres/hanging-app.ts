import { everyone } from 'gatewright/access'
import type { Application } from 'gatewright/app'
import type { Database } from 'gatewright/database'
import { nothing } from 'gatewright/schemas'
import { serve } from 'gatewright/server'
import { sql } from 'kysely'

/** A program whose request, and whose hook, each keep a connection in a transaction for ever. */
export const hangingApp = import.meta.filename

/** Says on its standard output that it has begun. */
const hang = (db: Database, what: string): Promise<void> =>
  db.transaction().execute(async transaction => {
    await sql`select 1`.execute(transaction)
    process.stdout.write(`${what} hangs\n`)
    await new Promise(() => {})
  })

const gate = { access: everyone(), limit: 'unlimited', audit: 'none' } as const

const application: Application = {
  plugin: async app => {
    app.get('/hang', { config: { gate }, schema: { response: { 204: nothing } } }, () =>
      hang(app.gatewright.db, 'a request'),
    )
  },
  hooks: { registered: (_event, { db }) => hang(db, 'a hook') },
}

if (import.meta.main) await serve({ mount: '/auth', application })
