import { millisecondsColumn, sortByCodePoints } from 'gatewright/columns'
import type { MigrationSet } from 'gatewright/migrate'
import { type Kysely, sql } from 'kysely'
import { dueDownwards, dueUpwards } from './todos/due.ts'

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

/** Version 2 of the API: ETags from a version of each row, due times, and an index for each order of a list. */
const second = async (db: Kysely<unknown>): Promise<void> => {
  const { schema } = db
  for (const table of ['posts', 'todos']) {
    await schema
      .alterTable(table)
      .addColumn('version', 'integer', column => column.notNull().defaultTo(1))
      .execute()
    await sortByCodePoints(db, table, 'title')
  }
  await schema.alterTable('todos').addColumn('due_at', millisecondsColumn(db)).execute()

  for (const key of ['title', 'updated_at']) {
    await schema.createIndex(`posts_by_${key}`).on('posts').columns(['published', key, 'id']).execute()
    await schema.createIndex(`todos_by_${key}`).on('todos').columns(['owner_id', key, 'id']).execute()
  }
  for (const key of ['created_at', 'title', 'updated_at'])
    await schema
      .createIndex(`posts_of_author_by_${key}`)
      .on('posts')
      .columns(['author_id', 'published', key, 'id'])
      .execute()
  for (const [name, key] of [
    ['todos_by_due_at', dueUpwards],
    ['todos_by_due_at_backwards', dueDownwards],
  ] as const)
    await schema.createIndex(name).on('todos').expression(sql`owner_id, (${key}), id`).execute()
}

export const blogMigrations: MigrationSet = {
  owner: 'blog',
  migrations: { '0001-first': { up: first }, '0002-version-2': { up: second } },
}
