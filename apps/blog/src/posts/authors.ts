import type { Database } from 'gatewright/database'
import { toMark } from 'gatewright/entity-tags'
import { flag, named, strictObject, textOrNull } from 'gatewright/schemas'
import { showUserFields } from 'gatewright/user-fields'
import { listUsersById } from 'gatewright/users'
import type { PostRow } from '../tables.ts'
import { userFields } from '../users/fields.ts'

export const authorSchema = named(
  'Author',
  strictObject({ username: textOrNull, display_name: textOrNull, deleted: flag }),
)

export type Author = {
  /** Null where the user was deleted. */
  readonly username: string | null
  readonly display_name: string | null
  readonly deleted: boolean
}

/** Another text for everything else that is shown of an author; empty for one who has only a username. */
export const toAuthorMark = ({ display_name, deleted }: Author): string => {
  if (deleted) return 'deleted'
  return display_name === null ? '' : toMark(display_name)
}

/** Looks up the authors of these posts, with one query. A post outlives its author. */
export const findAuthors = async (
  db: Database,
  posts: readonly Pick<PostRow, 'author_id'>[],
): Promise<(post: Pick<PostRow, 'author_id'>) => Author> => {
  const users = await listUsersById(
    db,
    posts.map(({ author_id }) => author_id),
  )
  return ({ author_id: id }) => {
    const user = users.get(id)
    if (user === undefined) return { username: null, display_name: null, deleted: true }
    const { display_name = null } = showUserFields(userFields, user.fields, 'public')
    return { username: user.username, display_name, deleted: false }
  }
}
