import type { Database } from 'gatewright/database'
import { blogTables } from '../tables.ts'

/** What the blog keeps of a user, for the user's own copy of it: drafts too. */
export const userData = {
  posts: (userId: string, { db }: { readonly db: Database }) =>
    blogTables(db)
      .selectFrom('posts')
      .select(['id', 'title', 'content', 'published', 'created_at', 'updated_at'])
      .where('author_id', '=', userId)
      .execute(),
  todos: (userId: string, { db }: { readonly db: Database }) =>
    blogTables(db)
      .selectFrom('todos')
      .select(['id', 'title', 'done', 'due_at', 'created_at', 'updated_at'])
      .where('owner_id', '=', userId)
      .execute(),
}
