import type { FastifyInstance } from 'fastify'
import { allOf, owner } from 'gatewright/access'
import { parseTimestamp, toTimestampOrNull } from 'gatewright/clock'
import { ifMatch, readIfMatch, requireIfMatch, toVersionTag } from 'gatewright/entity-tags'
import { answerOnce, idempotencyKey } from 'gatewright/idempotency'
import { Refusal } from 'gatewright/refusal'
import { principalOf } from 'gatewright/request'
import {
  cursorPage,
  cursorQuery,
  flag,
  idParams,
  named,
  nothing,
  strictObject,
  textOrNull,
  timestamp,
} from 'gatewright/schemas'
import { typed } from 'gatewright/typed-app'
import { readCursor, toCursorPage } from '../paging/cursor.ts'
import { sortNames } from '../paging/keyset.ts'
import type { TodoRow } from '../tables.ts'
import { common, reads, title, todoExample, todoSchema, toTodo, writes } from './both-versions.ts'
import { listTodosBehind, todoSorts } from './list-todos-behind.ts'
import { addTodo, changeTodo, deleteTodo, getTodo } from './todos.ts'

const due_at = { ...textOrNull, format: 'date-time' } as const

const todoWithDueSchema = named('TodoV2', strictObject({ ...todoSchema.properties, due_at }))

const tag = 'Todos, version 2'
const withoutDue = { ...todoExample, due_at: null }
const withDue = { ...todoExample, due_at: '2026-12-24T12:00:00.000Z' }

const toTodoWithDue = (row: TodoRow) => ({ ...toTodo(row), due_at: toTimestampOrNull(row.due_at) })

/** What the schema took for a time may still be none, as in the 61st second of a minute. */
const readTime = (path: string, text: string): number => {
  const time = parseTimestamp(text)
  if (time === undefined)
    throw new Refusal('validation_failed', {
      errors: [{ path, message: 'must be a time of the years 1970 to 9999' }],
    })
  return time
}

const readDue = (text: string | null | undefined): number | null | undefined =>
  typeof text === 'string' ? readTime('/due_at', text) : text

const listQuery = strictObject(
  { ...cursorQuery.properties, done: flag, due_before: timestamp, sort: { enum: sortNames(todoSorts) } },
  ['cursor', 'limit', 'done', 'due_before', 'sort'],
)

export const todoRoutesV2 = async (scope: FastifyInstance): Promise<void> => {
  const app = typed(scope)
  const { gatewright } = scope

  app.get(
    '/todos',
    {
      config: {
        gate: { ...common, access: reads, limit: 'read' },
        reference: {
          tag,
          summary: 'The own todos, filtered and sorted, page by cursor',
          example: {
            query: { limit: 20, done: false, sort: '-created_at' },
            answer: { data: [withoutDue], next_cursor: null },
          },
        },
      },
      schema: { querystring: listQuery, response: { 200: cursorPage(todoWithDueSchema) } },
    },
    async request => {
      const { cursor, limit = 20, done, due_before, sort = '-created_at' } = request.query
      const dueBefore = due_before === undefined ? undefined : readTime('/due_before', due_before)
      const list = ['todos', sort, { done, dueBefore }] as const
      const page = await listTodosBehind(gatewright.db, {
        ownerId: principalOf(request).userId,
        sort: todoSorts[sort],
        after: readCursor(cursor, list, todoSorts[sort]),
        limit,
        done,
        dueBefore,
      })
      return toCursorPage(list, page.next, page.rows.map(toTodoWithDue))
    },
  )

  app.get(
    '/todos/:id',
    {
      config: {
        conditional: 'private',
        gate: { ...common, access: allOf(owner('todo'), reads), limit: 'read' },
        reference: { tag, summary: 'One todo, with its ETag', example: { answer: withoutDue } },
      },
      schema: { params: idParams, response: { 200: todoWithDueSchema } },
    },
    async (request, reply) => {
      const own = { id: request.params.id, ownerId: principalOf(request).userId }
      const todo = await getTodo(gatewright.db, own)
      return reply.header('etag', toVersionTag(todo.version)).send(toTodoWithDue(todo))
    },
  )

  app.post(
    '/todos',
    {
      config: {
        gate: { ...common, access: writes, limit: 'write' },
        reference: {
          tag,
          summary: 'Write a todo, once for each Idempotency-Key',
          headers: ['Location', 'ETag'],
          example: { body: { title: 'Milk', due_at: withDue.due_at }, answer: withDue },
        },
      },
      schema: {
        headers: idempotencyKey,
        body: strictObject({ title, done: flag, due_at }, ['done', 'due_at']),
        response: { 201: todoWithDueSchema },
      },
    },
    (request, reply) =>
      answerOnce(gatewright, { request, reply }, async ({ db }) => {
        const { title, done = false, due_at } = request.body
        const ownerId = principalOf(request).userId
        const dueAt = readDue(due_at) ?? null
        const todo = await addTodo({ ...gatewright, db }, { ownerId, title, done, dueAt })
        const location = `${scope.prefix}/todos/${todo.id}`
        const headers = { location, etag: toVersionTag(todo.version) }
        return { status: 201, headers, body: toTodoWithDue(todo) }
      }),
  )

  app.patch(
    '/todos/:id',
    {
      config: {
        gate: { ...common, access: allOf(owner('todo'), writes), limit: 'write' },
        reference: {
          tag,
          summary: 'Change one field or more of the version that was read',
          refusals: ['precondition_required'],
          headers: ['ETag'],
          example: {
            headers: { 'if-match': '"1"' },
            body: { done: true },
            answer: { ...withoutDue, done: true },
          },
        },
      },
      schema: {
        params: idParams,
        headers: ifMatch,
        body: {
          ...strictObject({ title, done: flag, due_at }, ['title', 'done', 'due_at']),
          minProperties: 1,
        },
        response: { 200: todoWithDueSchema },
      },
    },
    async (request, reply) => {
      const { due_at, ...written } = request.body
      const own = {
        id: request.params.id,
        ownerId: principalOf(request).userId,
        versions: requireIfMatch(request),
      }
      const todo = await changeTodo(gatewright, own, { ...written, dueAt: readDue(due_at) })
      return reply.header('etag', toVersionTag(todo.version)).send(toTodoWithDue(todo))
    },
  )

  app.delete(
    '/todos/:id',
    {
      config: {
        gate: { ...common, access: allOf(owner('todo'), writes), limit: 'write' },
        reference: { tag, summary: 'Delete a todo', example: { headers: { 'if-match': '"1"' } } },
      },
      schema: { params: idParams, headers: ifMatch, response: { 204: nothing } },
    },
    async (request, reply) => {
      await deleteTodo(gatewright.db, {
        id: request.params.id,
        ownerId: principalOf(request).userId,
        versions: readIfMatch(request),
      })
      return reply.code(204).send(null)
    },
  )
}
