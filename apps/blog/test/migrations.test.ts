import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestApp } from 'gatewright/testing'
import { blog } from '../src/blog.ts'
import { blogMigrations } from '../src/migrations.ts'
import { blogTables } from '../src/tables.ts'

const { '0001-first': first, ...later } = blogMigrations.migrations

test('what version 1 wrote is there in version 2, and the program before it may go on writing', async () => {
  const migrations = [{ ...blogMigrations, migrations: { '0001-first': first ?? assert.fail() } }]
  const t = await startTestApp({ application: { ...blog, plugin: async () => {}, migrations } })
  const { db } = t.app.gatewright
  const user = { id: 'u', username: 'u', username_key: 'u', version: 1, created_at: 1 }
  await db.insertInto('users').values(user).execute()
  const times = { created_at: 1, updated_at: 1 }
  const post = { author_id: 'u', title: 'news', content: 'text', published: 1, ...times }
  const todo = { owner_id: 'u', title: 'milk', done: 0, ...times }
  const write = async (id: string) => {
    await blogTables(db)
      .insertInto('posts')
      .values({ id, ...post })
      .execute()
    await blogTables(db)
      .insertInto('todos')
      .values({ id, ...todo })
      .execute()
  }
  await write('before')
  for (const { up } of Object.values(later)) await up(db)
  await write('after')
  const posts = await blogTables(db).selectFrom('posts').selectAll().orderBy('id', 'desc').execute()
  const todos = await blogTables(db).selectFrom('todos').selectAll().orderBy('id', 'desc').execute()
  const ids = ['before', 'after']
  assert.deepEqual(
    posts.map(row => ({ ...row })),
    ids.map(id => ({ id, ...post, version: 1 })),
  )
  assert.deepEqual(
    todos.map(row => ({ ...row })),
    ids.map(id => ({ id, ...todo, due_at: null, version: 1 })),
  )
  await t.close()
})
