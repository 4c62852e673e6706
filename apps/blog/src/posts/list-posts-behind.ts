import { setImmediate as turn } from 'node:timers/promises'
import type { Database } from 'gatewright/database'
import { byColumn, isWithin, type Page, type Place, type Sort, toPage } from '../paging/keyset.ts'
import { blogTables, type PostRow } from '../tables.ts'
import { foldText } from './fold-text.ts'

export const postSorts = {
  ...byColumn('created_at', 'number'),
  ...byColumn('updated_at', 'number'),
  ...byColumn('title', 'string'),
}

type PostRange = {
  readonly sort: Sort
  readonly limit: number
  readonly after?: Place | undefined
  readonly authorId?: string | undefined
  /** Who reads: sees own drafts too. */
  readonly readerId?: string | undefined
}

/** A text can only be looked for by reading: one page reads so much, and the next goes on. */
export const searchDepth = { posts: 2_000, bytes: 1_000_000 } as const

/** So many posts are read at once; in between, other requests have their turn. */
export const searchStep = 25

/** What the reader may see, in parts that an index has in order: published posts, and own drafts. */
const visibleParts = ({ authorId, readerId }: Omit<PostRange, 'limit'>) => [
  { published: 1, ...(authorId !== undefined && { author_id: authorId }) },
  ...(readerId !== undefined && (authorId ?? readerId) === readerId
    ? [{ published: 0, author_id: readerId }]
    : []),
]

/** The first places of the range, of each visible part; as one statement, so that no post is in both. */
export const placesIn = (db: Database, range: Omit<PostRange, 'limit'>, most: number) => {
  const { key, direction } = range.sort
  const [published, ...drafts] = visibleParts(range).map(part => {
    const places = blogTables(db)
      .selectFrom('posts')
      .select(['id', key.as('key')])
      .where(eb => eb.and(part))
      .where(isWithin(range))
      .orderBy(key, direction)
      .orderBy('id', direction)
      .limit(most)
    return blogTables(db).selectFrom(places.as('part')).select(['id', 'key'])
  })
  if (published === undefined) throw new TypeError('published posts are always visible')
  return drafts.reduce((all, part) => all.unionAll(part), published)
}

/** A page of the posts that the reader may see, whatever they hold. */
const readPage = async (db: Database, range: PostRange): Promise<Page<PostRow & Place>> => {
  const { sort, limit } = range
  const places = placesIn(db, range, limit + 1)
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
  return toPage(rows, limit)
}

/**
 * Reads on, step by step, until the page is full or the depth is reached. Texts are compared here, because a
 * search in a buffer reads a text about once, whatever the part is; the functions of both databases compare
 * the whole part again at every place, which is two hundred times the work for a part chosen to be slow.
 */
const searchPostsBehind = async (
  db: Database,
  range: PostRange,
  q: string,
): Promise<Page<PostRow & Place>> => {
  const part = foldText(q)
  // By id: a post that is changed between two steps may be met again.
  const found = new Map<string, PostRow & Place>()
  let { after } = range
  let [posts, bytes] = [0, 0]
  do {
    const page = await readPage(db, { ...range, after, limit: searchStep })
    for (const row of page.rows) {
      const [title, content] = [foldText(row.title), foldText(row.content)]
      if (!found.has(row.id) && (title.includes(part) || content.includes(part))) found.set(row.id, row)
      bytes += title.length + content.length
    }
    posts += page.rows.length
    after = page.next
    await turn()
  } while (
    after !== undefined &&
    found.size <= range.limit &&
    posts < searchDepth.posts &&
    bytes < searchDepth.bytes
  )
  return toPage([...found.values()], range.limit, after)
}

/**
 * A page of the posts that the reader may see, behind a place. With `q`, a part of the title or the content,
 * it may hold fewer than `limit`, or none, and still have a next one.
 */
export const listPostsBehind = (
  db: Database,
  { q = '', ...range }: PostRange & { readonly q?: string | undefined },
): Promise<Page<PostRow & Place>> => (q === '' ? readPage(db, range) : searchPostsBehind(db, range, q))
