import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { everyone } from 'gatewright/access'
import { type App, type Application, type AppOptions, createApp } from 'gatewright/app'
import type { Clock } from 'gatewright/clock'
import { compose, type Engine } from 'gatewright/compose'
import { strictObject } from 'gatewright/schemas'
import { defaultSettings, type Settings } from 'gatewright/settings'
import { pino } from 'pino'

export type ListeningApp = {
  readonly app: App['app']
  readonly engine: Engine
  readonly port: number
  /** The address before every path. */
  readonly url: string
  /** Lines of the log, as JSON texts. */
  readonly logLines: readonly string[]
  readonly useCertificate: App['useCertificate']
}

/** Stands in every error that the application below throws: no answer may hold it. */
export const canary = 'canary-7f3a'

const gate = { access: everyone(), limit: 'unlimited', audit: 'none' } as const
const number = strictObject({ number: { type: 'integer' } })

/** Routes that go wrong in every way that a handler can. */
const plugin = async (app: Parameters<Application['plugin']>[0]): Promise<void> => {
  app.post(
    '/numbers',
    { config: { gate }, schema: { body: number, response: { 200: number } } },
    async request => request.body,
  )
  app.get('/numbers', { config: { gate } }, async () => ({ number: 1 }))
  app.delete('/numbers', { config: { gate } }, async (_request, reply) => reply.code(204).send())
  app.get('/throws', { config: { gate } }, async () => {
    throw new Error(`select ${canary} from users`)
  })
  app.get('/throws-early', { config: { gate } }, () => {
    throw new TypeError(canary)
  })
  app.get('/throws-text', { config: { gate } }, async () => {
    throw canary
  })
  app.get('/throws-nothing', { config: { gate } }, async () => {
    throw undefined
  })
  app.get('/throws-status', { config: { gate } }, async () => {
    throw Object.assign(new Error(canary), { statusCode: 200, code: canary, headers: { 'x-canary': canary } })
  })
  app.get('/answers-badly', { config: { gate }, schema: { response: { 200: number } } }, async () => ({
    number: canary,
  }))
  app.get('/asks-the-database', { config: { gate } }, async () =>
    app.gatewright.db.selectFrom('users').selectAll().execute(),
  )
  app.get('/asks-wrongly', { config: { gate } }, async () =>
    app.gatewright.db
      .selectFrom('users')
      .selectAll()
      .where(canary as 'id', '=', canary)
      .execute(),
  )
}

const application: Application = { plugin }

type Owner = { readonly after: (end: () => Promise<void>) => void }

/** The gate with these routes, on a database of its own and a real socket of 127.0.0.1. Closes with its owner. */
export const startListeningApp = async (
  owner: Owner,
  overrides: Partial<Settings> = {},
  certificate?: AppOptions['certificate'],
  clock?: Clock,
): Promise<ListeningApp> => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-listening-'))
  const logLines: string[] = []
  const settings = defaultSettings({
    nodeEnv: 'test',
    databaseUrl: `sqlite:${join(folder, 'test.db')}`,
    limitsScale: 1_000,
    ...overrides,
  })
  const engine = await compose({ settings, durability: 'off', ...(clock && { clock }) })
  const log = pino({ level: 'trace', base: null }, { write: line => void logLines.push(line) })
  const { app, listen, close, useCertificate } = await createApp({
    engine,
    log,
    mount: '/auth',
    application,
    certificate,
  })
  owner.after(async () => {
    await close(1_000)
    await engine.close()
    rmSync(folder, { recursive: true, force: true })
  })
  await listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as { port: number }
  return {
    app,
    engine,
    port,
    url: `${certificate ? 'https' : 'http'}://127.0.0.1:${port}`,
    logLines,
    useCertificate,
  }
}
