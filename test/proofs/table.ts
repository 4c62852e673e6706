import { onPostgres, onSqlite, onValkey, proveLimits } from '../limits/prove.ts'
import { pairs, signIns } from '../models/pairs.ts'
import { proveModel } from '../models/prove.ts'
import { slowRequests } from '../models/slow-requests.ts'
import { proveAudit } from './audit-proof.ts'
import type { Chain } from './chain.ts'
import { proveGuessing } from './guessing-proof.ts'
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
import { proveMailOnPostgres, proveMailOnSqlite } from './mail-proof.ts'
import { proveMalformed } from './malformed-proof.ts'
import { proveRefusals } from './refusals-proof.ts'
import { proveRestarts } from './restarts.ts'
import { proveStopped } from './stopped-proof.ts'
import { proveTokens } from './token-proof.ts'
import { proveUnusual } from './unusual-proof.ts'

export type Proof = {
  readonly says: string
  /** As many as are asked for without a number. */
  readonly runs: number
  /** So many share one database. */
  readonly chain: number
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

const restarts =
  (open: (owner: Owner) => Promise<Installation>): Proof['prove'] =>
  async chain =>
    proveRestarts({ ...chain, installation: await open(chain.owner) })

/** Each pair of an attempt with an event that can happen meanwhile is played so often. */
const ofEach = 10_000

/** What `npm run proof` shows at random. */
export const proofs = {
  'kill-sqlite': {
    says: 'a server on SQLite that is killed at any moment loses nothing that it answered',
    runs: 100,
    chain: 10,
    prove: kills(openSqlite),
  },
  'kill-postgres': {
    says: 'a server on PostgreSQL that is killed at any moment loses nothing that it answered',
    runs: 100,
    chain: 10,
    prove: kills(openPostgres),
  },
  'crash-postgres': {
    says: 'a PostgreSQL server that crashes at any moment loses nothing that was answered',
    runs: 100,
    chain: 10,
    prove: kills(openCrashingPostgres),
  },
  'restarts-sqlite': {
    says: 'two workers on SQLite that are restarted in turn, at 200 requests a second, fail none of them',
    runs: 10,
    chain: 10,
    prove: restarts(openSqlite),
  },
  'restarts-postgres': {
    says: 'two workers on PostgreSQL that are restarted in turn, at 200 requests a second, fail none of them',
    runs: 10,
    chain: 10,
    prove: restarts(openPostgres),
  },
  guessing: {
    says: 'so many guesses at one user from 300 addresses, after other attacks: 20 an hour reach the hash at most',
    runs: 10_000,
    chain: 10_000,
    prove: proveGuessing,
  },
  audit: {
    says: 'several sealers at once make one chain, and whatever value of it is changed afterwards is found',
    runs: 2_000,
    chain: 100,
    prove: proveAudit,
  },
  unusual: {
    says: 'busy Mondays of 500 people raise no pattern of unusual sign-ins but the new telephones',
    runs: 100,
    chain: 25,
    prove: proveUnusual,
  },
  tokens: {
    says: 'a process that was shown 10,000 new access tokens in each run has the memory that it had before',
    runs: 500,
    chain: 500,
    prove: proveTokens,
  },
  refusals: {
    says: 'every caller at every route with every kind of wrong request: each refusal leaves the events that its row promises',
    runs: 20_000,
    chain: 2_000,
    prove: proveRefusals,
  },
  'mail-sqlite': {
    says: 'a process on SQLite that is killed at any step of sending loses no mail, and none comes twice without need',
    runs: 100,
    chain: 25,
    prove: proveMailOnSqlite,
  },
  'mail-postgres': {
    says: 'a process on PostgreSQL that is killed at any step of sending loses no mail, and none comes twice without need',
    runs: 100,
    chain: 25,
    prove: proveMailOnPostgres,
  },
  stopped: {
    says: 'a process that stands still for a minute lets nobody in who has ended meanwhile',
    runs: 8,
    chain: 2,
    prove: proveStopped,
  },
  'keys-sqlite': {
    says: 'eight processes on SQLite that are killed at any step make each signing key once, and know every token',
    runs: 100,
    chain: 100,
    prove: keys(openKeysOnSqlite),
  },
  'keys-postgres': {
    says: 'eight processes on PostgreSQL that are killed at any step make each signing key once, and know every token',
    runs: 100,
    chain: 100,
    prove: keys(openKeysOnPostgres),
  },
  'refresh-sqlite': {
    says: 'devices, tabs and a thief refresh at once on SQLite, as the rules say',
    runs: 100_000,
    chain: 2_500,
    prove: proveModel('refresh', 'sqlite'),
  },
  'refresh-postgres': {
    says: 'the same on PostgreSQL, in two processes',
    runs: 100_000,
    chain: 2_500,
    prove: proveModel('refresh', 'postgres'),
  },
  'sessions-sqlite': {
    says: 'no sign-in outlives an event that happens at the same time, on SQLite',
    runs: ofEach * pairs.length,
    chain: 5_000,
    prove: proveModel('sessions', 'sqlite'),
  },
  'sessions-postgres': {
    says: 'the same on PostgreSQL, in two processes',
    runs: ofEach * pairs.length,
    chain: 5_000,
    prove: proveModel('sessions', 'postgres'),
  },
  'sign-ins-sqlite': {
    says: 'of these, the ones that begin a session',
    runs: ofEach * signIns.length,
    chain: 5_000,
    prove: proveModel('sign-ins', 'sqlite'),
  },
  'sign-ins-postgres': {
    says: 'the same on PostgreSQL, in two processes',
    runs: ofEach * signIns.length,
    chain: 5_000,
    prove: proveModel('sign-ins', 'postgres'),
  },
  'sessions-slow-sqlite': {
    says: 'no write outlives a logout while its body is on the way, on SQLite',
    runs: ofEach * slowRequests,
    chain: 5_000,
    prove: proveModel('slow requests', 'sqlite'),
  },
  'sessions-slow-postgres': {
    says: 'the same on PostgreSQL, in two processes',
    runs: ofEach * slowRequests,
    chain: 5_000,
    prove: proveModel('slow requests', 'postgres'),
  },
  malformed: {
    says: 'no request of a broken form ends a server, or is a surprise to it',
    runs: 100_000,
    chain: 25_000,
    prove: proveMalformed,
  },
  'limits-sqlite': {
    says: 'three processes that count limits in SQLite refuse nobody under one, and keep what its kind promises',
    runs: 400,
    chain: 100,
    prove: proveLimits(onSqlite),
  },
  'limits-postgres': {
    says: 'the same in PostgreSQL',
    runs: 400,
    chain: 100,
    prove: proveLimits(onPostgres),
  },
  'limits-valkey': {
    says: 'the same in Valkey, which is killed in each run and comes back empty',
    runs: 400,
    chain: 100,
    prove: proveLimits(onValkey),
  },
} as const satisfies Record<string, Proof>

export type ProofName = keyof typeof proofs
export const proofNames = Object.keys(proofs) as ProofName[]
