import type { FastifyInstance } from 'fastify'
import { anyOf, everyone, owner, permission, visible } from 'gatewright/access'
import { toTimestamp } from 'gatewright/clock'
import { originOf, principalOf } from 'gatewright/request'
import {
  anyText,
  flag,
  id,
  idParams,
  integer,
  list,
  nothing,
  pageQuery,
  strictObject,
  text,
  timestamp,
} from 'gatewright/schemas'
import { typed } from 'gatewright/typed-app'
import { everyKind } from '../audience.ts'
import type { PostRow } from '../tables.ts'
import { type Author, authorSchema, findAuthors } from './authors.ts'
import { addPost, changePost, deletePost, getPost, listPosts } from './posts.ts'

const title = text(1, 200)
/** A page of a list holds a hundred posts at most, so this bounds what one request can ask for. */
const content = text(0, 20_000)

const postSchema = strictObject({
  id: anyText,
  user_id: anyText,
  author: authorSchema,
  title: anyText,
  content: anyText,
  published: flag,
  created_at: timestamp,
  updated_at: timestamp,
})

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

const common = { principals: everyKind, audit: 'none' } as const
const mayRead = anyOf(visible('post'), owner('post'), permission('posts:moderate'))
const mayChange = anyOf(owner('post'), permission('posts:moderate'))

export const postRoutes = async (scope: FastifyInstance): Promise<void> => {
  const app = typed(scope)
  const { gatewright } = scope
  const show = async (rows: readonly PostRow[]) => {
    const authorOf = await findAuthors(gatewright.db, rows)
    return rows.map(row => toPost(row, authorOf(row)))
  }
  const showOne = async (row: PostRow) => toPost(row, (await findAuthors(gatewright.db, [row]))(row))

  app.get(
    '/posts',
    {
      config: { gate: { ...common, access: everyone(), limit: 'read' } },
      schema: {
        querystring: strictObject({ ...pageQuery.properties, user_id: id }, ['page', 'per_page', 'user_id']),
        response: {
          200: strictObject({ posts: list(postSchema), page: integer, per_page: integer, total: integer }),
        },
      },
    },
    async ({ query: { page = 1, per_page = 20, user_id }, principal }) => {
      const readerId = principal?.userId
      const { posts, total } = await listPosts(gatewright.db, {
        page,
        perPage: per_page,
        authorId: user_id,
        readerId,
      })
      return { posts: await show(posts), page, per_page, total }
    },
  )

  app.get(
    '/posts/:id',
    {
      config: { gate: { ...common, access: mayRead, limit: 'read' } },
      schema: { params: idParams, response: { 200: postSchema } },
    },
    async ({ params, principal }) => {
      const seesDrafts = principal?.permissions.has('posts:moderate') ?? false
      return showOne(await getPost(gatewright.db, params.id, { userId: principal?.userId, seesDrafts }))
    },
  )

  app.post(
    '/posts',
    {
      config: { gate: { ...common, access: permission('posts:write'), limit: 'write' } },
      schema: {
        body: strictObject({ title, content, published: flag }, ['published']),
        response: { 201: postSchema },
      },
    },
    async (request, reply) => {
      const { published = false, ...written } = request.body
      const post = await addPost(gatewright, { ...written, published, authorId: principalOf(request).userId })
      return reply
        .code(201)
        .header('location', `${scope.prefix}/posts/${post.id}`)
        .send(await showOne(post))
    },
  )

  app.put(
    '/posts/:id',
    {
      config: {
        gate: { ...common, access: mayChange, limit: 'write', audit: ['post.changed-by-moderator'] },
      },
      schema: {
        params: idParams,
        body: {
          ...strictObject({ title, content, published: flag }, ['title', 'content', 'published']),
          minProperties: 1,
        },
        response: { 200: postSchema },
      },
    },
    async request => {
      const target = { id: request.params.id, origin: originOf(request) }
      return showOne(await changePost(gatewright, target, request.body))
    },
  )

  app.delete(
    '/posts/:id',
    {
      config: {
        gate: { ...common, access: mayChange, limit: 'write', audit: ['post.deleted-by-moderator'] },
      },
      schema: { params: idParams, response: { 204: nothing } },
    },
    async (request, reply) => {
      await deletePost(gatewright, { id: request.params.id, origin: originOf(request) })
      return reply.code(204).send(null)
    },
  )
}
