import type { FastifyInstance } from 'fastify'
import { allOf, owner } from 'gatewright/access'
import { principalOf } from 'gatewright/request'
import { flag, idParams, integer, list, nothing, pageQuery, strictObject } from 'gatewright/schemas'
import { typed } from 'gatewright/typed-app'
import { common, reads, title, todoExample, todoSchema, toTodo, writes } from './both-versions.ts'
import { addTodo, changeTodo, deleteTodo, getTodo, listTodos } from './todos.ts'

export const todoRoutes = async (scope: FastifyInstance): Promise<void> => {
  const app = typed(scope)
  const { gatewright } = scope

  app.get(
    '/todos',
    {
      config: {
        gate: { ...common, access: reads, limit: 'read' },
        reference: {
          tag: 'Todos',
          summary: 'The own todos, newest first',
          example: {
            query: { page: 1, per_page: 20 },
            answer: { todos: [todoExample], page: 1, per_page: 20, total: 1 },
          },
        },
      },
      schema: {
        querystring: pageQuery,
        response: {
          200: strictObject({ todos: list(todoSchema), page: integer, per_page: integer, total: integer }),
        },
      },
    },
    async request => {
      const { page = 1, per_page = 20 } = request.query
      const { todos, total } = await listTodos(gatewright.db, {
        ownerId: principalOf(request).userId,
        page,
        perPage: per_page,
      })
      return { todos: todos.map(toTodo), page, per_page, total }
    },
  )

  app.get(
    '/todos/:id',
    {
      config: {
        gate: { ...common, access: allOf(owner('todo'), reads), limit: 'read' },
        reference: { tag: 'Todos', summary: 'One todo', example: { answer: todoExample } },
      },
      schema: { params: idParams, response: { 200: todoSchema } },
    },
    async request =>
      toTodo(await getTodo(gatewright.db, { id: request.params.id, ownerId: principalOf(request).userId })),
  )

  app.post(
    '/todos',
    {
      config: {
        gate: { ...common, access: writes, limit: 'write' },
        reference: {
          tag: 'Todos',
          summary: 'Write a todo',
          headers: ['Location'],
          example: { body: { title: 'Milk' }, answer: todoExample },
        },
      },
      schema: { body: strictObject({ title, done: flag }, ['done']), response: { 201: todoSchema } },
    },
    async (request, reply) => {
      const { done = false } = request.body
      const todo = await addTodo(gatewright, {
        ownerId: principalOf(request).userId,
        title: request.body.title,
        done,
      })
      return reply.code(201).header('location', `${scope.prefix}/todos/${todo.id}`).send(toTodo(todo))
    },
  )

  app.put(
    '/todos/:id',
    {
      config: {
        gate: { ...common, access: allOf(owner('todo'), writes), limit: 'write' },
        reference: {
          tag: 'Todos',
          summary: 'Change one field or more',
          example: { body: { done: true }, answer: { ...todoExample, done: true } },
        },
      },
      schema: {
        params: idParams,
        body: { ...strictObject({ title, done: flag }, ['title', 'done']), minProperties: 1 },
        response: { 200: todoSchema },
      },
    },
    async request => {
      const own = { id: request.params.id, ownerId: principalOf(request).userId }
      return toTodo(await changeTodo(gatewright, own, request.body))
    },
  )

  app.delete(
    '/todos/:id',
    {
      config: {
        gate: { ...common, access: allOf(owner('todo'), writes), limit: 'write' },
        reference: { tag: 'Todos', summary: 'Delete a todo', example: {} },
      },
      schema: { params: idParams, response: { 204: nothing } },
    },
    async (request, reply) => {
      await deleteTodo(gatewright.db, { id: request.params.id, ownerId: principalOf(request).userId })
      return reply.code(204).send(null)
    },
  )
}
