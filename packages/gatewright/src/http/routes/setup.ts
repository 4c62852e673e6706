import { readFileSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'
import type { Engine } from '../../compose.ts'
import { everyone } from '../../permissions/access-rule.ts'
import { completeSetup } from '../../sign-in/setup-link.ts'
import { originOf } from '../request.ts'
import { email, password, strictObject, text, username } from '../schemas.ts'
import { pagePolicy } from '../security-headers.ts'
import { typed } from '../typed-app.ts'
import { accountSchema, toAccount } from './account.ts'

/** The parts of the set-up page, by path. */
const parts = [
  { url: '/console/setup', file: 'setup.html', type: 'text/html; charset=utf-8' },
  { url: '/console/setup.js', file: 'setup.js', type: 'text/javascript; charset=utf-8' },
  { url: '/console/setup.css', file: 'setup.css', type: 'text/css; charset=utf-8' },
] as const

const readPart = (file: string, words: Readonly<Record<string, string>>): string =>
  readFileSync(new URL(`../pages/${file}`, import.meta.url), 'utf8').replaceAll(
    /\{\{(\w+)\}\}/g,
    (_, word: string) => words[word] ?? '',
  )

/** The first administrator: the page that the link opens, and what it posts to. */
export const setupRoutes = (app: FastifyInstance, engine: Engine, mount: string): void => {
  const words = { mount, minimum: String(engine.settings.passwordMinLength) }
  for (const { url, file, type } of parts) {
    const content = readPart(file, words)
    app.get(
      url,
      { config: { page: true, gate: { access: everyone(), limit: 'read', audit: 'none' } } },
      async (_request, reply) => reply.type(type).header('content-security-policy', pagePolicy).send(content),
    )
  }
  typed(app).post(
    `${mount}/setup`,
    {
      config: {
        gate: {
          access: everyone(),
          ignoresCookie: true,
          limit: 'anonymous-write',
          audit: ['administrator.set-up'],
        },
      },
      schema: {
        body: strictObject({ token: text(1, 200), username, password, email }, ['email']),
        response: { 201: accountSchema(app.userFields) },
      },
    },
    async (request, reply) => {
      const user = await completeSetup(engine, request.body, originOf(request))
      return reply.code(201).send(toAccount(engine, user, app.userFields))
    },
  )
}
