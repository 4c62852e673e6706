import type { FastifyInstance } from 'fastify'
import { everyone, permission } from 'gatewright/access'
import { createBoundedQueue } from 'gatewright/bounded-queue'
import { ifMatch, readIfMatch, requireIfMatch } from 'gatewright/entity-tags'
import { answerOnce, idempotencyKey } from 'gatewright/idempotency'
import { originOf, principalOf, requireLimit, runInTurn } from 'gatewright/request'
import { cursorPage, cursorQuery, flag, id, idParams, nothing, strictObject } from 'gatewright/schemas'
import { typed } from 'gatewright/typed-app'
import { readCursor, toCursorPage } from '../paging/cursor.ts'
import { sortNames } from '../paging/keyset.ts'
import {
  common,
  content,
  draftsOf,
  mayChange,
  mayRead,
  postExample,
  postSchema,
  showPost,
  showPosts,
  title,
  writtenExample,
} from './both-versions.ts'
import { listPostsBehind, postSorts } from './list-posts-behind.ts'
import { addPost, changePost, deletePost, getPost } from './posts.ts'

const listQuery = strictObject(
  {
    ...cursorQuery.properties,
    // No text of ours holds NUL, and PostgreSQL takes none.
    q: { type: 'string', maxLength: 200, pattern: '^[^\\u0000]*$' },
    author: id,
    sort: { enum: sortNames(postSorts) },
  },
  ['cursor', 'limit', 'q', 'author', 'sort'],
)

const tag = 'Posts, version 2'
const changed = { ...postExample, title: 'Hello again' }

/** So that neither one caller nor many addresses fill all places. */
const searchBounds = { atOnce: 2, maxWaiting: 16, mostOfOne: 4, kept: 8, reason: 'search_queue_full' }

export const postRoutesV2 = async (scope: FastifyInstance): Promise<void> => {
  const app = typed(scope)
  const { gatewright } = scope
  const searches = createBoundedQueue(searchBounds)

  app.get(
    '/posts',
    {
      config: {
        conditional: 'public',
        gate: { ...common, access: everyone(), limit: 'read' },
        reference: {
          tag,
          summary: 'Published posts and the own drafts, searched and sorted, page by cursor',
          example: {
            query: { limit: 20, q: 'hello', sort: '-created_at' },
            answer: { data: [postExample], next_cursor: null },
          },
        },
      },
      schema: { querystring: listQuery, response: { 200: cursorPage(postSchema) } },
    },
    async (request, reply) => {
      const { cursor, limit = 20, q, author, sort = '-created_at' } = request.query
      const list = ['posts', sort, { q, author }] as const
      const range = {
        sort: postSorts[sort],
        after: readCursor(cursor, list, postSorts[sort]),
        limit,
        q,
        authorId: author,
      }
      const read = () => listPostsBehind(gatewright.db, { ...range, readerId: draftsOf(request.principal) })
      if (q) await requireLimit(request, reply, 'search')
      const page = await (q ? runInTurn(searches, { request, reply }, read) : read())
      return toCursorPage(list, page.next, await showPosts(gatewright.db, page.rows))
    },
  )

  app.get(
    '/posts/:id',
    {
      config: {
        conditional: 'public',
        gate: { ...common, access: mayRead, limit: 'read' },
        reference: { tag, summary: 'One post, with its ETag', example: { answer: postExample } },
      },
      schema: { params: idParams, response: { 200: postSchema } },
    },
    async ({ params, principal }, reply) => {
      const seesDrafts = principal?.permissions.has('posts:moderate') ?? false
      const row = await getPost(gatewright.db, params.id, { userId: draftsOf(principal), seesDrafts })
      const { post, etag } = await showPost(gatewright.db, row)
      return reply.header('etag', etag).send(post)
    },
  )

  app.post(
    '/posts',
    {
      config: {
        gate: { ...common, access: permission('posts:write'), limit: 'write' },
        reference: {
          tag,
          summary: 'Write a post, once for each Idempotency-Key',
          headers: ['Location', 'ETag'],
          example: { body: writtenExample, answer: postExample },
        },
      },
      schema: {
        headers: idempotencyKey,
        body: strictObject({ title, content, published: flag }, ['published']),
        response: { 201: postSchema },
      },
    },
    (request, reply) =>
      answerOnce(gatewright, { request, reply }, async ({ db }) => {
        const { published = false, ...written } = request.body
        const authorId = principalOf(request).userId
        const row = await addPost({ ...gatewright, db }, { ...written, published, authorId })
        const { post, etag } = await showPost(db, row)
        return { status: 201, headers: { location: `${scope.prefix}/posts/${row.id}`, etag }, body: post }
      }),
  )

  app.patch(
    '/posts/:id',
    {
      config: {
        gate: { ...common, access: mayChange, limit: 'write', audit: ['post.changed-by-moderator'] },
        reference: {
          tag,
          summary: 'Change one field or more of the version that was read',
          refusals: ['precondition_required'],
          headers: ['ETag'],
          example: { headers: { 'if-match': '"1"' }, body: { title: 'Hello again' }, answer: changed },
        },
      },
      schema: {
        params: idParams,
        headers: ifMatch,
        body: {
          ...strictObject({ title, content, published: flag }, ['title', 'content', 'published']),
          minProperties: 1,
        },
        response: { 200: postSchema },
      },
    },
    async (request, reply) => {
      const target = {
        id: request.params.id,
        origin: originOf(request),
        versions: requireIfMatch(request),
      }
      const row = await changePost(gatewright, target, request.body)
      const { post, etag } = await showPost(gatewright.db, row)
      return reply.header('etag', etag).send(post)
    },
  )

  app.delete(
    '/posts/:id',
    {
      config: {
        gate: { ...common, access: mayChange, limit: 'write', audit: ['post.deleted-by-moderator'] },
        reference: { tag, summary: 'Delete a post', example: { headers: { 'if-match': '"1"' } } },
      },
      schema: { params: idParams, headers: ifMatch, response: { 204: nothing } },
    },
    async (request, reply) => {
      await deletePost(gatewright, {
        id: request.params.id,
        origin: originOf(request),
        versions: readIfMatch(request),
      })
      return reply.code(204).send(null)
    },
  )
}
