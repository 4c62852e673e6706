import type { Clock } from 'gatewright/clock'
import type { Database } from 'gatewright/database'
import { newId, type Random } from 'gatewright/random'
import { Refusal } from 'gatewright/refusal'
import { blogTables, type PostRow } from '../tables.ts'

type Dependencies = { readonly db: Database; readonly clock: Clock }

/** A post as access rules see it: a draft is private to its author. */
export const findPostThing = async (db: Database, id: string) => {
  const row = await blogTables(db)
    .selectFrom('posts')
    .select(['author_id', 'published'])
    .where('id', '=', id)
    .executeTakeFirst()
  return row && { ownerId: row.author_id, isPublic: row.published === 1 }
}

export type PostPage = {
  readonly page: number
  readonly perPage: number
  readonly authorId?: string | undefined
  /** Who reads: sees own drafts too. */
  readonly readerId?: string | undefined
}

/** Published posts and the reader's own drafts, newest first. */
export const listPosts = async (db: Database, { page, perPage, authorId, readerId }: PostPage) => {
  let query = blogTables(db)
    .selectFrom('posts')
    .where(eb =>
      readerId === undefined
        ? eb('published', '=', 1)
        : eb.or([eb('published', '=', 1), eb('author_id', '=', readerId)]),
    )
  if (authorId !== undefined) query = query.where('author_id', '=', authorId)
  const posts = await query
    .selectAll()
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(perPage)
    .offset((page - 1) * perPage)
    .execute()
  const { total } = await query.select(eb => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow()
  return { posts, total: Number(total) }
}

/** @throws Refusal `not_found` */
export const getPost = async (db: Database, id: string): Promise<PostRow> => {
  const row = await blogTables(db).selectFrom('posts').selectAll().where('id', '=', id).executeTakeFirst()
  if (row === undefined) throw new Refusal('not_found')
  return row
}

export type NewPost = {
  readonly authorId: string
  readonly title: string
  readonly content: string
  readonly published: boolean
}

export const addPost = async (
  { db, clock, random }: Dependencies & { readonly random: Random },
  { authorId, title, content, published }: NewPost,
): Promise<PostRow> => {
  const now = clock.now()
  const row: PostRow = {
    id: newId(random),
    author_id: authorId,
    title,
    content,
    published: published ? 1 : 0,
    created_at: now,
    updated_at: now,
  }
  await blogTables(db).insertInto('posts').values(row).execute()
  return row
}

export type PostChange = { readonly title?: string; readonly content?: string; readonly published?: boolean }

/** Changes the fields given. @throws Refusal `not_found` */
export const changePost = async (
  { db, clock }: Dependencies,
  id: string,
  { title, content, published }: PostChange,
): Promise<PostRow> => {
  const row = await blogTables(db)
    .updateTable('posts')
    .set({
      updated_at: clock.now(),
      ...(title !== undefined && { title }),
      ...(content !== undefined && { content }),
      ...(published !== undefined && { published: published ? 1 : 0 }),
    })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst()
  if (row === undefined) throw new Refusal('not_found')
  return row
}

/** @throws Refusal `not_found` */
export const deletePost = async (db: Database, id: string): Promise<void> => {
  const { numDeletedRows } = await blogTables(db).deleteFrom('posts').where('id', '=', id).executeTakeFirst()
  if (numDeletedRows !== 1n) throw new Refusal('not_found')
}
