import { signedInAs, startTestApp } from 'gatewright/testing'
import { blog, mount } from '../src/blog.ts'
import { createCall } from './call.ts'

type Settings = NonNullable<Parameters<typeof startTestApp>[0]['settings']>

/** With `TEST_DATABASE=postgres` on the server that `TEST_POSTGRES` names, else on SQLite. */
export const isOnPostgres = process.env.TEST_DATABASE === 'postgres'
const postgres = isOnPostgres ? (process.env.TEST_POSTGRES ?? '') : undefined

/** The blog, with a short way to send it requests. */
export const startBlog = async (settings: Settings = {}) => {
  const t = await startTestApp({ application: blog, mount, settings, postgres })
  return Object.assign(t, { call: createCall(t.app), engine: t.app.gatewright })
}

export type TestBlog = Awaited<ReturnType<typeof startBlog>>

/** Somebody with this name, signed in. */
export const signUp = (t: TestBlog, username: string, roles: readonly string[] = ['user']) =>
  signedInAs(t, { username, roles })
