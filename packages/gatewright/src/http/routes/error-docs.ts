import type { FastifyInstance } from 'fastify'
import { escapeHtml } from '../../ground/escape-html.ts'
import type { RefusalCode } from '../../ground/refusal.ts'
import { everyone } from '../../permissions/access-rule.ts'
import { advice } from '../advice.ts'
import { statuses } from '../problem.ts'
import { pagePolicy } from '../security-headers.ts'

/** The one line of an advice as HTML. */
const toHtml = (line: string, mount: string): string =>
  escapeHtml(line.replaceAll('{mount}', mount)).replaceAll(/`([^`]*)`/g, '<code>$1</code>')

const toEntry = (code: RefusalCode, mount: string): string => {
  const { means, todo } = advice[code]
  return `<dt id="${code}"><code>${code}</code> (${statuses[code]})</dt>
<dd><p>${toHtml(means, mount)}</p><p><strong>What to do:</strong> ${toHtml(todo, mount)}</p></dd>`
}

/** By status, as somebody looks for one who has only that. */
const codes = (Object.keys(advice) as RefusalCode[]).sort((one, other) => statuses[one] - statuses[other])

const toPage = (mount: string): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Errors</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/reference.css">
<nav aria-label="Reference">
<a href="/docs">API reference</a>
<a href="/docs/errors" aria-current="page">Errors</a>
<a href="/openapi.json">OpenAPI</a>
<a href="/docs/postman.json" download="postman.json">Postman collection</a>
</nav>
<main class="text">
<h1>Errors</h1>
<p>Every error is <code>application/problem+json</code> (RFC 9457). Its <code>code</code> is one of these; its <code>request_id</code> is what whoever runs the server finds it by.</p>
<dl>
${codes.map(code => toEntry(code, mount)).join('\n')}
</dl>
</main>
</html>
`

/** Where the `type` of every problem points: the catalogue, with what to do, and an anchor for each code. */
export const errorDocsRoutes = (app: FastifyInstance, mount: string): void => {
  const page = toPage(mount)
  app.get(
    '/docs/errors',
    {
      config: { page: true, gate: { access: everyone(), ignoresCookie: true, limit: 'read', audit: 'none' } },
    },
    async (_request, reply) =>
      reply.type('text/html; charset=utf-8').header('content-security-policy', pagePolicy).send(page),
  )
}
