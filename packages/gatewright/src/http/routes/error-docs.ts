import type { FastifyInstance } from 'fastify'
import { refusals } from '../../ground/refusal.ts'
import { everyone } from '../../permissions/access-rule.ts'
import { statuses } from '../problem.ts'
import { pagePolicy } from '../security-headers.ts'

const toEntry = ([code, text]: readonly [string, string]): string =>
  `<dt id="${code}"><code>${code}</code> (${statuses[code as keyof typeof statuses]})</dt><dd>${text}</dd>`

const page = `<!doctype html>
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
<p>Every error is <code>application/problem+json</code> (RFC 9457). Its <code>code</code> is one of these.</p>
<dl>
${Object.entries(refusals).map(toEntry).join('\n')}
</dl>
</main>
</html>
`

/** Where the `type` of every problem points: the catalogue, with an anchor for each code. */
export const errorDocsRoutes = (app: FastifyInstance): void => {
  app.get(
    '/docs/errors',
    {
      config: { page: true, gate: { access: everyone(), ignoresCookie: true, limit: 'read', audit: 'none' } },
    },
    async (_request, reply) =>
      reply.type('text/html; charset=utf-8').header('content-security-policy', pagePolicy).send(page),
  )
}
