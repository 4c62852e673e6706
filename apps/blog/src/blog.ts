import type { FastifyInstance } from 'fastify'
import type { Application } from 'gatewright/app'
import { blogEvents } from './audit-events.ts'
import { hooks } from './hooks.ts'
import { blogMigrations } from './migrations.ts'
import { permissions, roles } from './permissions.ts'
import { findPostThing } from './posts/posts.ts'
import { postRoutes } from './posts/routes.ts'
import { postRoutesV2 } from './posts/routes-v2.ts'
import { todoRoutes } from './todos/routes.ts'
import { todoRoutesV2 } from './todos/routes-v2.ts'
import { findTodoThing } from './todos/todos.ts'
import { userData } from './users/data.ts'
import { userFields } from './users/fields.ts'
import { userRoutes } from './users/routes.ts'

/** Where version 1 stands, and with it the account routes. */
export const mount = '/api/v1'

const plugin = async (app: FastifyInstance): Promise<void> => {
  for (const routes of [userRoutes, postRoutes, todoRoutes]) await app.register(routes, { prefix: mount })
  for (const routes of [postRoutesV2, todoRoutesV2]) await app.register(routes, { prefix: '/api/v2' })
}

/** The reference API: users, posts and todos behind the gate; posts and todos in two versions. */
export const blog: Application = {
  plugin,
  permissions,
  roles,
  migrations: [blogMigrations],
  things: { post: findPostThing, todo: findTodoThing },
  userFields,
  userData,
  auditEvents: blogEvents,
  hooks,
}
