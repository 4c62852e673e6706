import type { DeclaredRoute } from '../route-table.ts'
import type { OpenApi } from './open-api.ts'
import { listOperations, toPath } from './operations.ts'

/** Paths that differ in names of parameters only are one path to OpenAPI. */
const toName = (method: string, path: string): string =>
  `${method.toUpperCase()} ${path.replaceAll(/\{\w+\}/g, '{}')}`

const listNames = ({ paths }: OpenApi): readonly string[] =>
  Object.entries(paths).flatMap(([path, item]) => Object.keys(item).map(method => toName(method, path)))

const refuseStart = (what: string): never => {
  throw new Error(`the API reference and the routes do not agree: ${what}`)
}

/**
 * Holds the document to the routes that are really there. Throws, and so stops the start, where a route
 * has no operation of its own, or an operation no route.
 */
export const checkAgreement = (routes: readonly DeclaredRoute[], document: OpenApi): void => {
  const expected = Map.groupBy(listOperations(routes), ({ method, url }) => toName(method, toPath(url)))
  const documented = new Set(listNames(document))
  for (const [name, [first, second]] of expected) {
    if (second !== undefined)
      refuseStart(`${first?.method} ${first?.url} and ${second.url} are one operation of OpenAPI, ${name}`)
    if (!documented.has(name)) refuseStart(`${first?.method} ${first?.url} is a route without an operation`)
  }
  for (const name of documented)
    if (!expected.has(name)) refuseStart(`${name} is an operation without a route`)
  const ids = Object.values(document.paths).flatMap(item =>
    Object.values(item).map(({ operationId }) => operationId),
  )
  const twice = ids.find((id, index) => ids.indexOf(id) !== index)
  if (twice !== undefined) refuseStart(`two operations have the id ${twice}`)
}
