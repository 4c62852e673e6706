import { readFileSync } from 'node:fs'
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
<link rel="stylesheet" href="/docs/errors.css">
<main>
<h1>Errors</h1>
<p>Every error is <code>application/problem+json</code> (RFC 9457). Its <code>code</code> is one of these.</p>
<dl>
${Object.entries(refusals).map(toEntry).join('\n')}
</dl>
</main>
</html>
`

const style = readFileSync(new URL('../pages/errors.css', import.meta.url), 'utf8')

const parts = [
  { url: '/docs/errors', content: page, type: 'text/html; charset=utf-8' },
  { url: '/docs/errors.css', content: style, type: 'text/css; charset=utf-8' },
] as const

/** Where the `type` of every problem points: the catalogue, with an anchor for each code. */
export const errorDocsRoutes = (app: FastifyInstance): void => {
  for (const { url, content, type } of parts)
    app.get(
      url,
      { config: { page: true, gate: { access: everyone(), limit: 'read', audit: 'none' } } },
      async (_request, reply) => reply.type(type).header('content-security-policy', pagePolicy).send(content),
    )
}
