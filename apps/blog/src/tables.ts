import type { Database } from 'gatewright/database'
import type { Generated, Kysely, Selectable } from 'kysely'

/** The blog's own tables, in the same database as the engine's. Times in milliseconds. */
type BlogTables = {
  posts: PostsTable
  todos: TodosTable
}

type PostsTable = {
  id: string
  author_id: string
  title: string
  content: string
  /** 1 where everybody may read it, 0 for a draft. */
  published: number
  created_at: number
  updated_at: number
  /** Raised by every change. */
  version: Generated<number>
}

type TodosTable = {
  id: string
  owner_id: string
  title: string
  done: number
  due_at: number | null
  created_at: number
  updated_at: number
  /** Raised by every change. */
  version: Generated<number>
}

export type BlogDatabase = Kysely<BlogTables>
export type PostRow = Selectable<PostsTable>
export type TodoRow = Selectable<TodosTable>

/** The engine's database, seen with the blog's tables. Works on a transaction as well. */
export const blogTables = (db: Database): BlogDatabase =>
  db.withTables<BlogTables>() as unknown as BlogDatabase
