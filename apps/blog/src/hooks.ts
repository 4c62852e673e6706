import type { Hooks } from 'gatewright/hooks'
import { deleteTodosOf } from './todos/todos.ts'

/** What the blog does when something happened to a user. The posts of a deleted user stay. */
export const hooks: Hooks = {
  'user-deleted': ({ userId }, { db }) => deleteTodosOf(db, userId),
}
