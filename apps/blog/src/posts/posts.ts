import type { Origin } from 'gatewright/audit'
import type { Clock } from 'gatewright/clock'
import type { Database } from 'gatewright/database'
import { insertForUser } from 'gatewright/insert-for-user'
import { newId, type Random } from 'gatewright/random'
import { Refusal } from 'gatewright/refusal'
import { inTransaction, type Work } from 'gatewright/transaction'
import { type blogEvents, recordBlogEvent } from '../audit-events.ts'
import { blogTables, type PostRow } from '../tables.ts'
import { placesIn, postSorts } from './list-posts-behind.ts'

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
  // The page is found by its ids, because sorting whole posts would read every text. It is one statement:
  // a post that becomes a draft meanwhile is either listed as it was or not at all.
  const places = placesIn(db, { sort: postSorts['-created_at'], authorId, readerId }, page * perPage)
  const ids = blogTables(db)
    .selectFrom(places.as('places'))
    .select('id')
    .orderBy('key', 'desc')
    .orderBy('id', 'desc')
    .limit(perPage)
    .offset((page - 1) * perPage)
  const posts = await blogTables(db)
    .selectFrom('posts')
    .selectAll()
    .where('id', 'in', ids)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .execute()
  const { total } = await query.select(eb => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow()
  return { posts, total: Number(total) }
}

/** Who reads a post: nobody known, a user, or somebody who may see every draft. */
export type Reader = { readonly userId?: string | undefined; readonly seesDrafts: boolean }

/**
 * The post, if this reader may see it as it is now: it may have become a draft since the gate looked.
 * @throws Refusal `not_found`
 */
export const getPost = async (db: Database, id: string, { userId, seesDrafts }: Reader): Promise<PostRow> => {
  const row = await blogTables(db).selectFrom('posts').selectAll().where('id', '=', id).executeTakeFirst()
  const isSeen = row !== undefined && (row.published === 1 || row.author_id === userId || seesDrafts)
  if (!isSeen) throw new Refusal('not_found')
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
    version: 1,
  }
  await insertForUser(db, 'posts', row, authorId)
  return row
}

export type PostChange = { readonly title?: string; readonly content?: string; readonly published?: boolean }

/** Who changes which post, and in which versions only where that matters. */
type Target = {
  readonly id: string
  readonly origin: Origin
  readonly versions?: readonly number[] | undefined
}

/** Why no row was changed: there is none, or it has another version. */
const toRefusal = async (work: Work, id: string): Promise<Refusal> => {
  const row = await blogTables(work.db)
    .selectFrom('posts')
    .select('id')
    .where('id', '=', id)
    .executeTakeFirst()
  return new Refusal(row === undefined ? 'not_found' : 'precondition_failed')
}

/** A moderator's hand on somebody's post is recorded; an author's own work is not. */
const recordModeration = async (
  dependencies: Dependencies,
  work: Work,
  event: keyof typeof blogEvents,
  { origin }: Target,
  { id, author_id }: Pick<PostRow, 'id' | 'author_id'>,
): Promise<void> => {
  if (origin.actor === author_id) return
  await recordBlogEvent(dependencies, work, event, {
    origin,
    userId: author_id,
    details: { post: id },
  })
}

/** Changes the fields given. @throws Refusal `not_found`, `precondition_failed` */
export const changePost = (
  dependencies: Dependencies,
  target: Target,
  { title, content, published }: PostChange,
): Promise<PostRow> =>
  inTransaction(dependencies.db, async work => {
    const row = await blogTables(work.db)
      .updateTable('posts')
      .set(eb => ({
        version: eb('version', '+', 1),
        updated_at: dependencies.clock.now(),
        ...(title !== undefined && { title }),
        ...(content !== undefined && { content }),
        ...(published !== undefined && { published: published ? 1 : 0 }),
      }))
      .where('id', '=', target.id)
      .$if(target.versions !== undefined, query => query.where('version', 'in', target.versions ?? []))
      .returningAll()
      .executeTakeFirst()
    if (row === undefined) throw await toRefusal(work, target.id)
    await recordModeration(dependencies, work, 'post.changed-by-moderator', target, row)
    return row
  })

/** @throws Refusal `not_found`, `precondition_failed` */
export const deletePost = (dependencies: Dependencies, target: Target): Promise<void> =>
  inTransaction(dependencies.db, async work => {
    const row = await blogTables(work.db)
      .deleteFrom('posts')
      .where('id', '=', target.id)
      .$if(target.versions !== undefined, query => query.where('version', 'in', target.versions ?? []))
      .returning(['id', 'author_id'])
      .executeTakeFirst()
    if (row === undefined) throw await toRefusal(work, target.id)
    await recordModeration(dependencies, work, 'post.deleted-by-moderator', target, row)
  })
