import type { Database } from 'gatewright/database'
import { bothWays, byColumn, isWithin, type Page, type Place, type Sort, toPage } from '../paging/keyset.ts'
import { blogTables, type TodoRow } from '../tables.ts'
import { dueDownwards, dueUpwards } from './due.ts'

export const todoSorts = {
  ...byColumn('created_at', 'number'),
  ...byColumn('updated_at', 'number'),
  ...byColumn('title', 'string'),
  ...bothWays('due_at', { type: 'number', ascending: dueUpwards, descending: dueDownwards }),
}

export type TodoSearch = {
  readonly ownerId: string
  readonly sort: Sort
  readonly limit: number
  readonly after?: Place | undefined
  readonly done?: boolean | undefined
  /** Milliseconds; a todo without a due time is due before nothing. */
  readonly dueBefore?: number | undefined
}

/** A page of the owner's todos, behind a place. */
export const listTodosBehind = async (
  db: Database,
  { ownerId, sort, limit, after, done, dueBefore }: TodoSearch,
): Promise<Page<TodoRow & Place>> => {
  const rows = await blogTables(db)
    .selectFrom('todos')
    .selectAll()
    .select(sort.key.as('key'))
    .where('owner_id', '=', ownerId)
    .where(isWithin({ sort, after }))
    .$if(done !== undefined, query => query.where('done', '=', done ? 1 : 0))
    .$if(dueBefore !== undefined, query => query.where(dueUpwards, '<', dueBefore ?? 0))
    .orderBy(sort.key, sort.direction)
    .orderBy('id', sort.direction)
    .limit(limit + 1)
    .execute()
  return toPage(rows, limit)
}
