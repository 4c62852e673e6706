import type { Seeded } from '../sessions/seeded.ts'
import {
  type Installation,
  type Owner,
  openCrashingPostgres,
  openPostgres,
  openSqlite,
} from './installation.ts'
import { type KeyDatabase, openKeysOnPostgres, openKeysOnSqlite } from './key-database.ts'
import { proveKeys } from './key-proof.ts'
import { proveKills } from './kill-proof.ts'
import type { Tally } from './tally.ts'
import { proveTokens } from './token-proof.ts'

/** So many runs, one after the other, on something of their own that ends with its owner. */
export type Chain = {
  readonly owner: Owner
  readonly runs: number
  readonly seeded: Seeded
  readonly tally: Tally
}

export type Proof = {
  readonly says: string
  /** As many as are asked for without a number. */
  readonly runs: number
  /** How many of them are made one after the other on one database, where it is not a few. */
  readonly longestChain?: number
  readonly prove: (chain: Chain) => Promise<void>
}

const kills =
  (open: (owner: Owner) => Promise<Installation>): Proof['prove'] =>
  async ({ owner, ...chain }) =>
    proveKills({ ...chain, installation: await open(owner) })

const keys =
  (open: (owner: Owner) => Promise<KeyDatabase>): Proof['prove'] =>
  async ({ owner, ...chain }) =>
    proveKeys({ ...chain, owner, database: await open(owner) })

/** What `npm run proof` shows at random. */
export const proofs = {
  'kill-sqlite': {
    says: 'a server on SQLite that is killed at any moment loses nothing that it answered',
    runs: 100,
    prove: kills(openSqlite),
  },
  'kill-postgres': {
    says: 'a server on PostgreSQL that is killed at any moment loses nothing that it answered',
    runs: 100,
    prove: kills(openPostgres),
  },
  'crash-postgres': {
    says: 'a PostgreSQL server that crashes at any moment loses nothing that was answered',
    runs: 100,
    prove: kills(openCrashingPostgres),
  },
  tokens: {
    says: 'a process that was shown 10,000 new access tokens in each run has the memory that it had before',
    runs: 500,
    longestChain: 500,
    prove: proveTokens,
  },
  'keys-sqlite': {
    says: 'eight processes on SQLite that are killed at any step make each signing key once, and know every token',
    runs: 100,
    longestChain: 100,
    prove: keys(openKeysOnSqlite),
  },
  'keys-postgres': {
    says: 'eight processes on PostgreSQL that are killed at any step make each signing key once, and know every token',
    runs: 100,
    longestChain: 100,
    prove: keys(openKeysOnPostgres),
  },
} as const satisfies Record<string, Proof>

export type ProofName = keyof typeof proofs
export const proofNames = Object.keys(proofs) as ProofName[]
