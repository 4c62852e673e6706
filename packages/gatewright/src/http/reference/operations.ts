import type { DeclaredRoute } from '../route-table.ts'

/** The methods for which OpenAPI 3.1 has a word. */
const methods = ['GET', 'PUT', 'POST', 'DELETE', 'OPTIONS', 'HEAD', 'PATCH', 'TRACE']

type Routes = readonly DeclaredRoute[]

/** Which routes the document leaves out, and why. */
const leftOut: readonly {
  readonly reason: string
  readonly is: (route: DeclaredRoute, routes: Routes) => boolean
}[] = [
  { reason: 'a page, or a part of one', is: ({ page }) => page },
  {
    reason: 'every GET also takes HEAD',
    is: ({ method, url }, routes) =>
      method === 'HEAD' && routes.some(other => other.method === 'GET' && other.url === url),
  },
  { reason: 'OpenAPI 3.1 has no word for the method', is: ({ method }) => !methods.includes(method) },
]

/** The routes that stand in the document as operations. */
export const listOperations = (routes: Routes): Routes =>
  routes.filter(route => !leftOut.some(({ is }) => is(route, routes)))

/** `/posts/:id` → `/posts/{id}`; an expression behind a parameter is left out. */
export const toPath = (url: string): string =>
  url.replaceAll(/:(\w+)(?:\([^/]*\))?\??/g, '{$1}').replaceAll('*', '{rest}')

const capitalize = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1)

/** `GET /api/v1/posts/:id` → `getApiV1PostsById` */
export const toOperationId = ({ method, url }: Pick<DeclaredRoute, 'method' | 'url'>): string => {
  const words = toPath(url)
    .replaceAll(/\{(\w+)\}/g, 'by-$1')
    .split(/[^A-Za-z0-9]+/)
  return method.toLowerCase() + words.map(capitalize).join('')
}
