import { systemClock } from 'gatewright/clock'
import type { Engine } from 'gatewright/compose'
import { defaultSettings } from 'gatewright/settings'
import { sql } from 'kysely'
import { blog, mount } from '../../apps/blog/src/blog.ts'
import { openTestApp } from '../../packages/gatewright/src/testing/open-test-app.ts'
import { openSession, type SignedIn } from '../../packages/gatewright/src/testing/signed-in.ts'
import { makeTemporaryDatabase } from '../../packages/gatewright/src/testing/temporary-database.ts'
import { addTestUser } from '../../packages/gatewright/src/testing/test-user.ts'

/** Bytes in the database, with indexes, of one of each. */
export type Sizes = Readonly<Record<string, number>>

const pragma = async ({ db }: Engine, name: string): Promise<number> => {
  const { rows } = await sql.raw<Record<string, number>>(`pragma ${name}`).execute(db)
  return Number(Object.values(rows[0] ?? {})[0])
}

const sizeOfFile = async (engine: Engine): Promise<number> =>
  ((await pragma(engine, 'page_count')) - (await pragma(engine, 'freelist_count'))) *
  (await pragma(engine, 'page_size'))

/** What updates left is used again, so it is no growth. */
const sizeOnServer = async ({ db }: Engine): Promise<number> => {
  await sql.raw('vacuum').execute(db)
  const { rows } = await sql<{ readonly bytes: string }>`
    select sum(pg_total_relation_size(oid)) as bytes from pg_class
    where relkind = 'r' and relnamespace = 'public'::regnamespace`.execute(db)
  return Number(rows[0]?.bytes)
}

const sizeOf = async (engine: Engine): Promise<number> => {
  await engine.refusals.write()
  await engine.sealer.look()
  return engine.settings.databaseUrl.startsWith('sqlite:') ? sizeOfFile(engine) : sizeOnServer(engine)
}

type Client = SignedIn

const asJson = async (client: Client, path: string, payload: object): Promise<void> => {
  const { statusCode, body } = await client.inject({ method: 'POST', url: `${mount}/${path}`, payload })
  if (statusCode >= 300) throw new Error(`${path}: ${body}`)
}

/**
 * Makes so many of each, as requests do, and looks by how much the database has grown: a user has one session, which
 * is refreshed once, then writes a post and a todo, makes an API key and signs out.
 */
export const measureSizes = async (server: string | undefined, count: number): Promise<Sizes> => {
  const database = await makeTemporaryDatabase(server)
  const settings = defaultSettings({ nodeEnv: 'test', databaseUrl: database.url, limits: 'off' })
  const opened = await openTestApp({ settings, clock: systemClock, subject: { application: blog, mount } })
  const { app, engine } = opened
  const users: Awaited<ReturnType<typeof addTestUser>>[] = []
  const clients: Client[] = []
  const acts: Readonly<Record<string, (at: number) => Promise<unknown>>> = {
    user: async at => users.push(await addTestUser(engine, { username: `user-${at}`, roles: ['user'] })),
    session: async at =>
      clients.push(
        await openSession(app, users[at] as (typeof users)[number], { device: 'Firefox on Linux' }),
      ),
    refresh: async at => {
      const client = clients[at] as Client
      await asJson(client, 'refresh', { refresh_token: client.refreshToken })
    },
    post: async at =>
      asJson(clients[at] as Client, 'posts', {
        title: `Post ${at}`,
        content: 'x'.repeat(1_000),
        published: true,
      }),
    todo: async at => asJson(clients[at] as Client, 'todos', { title: `Something to do ${at}`, done: false }),
    'sign-out': async at => (clients[at] as Client).signOut(),
  }
  try {
    await engine.housekeeping.stop()
    const sizes: Record<string, number> = {}
    let before = await sizeOf(engine)
    sizes['empty database'] = before
    for (const [what, act] of Object.entries(acts)) {
      for (let at = 0; at < count; at += 1) await act(at)
      const now = await sizeOf(engine)
      sizes[what] = (now - before) / count
      before = now
    }
    return sizes
  } finally {
    await opened.close()
    await database.drop()
  }
}
