import { allOf, anyOf, owner, ownSession, permission, visible } from 'gatewright/access'
import { toTimestamp } from 'gatewright/clock'
import type { Database } from 'gatewright/database'
import { toVersionTag } from 'gatewright/entity-tags'
import type { Principal } from 'gatewright/principal'
import { anyText, flag, madeUpId, named, strictObject, text, timestamp } from 'gatewright/schemas'
import { everyKind } from '../audience.ts'
import type { PostRow } from '../tables.ts'
import { type Author, authorSchema, findAuthors, toAuthorMark } from './authors.ts'

export const title = text(1, 200)
/** A page of a list holds a hundred posts at most, so this bounds what one request can ask for. */
export const content = text(0, 20_000)

export const postSchema = named(
  'Post',
  strictObject({
    id: anyText,
    user_id: anyText,
    author: authorSchema,
    title: anyText,
    content: anyText,
    published: flag,
    created_at: timestamp,
    updated_at: timestamp,
  }),
)

/** What examples write, and the post that is then answered. */
export const writtenExample = { title: 'Hello', content: 'For everybody.', published: true }
export const postExample = {
  id: madeUpId,
  user_id: madeUpId,
  author: { username: 'alice', display_name: null, deleted: false },
  ...writtenExample,
  created_at: '2026-11-21T12:00:00.000Z',
  updated_at: '2026-11-21T12:00:00.000Z',
}

const toPost = (row: PostRow, author: Author) => ({
  id: row.id,
  user_id: row.author_id,
  author,
  title: row.title,
  content: row.content,
  published: row.published === 1,
  created_at: toTimestamp(row.created_at),
  updated_at: toTimestamp(row.updated_at),
})

/** Posts as an answer shows them, with their authors as they are now. */
export const showPosts = async (db: Database, rows: readonly PostRow[]) => {
  const authorOf = await findAuthors(db, rows)
  return rows.map(row => toPost(row, authorOf(row)))
}

/** One post as an answer shows it, and its ETag: what is shown of the author changes without the post. */
export const showPost = async (db: Database, row: PostRow) => {
  const author = (await findAuthors(db, [row]))(row)
  return { post: toPost(row, author), etag: toVersionTag(row.version, toAuthorMark(author)) }
}

/** What every route of posts declares. */
export const common = { principals: everyKind, audit: 'none' } as const
/**
 * An author sees drafts and changes what is there without being allowed to write more; what acts for an author, such as
 * an API key, only where it was given that.
 */
const asAuthor = allOf(owner('post'), anyOf(ownSession(), permission('posts:write')))
export const mayRead = anyOf(visible('post'), asAuthor, permission('posts:moderate'))
export const mayChange = anyOf(asAuthor, permission('posts:moderate'))

/** Whose drafts a caller sees in a list, by the same rule. */
export const draftsOf = (principal: Principal | undefined): string | undefined =>
  principal?.kind === 'user' || principal?.permissions.has('posts:write') ? principal.userId : undefined
