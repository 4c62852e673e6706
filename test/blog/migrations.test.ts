import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { compose } from 'gatewright/compose'
import { migrate } from 'gatewright/migrate'
import { defaultSettings } from 'gatewright/settings'
import { blogMigrations } from '../../apps/blog/src/migrations.ts'
import { blogTables } from '../../apps/blog/src/tables.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatewright-'))
after(() => rmSync(folder, { recursive: true, force: true }))

test('what version 1 wrote is there in version 2, and the program before it may go on writing', async () => {
  const databaseUrl = `sqlite:${join(folder, 'test.db')}`
  const first = { '0001-first': blogMigrations.migrations['0001-first'] ?? assert.fail() }
  const { db, close } = await compose({
    settings: defaultSettings({ nodeEnv: 'test', databaseUrl }),
    durability: 'off',
    migrations: [{ ...blogMigrations, migrations: first }],
  })
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
  await migrate(db, blogMigrations)
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
  await close()
})
