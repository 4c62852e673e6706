import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { pino } from 'pino'
import { compose } from '../compose.ts'
import { defaultSettings } from '../ground/settings.ts'
import { everyone } from '../permissions/access-rule.ts'
import { type Application, createApp } from './app.ts'
import { requireLimit } from './request.ts'

const gate = { access: everyone(), limit: 'search', audit: 'none' } as const

/** An application whose handler takes from the limit of its route once more. */
const plugin: Application['plugin'] = async app => {
  app.get('/twice', { config: { gate } }, async (request, reply) => {
    await requireLimit(request, reply, 'search')
    return {}
  })
}

test('a limit that counted twice is told once, as the one with less left', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-'))
  const databaseUrl = `sqlite:${join(folder, 'test.db')}`
  const engine = await compose({
    settings: defaultSettings({ nodeEnv: 'test', databaseUrl }),
    durability: 'off',
  })
  const log = pino({ level: 'silent' })
  const { app } = await createApp({ engine, log, mount: '/auth', application: { plugin } })
  t.after(async () => {
    await app.close()
    await engine.close()
    rmSync(folder, { recursive: true })
  })
  const { headers } = await app.inject({ url: '/twice' })
  assert.equal(headers['ratelimit-policy'], '"search-anonymous";q=30;w=60')
  assert.match(String(headers.ratelimit), /^"search-anonymous";r=28(;t=\d+)?$/)
})
