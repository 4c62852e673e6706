import type { Clock } from '../ground/clock.ts'
import { currentTrace } from '../ground/trace-context.ts'
import type { Work } from '../storage/transaction.ts'
import type { HookDetails, HookName } from './events.ts'

/** Told after a commit that the queue has something new. */
export type HookDependencies = {
  readonly clock: Clock
  readonly hooks: { readonly wake: () => void }
}

const isDeclared = async ({ db }: Work, name: HookName): Promise<boolean> => {
  const row = await db.selectFrom('declared_hooks').select('name').where('name', '=', name).executeTakeFirst()
  return row !== undefined
}

/**
 * Queues an event in the transaction of its cause, where an application has declared a handler. The
 * declaration stands in the database, so a command line that knows no application queues as well.
 */
export const emitHook = async <Name extends HookName>(
  { clock, hooks }: HookDependencies,
  work: Work,
  name: Name,
  { userId, ...details }: { readonly userId: string } & HookDetails<Name>,
): Promise<void> => {
  if (!(await isDeclared(work, name))) return
  const now = clock.now()
  const trace = currentTrace()
  const told = JSON.stringify({ ...details, ...(trace && { trace }) })
  await work.db
    .insertInto('hook_events')
    .values({ name, user_id: userId, at: now, details: told, attempts: 0, due_at: now })
    .execute()
  work.afterCommit(hooks.wake)
}
