import type { Clock } from 'gatewright/clock'
import type { Database } from 'gatewright/database'
import { newId, type Random } from 'gatewright/random'
import { Refusal } from 'gatewright/refusal'
import { blogTables, type TodoRow } from '../tables.ts'

type Dependencies = { readonly db: Database; readonly clock: Clock }

/** Which of whose todos: every statement carries the owner. */
type OwnTodo = { readonly ownerId: string; readonly id: string }

/** A todo as access rules see it: always private to its owner. */
export const findTodoThing = async (db: Database, id: string) => {
  const row = await blogTables(db)
    .selectFrom('todos')
    .select('owner_id')
    .where('id', '=', id)
    .executeTakeFirst()
  return row && { ownerId: row.owner_id, isPublic: false }
}

/** The owner's todos, newest first. */
export const listTodos = async (
  db: Database,
  { ownerId, page, perPage }: { readonly ownerId: string; readonly page: number; readonly perPage: number },
) => {
  const query = blogTables(db).selectFrom('todos').where('owner_id', '=', ownerId)
  const todos = await query
    .selectAll()
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(perPage)
    .offset((page - 1) * perPage)
    .execute()
  const { total } = await query.select(eb => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow()
  return { todos, total: Number(total) }
}

/** @throws Refusal `not_found` */
export const getTodo = async (db: Database, { ownerId, id }: OwnTodo): Promise<TodoRow> => {
  const row = await blogTables(db)
    .selectFrom('todos')
    .selectAll()
    .where('id', '=', id)
    .where('owner_id', '=', ownerId)
    .executeTakeFirst()
  if (row === undefined) throw new Refusal('not_found')
  return row
}

export const addTodo = async (
  { db, clock, random }: Dependencies & { readonly random: Random },
  { ownerId, title, done }: { readonly ownerId: string; readonly title: string; readonly done: boolean },
): Promise<TodoRow> => {
  const now = clock.now()
  const row: TodoRow = {
    id: newId(random),
    owner_id: ownerId,
    title,
    done: done ? 1 : 0,
    created_at: now,
    updated_at: now,
  }
  await blogTables(db).insertInto('todos').values(row).execute()
  return row
}

/** Changes the fields given. @throws Refusal `not_found` */
export const changeTodo = async (
  { db, clock }: Dependencies,
  { ownerId, id }: OwnTodo,
  { title, done }: { readonly title?: string; readonly done?: boolean },
): Promise<TodoRow> => {
  const row = await blogTables(db)
    .updateTable('todos')
    .set({
      updated_at: clock.now(),
      ...(title !== undefined && { title }),
      ...(done !== undefined && { done: done ? 1 : 0 }),
    })
    .where('id', '=', id)
    .where('owner_id', '=', ownerId)
    .returningAll()
    .executeTakeFirst()
  if (row === undefined) throw new Refusal('not_found')
  return row
}

/** Takes all todos of an owner away; what is not there any more is no failure. */
export const deleteTodosOf = async (db: Database, ownerId: string): Promise<void> => {
  await blogTables(db).deleteFrom('todos').where('owner_id', '=', ownerId).execute()
}

/** @throws Refusal `not_found` */
export const deleteTodo = async (db: Database, { ownerId, id }: OwnTodo): Promise<void> => {
  const { numDeletedRows } = await blogTables(db)
    .deleteFrom('todos')
    .where('id', '=', id)
    .where('owner_id', '=', ownerId)
    .executeTakeFirst()
  if (numDeletedRows !== 1n) throw new Refusal('not_found')
}
