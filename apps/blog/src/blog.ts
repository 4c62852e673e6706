import type { FastifyInstance } from 'fastify'
import type { Application } from 'gatewright/app'
import { blogMigrations } from './migrations.ts'
import { permissions, roles } from './permissions.ts'
import { findPostThing } from './posts/posts.ts'
import { postRoutes } from './posts/routes.ts'
import { todoRoutes } from './todos/routes.ts'
import { findTodoThing } from './todos/todos.ts'
import { userRoutes } from './users/routes.ts'

/** Where version 1 stands, and with it the account routes. */
export const mount = '/api/v1'

const plugin = async (app: FastifyInstance): Promise<void> => {
  for (const routes of [userRoutes, postRoutes, todoRoutes]) await app.register(routes, { prefix: mount })
}

/** The reference API: users, posts and todos behind the gate. */
export const blog: Application = {
  plugin,
  permissions,
  roles,
  migrations: [blogMigrations],
  things: { post: findPostThing, todo: findTodoThing },
}
