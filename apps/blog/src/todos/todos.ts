import type { Clock } from 'gatewright/clock'
import type { Database } from 'gatewright/database'
import { insertForUser } from 'gatewright/insert-for-user'
import { newId, type Random } from 'gatewright/random'
import { Refusal } from 'gatewright/refusal'
import { blogTables, type TodoRow } from '../tables.ts'

type Dependencies = { readonly db: Database; readonly clock: Clock }

/** Which of whose todos: every statement carries the owner. */
type OwnTodo = { readonly ownerId: string; readonly id: string }

/** In which versions only it is to be changed, where that matters. */
type Versions = { readonly versions?: readonly number[] | undefined }

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

export type NewTodo = {
  readonly ownerId: string
  readonly title: string
  readonly done: boolean
  readonly dueAt?: number | null
}

export const addTodo = async (
  { db, clock, random }: Dependencies & { readonly random: Random },
  { ownerId, title, done, dueAt = null }: NewTodo,
): Promise<TodoRow> => {
  const now = clock.now()
  const row: TodoRow = {
    id: newId(random),
    owner_id: ownerId,
    title,
    done: done ? 1 : 0,
    due_at: dueAt,
    created_at: now,
    updated_at: now,
    version: 1,
  }
  await insertForUser(db, 'todos', row, ownerId)
  return row
}

export type TodoChange = {
  readonly title?: string
  readonly done?: boolean
  readonly dueAt?: number | null | undefined
}

/** Why no row was changed: there is none, or it has another version. */
const toRefusal = async (db: Database, own: OwnTodo): Promise<Refusal> => {
  await getTodo(db, own)
  return new Refusal('precondition_failed')
}

/** Changes the fields given. @throws Refusal `not_found`, `precondition_failed` */
export const changeTodo = async (
  { db, clock }: Dependencies,
  { ownerId, id, versions }: OwnTodo & Versions,
  { title, done, dueAt }: TodoChange,
): Promise<TodoRow> => {
  const row = await blogTables(db)
    .updateTable('todos')
    .set(eb => ({
      version: eb('version', '+', 1),
      updated_at: clock.now(),
      ...(title !== undefined && { title }),
      ...(done !== undefined && { done: done ? 1 : 0 }),
      ...(dueAt !== undefined && { due_at: dueAt }),
    }))
    .where('id', '=', id)
    .where('owner_id', '=', ownerId)
    .$if(versions !== undefined, query => query.where('version', 'in', versions ?? []))
    .returningAll()
    .executeTakeFirst()
  if (row === undefined) throw await toRefusal(db, { ownerId, id })
  return row
}

/** Takes all todos of an owner away; what is not there any more is no failure. */
export const deleteTodosOf = async (db: Database, ownerId: string): Promise<void> => {
  await blogTables(db).deleteFrom('todos').where('owner_id', '=', ownerId).execute()
}

/** @throws Refusal `not_found`, `precondition_failed` */
export const deleteTodo = async (
  db: Database,
  { ownerId, id, versions }: OwnTodo & Versions,
): Promise<void> => {
  const { numDeletedRows } = await blogTables(db)
    .deleteFrom('todos')
    .where('id', '=', id)
    .where('owner_id', '=', ownerId)
    .$if(versions !== undefined, query => query.where('version', 'in', versions ?? []))
    .executeTakeFirst()
  if (numDeletedRows !== 1n) throw await toRefusal(db, { ownerId, id })
}
