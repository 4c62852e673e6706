import { millisecondsColumn } from 'gatewright/columns'
import type { MigrationSet } from 'gatewright/migrate'
import type { Kysely } from 'kysely'

const first = async (db: Kysely<unknown>): Promise<void> => {
  const time = millisecondsColumn(db)
  const { schema } = db
  await schema
    .createTable('posts')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('author_id', 'text', column => column.notNull().references('users.id'))
    .addColumn('title', 'text', column => column.notNull())
    .addColumn('content', 'text', column => column.notNull())
    .addColumn('published', 'integer', column => column.notNull())
    .addColumn('created_at', time, column => column.notNull())
    .addColumn('updated_at', time, column => column.notNull())
    .execute()
  await schema.createIndex('posts_by_age').on('posts').columns(['published', 'created_at', 'id']).execute()
  await schema.createIndex('posts_by_author').on('posts').columns(['author_id', 'created_at', 'id']).execute()

  await schema
    .createTable('todos')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('owner_id', 'text', column => column.notNull().references('users.id').onDelete('cascade'))
    .addColumn('title', 'text', column => column.notNull())
    .addColumn('done', 'integer', column => column.notNull())
    .addColumn('created_at', time, column => column.notNull())
    .addColumn('updated_at', time, column => column.notNull())
    .execute()
  await schema.createIndex('todos_by_owner').on('todos').columns(['owner_id', 'created_at', 'id']).execute()
}

export const blogMigrations: MigrationSet = { owner: 'blog', migrations: { '0001-first': { up: first } } }
