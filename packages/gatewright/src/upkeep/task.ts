import type { MailDependencies } from '../mail/queue.ts'
import type { PruneDependencies } from '../sealing/prune.ts'
import type { SessionDependencies } from '../sessions/sessions.ts'
import type { Database } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'

export type TaskDependencies = SessionDependencies &
  MailDependencies &
  PruneDependencies & {
    readonly db: Database
    readonly settings: { readonly auditRetention: number }
  }

/** What one transaction has worked off, and whether nothing is left behind it. */
export type Batch = { readonly rows: number; readonly isLast: boolean }

/** A work that is done in batches, each in a transaction of its own. */
export type Task = {
  readonly name: string
  readonly begin: (dependencies: TaskDependencies) => (work: Work) => Promise<Batch>
}
