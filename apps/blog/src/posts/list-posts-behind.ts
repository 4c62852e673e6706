import { contains } from 'gatewright/contains'
import type { Database } from 'gatewright/database'
import { byColumn, isWithin, type Page, type Place, type Range, type Sort, toPage } from '../paging/keyset.ts'
import { blogTables, type PostRow } from '../tables.ts'

export const postSorts = {
  ...byColumn('created_at', 'number'),
  ...byColumn('updated_at', 'number'),
  ...byColumn('title', 'string'),
}

export type PostSearch = {
  readonly sort: Sort
  readonly limit: number
  readonly after?: Place | undefined
  /** A part of the title or the content. */
  readonly q?: string | undefined
  readonly authorId?: string | undefined
  /** Who reads: sees own drafts too. */
  readonly readerId?: string | undefined
}

/** A text can only be looked for by reading: one page reads so many posts at most, and the next goes on. */
const searchDepth = 2_000

/** What the reader may see, in parts that an index has in order: published posts, and own drafts. */
const visibleParts = ({ authorId, readerId }: PostSearch) => [
  { published: 1, ...(authorId !== undefined && { author_id: authorId }) },
  ...(readerId !== undefined && (authorId ?? readerId) === readerId
    ? [{ published: 0, author_id: readerId }]
    : []),
]

/** The first places of the range, of each visible part; as one statement, so that no post is in both. */
const placesIn = (db: Database, search: PostSearch, range: Range, most: number) => {
  const { key, direction } = range.sort
  const { q } = search
  const [published, ...drafts] = visibleParts(search).map(part => {
    const places = blogTables(db)
      .selectFrom('posts')
      .select(['id', key.as('key')])
      .where(eb => eb.and(part))
      .where(isWithin(range))
      .$if(q !== undefined, query =>
        query.where(eb =>
          eb.or([contains(db, eb.ref('title'), q ?? ''), contains(db, eb.ref('content'), q ?? '')]),
        ),
      )
      .orderBy(key, direction)
      .orderBy('id', direction)
      .limit(most)
    return blogTables(db).selectFrom(places.as('part')).select(['id', 'key'])
  })
  if (published === undefined) throw new TypeError('published posts are always visible')
  return drafts.reduce((all, part) => all.unionAll(part), published)
}

/** The last post that a search reads for this page; undefined where it comes to the end of the list. */
const findEnd = (db: Database, search: PostSearch): Promise<Place | undefined> => {
  const { sort, after } = search
  return blogTables(db)
    .selectFrom(placesIn(db, { ...search, q: undefined }, { sort, after }, searchDepth).as('places'))
    .select(['key', 'id'])
    .orderBy('key', sort.direction)
    .orderBy('id', sort.direction)
    .limit(1)
    .offset(searchDepth - 1)
    .executeTakeFirst()
}

/**
 * A page of the posts that the reader may see, behind a place. With `q` it may hold fewer than `limit`, or
 * none, and still have a next one.
 */
export const listPostsBehind = async (db: Database, search: PostSearch): Promise<Page<PostRow & Place>> => {
  const { sort, after, limit, q } = search
  const until = q === undefined ? undefined : await findEnd(db, search)
  const places = placesIn(db, search, { sort, after, until }, limit + 1)
  // One statement: a post that becomes a draft meanwhile is either listed as it was or not at all.
  const rows = await blogTables(db)
    .selectFrom('posts')
    .selectAll()
    .select(sort.key.as('key'))
    .where('id', 'in', blogTables(db).selectFrom(places.as('places')).select('id'))
    .orderBy(sort.key, sort.direction)
    .orderBy('id', sort.direction)
    .limit(limit + 1)
    .execute()
  return toPage(rows, limit, until)
}
