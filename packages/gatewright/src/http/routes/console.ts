import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import Negotiator from 'negotiator'
import type { Engine } from '../../compose.ts'
import { escapeHtml } from '../../ground/escape-html.ts'
import { productionReasons } from '../../ground/production-rules.ts'
import { newId } from '../../ground/random.ts'
import { Refusal } from '../../ground/refusal.ts'
import { everyone } from '../../permissions/access-rule.ts'
import { awaitsAdministrator } from '../../users/administrators.ts'
import {
  type ConsoleFile,
  type ConsoleFiles,
  type Encoding,
  encodings,
  readConsoleFiles,
} from '../console-files.ts'
import { passkeyPagePermissions } from '../security-headers.ts'

/**
 * The policy of the console: own scripts by address, own styles by address or with the nonce of this one
 * answer, no inline code, no text that becomes code, calls to this origin only.
 */
const consolePolicy = (nonce: string): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ')

/** What the page must know before it asks for anything. */
const toPageSettings = ({ settings, publicUrl, mail }: Engine, mount: string) => ({
  app_name: settings.appName,
  public_url: publicUrl,
  mount,
  registration: settings.registration,
  password_min_length: settings.passwordMinLength,
  sends_mail: mail.isOn,
})

/** The page with a nonce; everything else in it is the same for every answer of this process. */
const createRenderPage = (page: string, settings: object): ((nonce: string) => string) => {
  const written = escapeHtml(JSON.stringify(settings))
  const around = page.split('{{nonce}}').map(part => part.replace('{{settings}}', () => written))
  return nonce => around.join(nonce)
}

/**
 * Whether the sign-in page may point at the set-up link: to strangers on other machines, that nobody has set
 * this server up is told by nothing. Once an administrator has existed it is never asked again.
 */
const createAwaitsAdministrator = ({ db, settings }: Engine): (() => Promise<boolean>) => {
  let mayAwait = productionReasons(settings).length === 0
  return async () => {
    if (!mayAwait) return false
    try {
      mayAwait = await awaitsAdministrator(db)
      return mayAwait
    } catch {
      // The page is there without a database as well.
      return false
    }
  }
}

const notBuilt = 'The console is not built. Run "node tools/build-console.ts" and start again.\n'

const noCookie =
  'The console signs in with the session cookie, which CREDENTIALS leaves out here. Use the API, or add cookie.\n'

type Answer = (request: FastifyRequest, reply: FastifyReply) => FastifyReply | Promise<FastifyReply>

const createAnswerPage = (engine: Engine, files: ConsoleFiles | undefined, mount: string): Answer => {
  const hasCookie = engine.places.accepted.has('cookie')
  if (files === undefined || !hasCookie) {
    const why = hasCookie ? notBuilt : noCookie
    return (_request, reply) => reply.code(503).type('text/plain; charset=utf-8').send(why)
  }
  const settings = toPageSettings(engine, mount)
  const renderPage = createRenderPage(files.page, { ...settings, awaits_administrator: false })
  const renderFirst = createRenderPage(files.page, { ...settings, awaits_administrator: true })
  const isAwaited = createAwaitsAdministrator(engine)
  return async (_request, reply) => {
    const nonce = newId(engine.random)
    const render = (await isAwaited()) ? renderFirst : renderPage
    return reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', consolePolicy(nonce))
      .header('permissions-policy', passkeyPagePermissions)
      .send(render(nonce))
  }
}

/** The best that we have of what the caller takes. */
const pickEncoding = ({ compressed }: ConsoleFile, { raw }: FastifyRequest): Encoding | undefined => {
  const offered = (Object.keys(encodings) as Encoding[]).filter(name => compressed[name] !== undefined)
  const accepted = new Negotiator(raw).encodings(offered)
  return offered.find(name => accepted.includes(name))
}

/** The name of a file holds a hash of what is in it: it never changes. */
const sendAsset = (file: ConsoleFile, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
  const encoding = pickEncoding(file, request)
  reply.type(file.type).headers({
    'cache-control': 'public, max-age=31536000, immutable',
    vary: 'Accept-Encoding',
    ...(encoding && { 'content-encoding': encoding }),
  })
  return reply.send((encoding && file.compressed[encoding]) ?? file.plain)
}

const assetsPath = 'assets/'

/**
 * The console: one page for all its addresses, and the files that this page asks for. Whoever's session
 * has ended must still get the page that says so: these routes judge no cookie.
 */
export const consoleRoutes = (
  app: FastifyInstance,
  engine: Engine,
  mount: string,
  readFiles = readConsoleFiles,
): void => {
  const files = readFiles()
  const answerPage = createAnswerPage(engine, files, mount)
  const config = {
    page: true,
    gate: { access: everyone(), ignoresCookie: true, limit: 'read', audit: 'none' },
  } as const
  app.get('/console', { config }, answerPage)
  app.get<{ Params: { '*': string } }>('/console/*', { config }, (request, reply) => {
    const path = request.params['*']
    if (!path.startsWith(assetsPath)) return answerPage(request, reply)
    const file = files?.assets.get(path.slice(assetsPath.length))
    if (file === undefined) throw new Refusal('not_found')
    return sendAsset(file, request, reply)
  })
}
