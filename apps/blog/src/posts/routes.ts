import type { FastifyInstance } from 'fastify'
import { everyone, permission } from 'gatewright/access'
import { originOf, principalOf } from 'gatewright/request'
import { flag, id, idParams, integer, list, nothing, pageQuery, strictObject } from 'gatewright/schemas'
import { typed } from 'gatewright/typed-app'
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
import { addPost, changePost, deletePost, getPost, listPosts } from './posts.ts'

export const postRoutes = async (scope: FastifyInstance): Promise<void> => {
  const app = typed(scope)
  const { gatewright } = scope

  app.get(
    '/posts',
    {
      config: {
        conditional: 'public',
        gate: { ...common, access: everyone(), limit: 'read' },
        reference: {
          tag: 'Posts',
          summary: 'Published posts and the own drafts, newest first',
          example: {
            query: { page: 1, per_page: 20 },
            answer: { posts: [postExample], page: 1, per_page: 20, total: 1 },
          },
        },
      },
      schema: {
        querystring: strictObject({ ...pageQuery.properties, user_id: id }, ['page', 'per_page', 'user_id']),
        response: {
          200: strictObject({ posts: list(postSchema), page: integer, per_page: integer, total: integer }),
        },
      },
    },
    async ({ query: { page = 1, per_page = 20, user_id }, principal }) => {
      const readerId = draftsOf(principal)
      const { posts, total } = await listPosts(gatewright.db, {
        page,
        perPage: per_page,
        authorId: user_id,
        readerId,
      })
      return { posts: await showPosts(gatewright.db, posts), page, per_page, total }
    },
  )

  app.get(
    '/posts/:id',
    {
      config: {
        conditional: 'public',
        gate: { ...common, access: mayRead, limit: 'read' },
        reference: { tag: 'Posts', summary: 'One post', example: { answer: postExample } },
      },
      schema: { params: idParams, response: { 200: postSchema } },
    },
    async ({ params, principal }) => {
      const seesDrafts = principal?.permissions.has('posts:moderate') ?? false
      const row = await getPost(gatewright.db, params.id, { userId: draftsOf(principal), seesDrafts })
      return (await showPost(gatewright.db, row)).post
    },
  )

  app.post(
    '/posts',
    {
      config: {
        gate: { ...common, access: permission('posts:write'), limit: 'write' },
        reference: {
          tag: 'Posts',
          summary: 'Write a post; without `published` it is a draft',
          headers: ['Location'],
          example: { body: writtenExample, answer: postExample },
        },
      },
      schema: {
        body: strictObject({ title, content, published: flag }, ['published']),
        response: { 201: postSchema },
      },
    },
    async (request, reply) => {
      const { published = false, ...written } = request.body
      const row = await addPost(gatewright, { ...written, published, authorId: principalOf(request).userId })
      const { post } = await showPost(gatewright.db, row)
      return reply.code(201).header('location', `${scope.prefix}/posts/${post.id}`).send(post)
    },
  )

  app.put(
    '/posts/:id',
    {
      config: {
        gate: { ...common, access: mayChange, limit: 'write', audit: ['post.changed-by-moderator'] },
        reference: {
          tag: 'Posts',
          summary: 'Change one field or more',
          example: { body: { title: 'Hello again' }, answer: { ...postExample, title: 'Hello again' } },
        },
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
      const row = await changePost(gatewright, target, request.body)
      return (await showPost(gatewright.db, row)).post
    },
  )

  app.delete(
    '/posts/:id',
    {
      config: {
        gate: { ...common, access: mayChange, limit: 'write', audit: ['post.deleted-by-moderator'] },
        reference: { tag: 'Posts', summary: 'Delete a post', example: {} },
      },
      schema: { params: idParams, response: { 204: nothing } },
    },
    async (request, reply) => {
      await deletePost(gatewright, { id: request.params.id, origin: originOf(request) })
      return reply.code(204).send(null)
    },
  )
}
