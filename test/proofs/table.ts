import {
  type Installation,
  type Owner,
  openCrashingPostgres,
  openPostgres,
  openSqlite,
} from './installation.ts'

type Proof = { readonly says: string; readonly open: (owner: Owner) => Promise<Installation> }

/** What `npm run proof` can show at random. */
export const proofs = {
  'kill-sqlite': {
    says: 'a server on SQLite that is killed at any moment loses nothing that it answered',
    open: openSqlite,
  },
  'kill-postgres': {
    says: 'a server on PostgreSQL that is killed at any moment loses nothing that it answered',
    open: openPostgres,
  },
  'crash-postgres': {
    says: 'a PostgreSQL server that crashes at any moment loses nothing that was answered',
    open: openCrashingPostgres,
  },
} as const satisfies Record<string, Proof>
