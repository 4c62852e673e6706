import { readFile } from 'node:fs/promises'
import type { FastifyInstance } from 'fastify'
import type { Engine } from '../../compose.ts'
import { everyone } from '../../permissions/access-rule.ts'
import { version } from '../../upkeep/manifest.ts'
import { contentOnce, sendContent } from '../content.ts'
import { checkAgreement } from '../reference/agreement.ts'
import { type OpenApi, toOpenApi } from '../reference/open-api.ts'
import { toPostman } from '../reference/postman.ts'
import { nothing } from '../schemas.ts'
import { pagePolicy } from '../security-headers.ts'

/** Whoever's session has ended must still get these: they judge no cookie. */
const gate = { access: everyone(), ignoresCookie: true, limit: 'read', audit: 'none' } as const

const page = (file: string): URL => new URL(`../pages/${file}`, import.meta.url)
/** The reader is Swagger UI; only these files of the package are used, nothing of it runs here. */
const swaggerStyle = new URL(import.meta.resolve('@fastify/swagger-ui/static/swagger-ui.css'))
const swaggerScript = new URL(import.meta.resolve('@fastify/swagger-ui/static/swagger-ui-bundle.js'))

const html = 'text/html; charset=utf-8'
const css = 'text/css; charset=utf-8'
const script = 'text/javascript; charset=utf-8'

/** The reader, part by part; its page stands at two addresses, as the console does. */
const parts = [
  { url: '/docs', file: page('reference.html'), type: html },
  { url: '/docs/', file: page('reference.html'), type: html },
  { url: '/docs/reference.css', file: page('reference.css'), type: css },
  { url: '/docs/reference.js', file: page('reference.js'), type: script },
  { url: '/docs/swagger-ui.css', file: swaggerStyle, type: css },
  { url: '/docs/swagger-ui.js', file: swaggerScript, type: script },
] as const

const readerRoutes = (app: FastifyInstance): void => {
  for (const { url, file, type } of parts) {
    const content = contentOnce(type, () => readFile(file))
    app.get(url, { config: { page: true, gate } }, async (request, reply) =>
      sendContent(request, reply.header('content-security-policy', pagePolicy), await content()),
    )
  }
}

type Documents = { readonly openApi: OpenApi; readonly postman: object }

/** The documents, by path; each is written when it is first asked for. */
const documents = [
  {
    url: '/openapi.json',
    summary: 'This reference, as OpenAPI 3.1',
    answer: { openapi: '3.1.1', info: {}, paths: {} },
    pick: ({ openApi }: Documents) => openApi,
  },
  {
    url: '/docs/postman.json',
    summary: 'A Postman collection that plays the life of a token, and every operation',
    answer: { info: {}, item: [] },
    pick: ({ postman }: Documents) => postman,
  },
] as const

const anyObject = { type: 'object' } as const

/** The API reference: what is there, for programs and for people. The start fails where it is not true. */
export const referenceRoutes = (app: FastifyInstance, engine: Engine, mount: string): void => {
  const { routes } = app.routeTable
  let openApi: OpenApi | undefined
  const getDocuments = (): Documents => {
    if (openApi === undefined) throw new TypeError('the reference is there once the server is ready')
    return { openApi, postman: toPostman(openApi, mount, engine.places) }
  }
  app.addHook('onReady', async () => {
    openApi = toOpenApi(routes, { ...engine, version })
    checkAgreement(routes, openApi)
  })
  for (const { url, summary, answer, pick } of documents) {
    const content = contentOnce('application/json', async () => JSON.stringify(pick(getDocuments())))
    const reference = { tag: 'Reference', summary, headers: ['ETag'], example: { answer } } as const
    app.get(
      url,
      { config: { gate, reference }, schema: { response: { 200: anyObject, 304: nothing } } },
      async (request, reply) => sendContent(request, reply, await content()),
    )
  }
  readerRoutes(app)
}
