import { isSafe } from '../../gate/cross-site.ts'
import type { DeclaredRoute } from '../route-table.ts'
import { id, madeUpId } from '../schemas.ts'
import { requestHeaders } from './headers.ts'
import { toPath } from './operations.ts'
import { type Taken, takesCookie } from './security-schemes.ts'

type Json = Readonly<Record<string, unknown>>

type Schema = {
  readonly properties?: Readonly<Record<string, unknown>>
  readonly required?: readonly string[]
}

const text = { type: 'string' } as const

/** OpenAPI asks for every parameter of a path, whether the route has a schema for it or not. */
const toPathParameters = ({ url, schema }: DeclaredRoute): Json[] => {
  const { properties = {} } = (schema?.params ?? {}) as Schema
  return [...toPath(url).matchAll(/\{(\w+)\}/g)].map(([, name = '']) => {
    const part = properties[name] ?? text
    const isOurs = (part as { readonly pattern?: string }).pattern === id.pattern
    return { name, in: 'path', required: true, schema: part, ...(isOurs && { example: madeUpId }) }
  })
}

const toQueryParameters = ({ schema, reference }: DeclaredRoute): Json[] => {
  const { properties = {}, required = [] } = (schema?.querystring ?? {}) as Schema
  const values = reference?.example.query ?? {}
  return Object.entries(properties).map(([name, part]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema: part,
    ...(values[name] !== undefined && { example: values[name] }),
  }))
}

const headersOf = ({ schema }: DeclaredRoute): Schema => (schema?.headers ?? {}) as Schema

/** Whether the route's schema names this header, in lower case. */
export const takesHeader = (route: DeclaredRoute, name: string): boolean =>
  Object.hasOwn(headersOf(route).properties ?? {}, name)

/** `if-match` → `If-Match` */
const toHeaderName = (name: string): string =>
  name.replaceAll(/(^|-)[a-z]/g, letters => letters.toUpperCase())

/** One that is refused without the header needs it, although its schema leaves that to the refusal. */
const isNeeded = (route: DeclaredRoute, name: string): boolean =>
  headersOf(route).required?.includes(name) ||
  (name === 'if-match' && (route.reference?.refusals?.includes('precondition_required') ?? false))

/** Headers that no schema of a route names. */
const further: readonly {
  readonly name: string
  readonly when: (route: DeclaredRoute, taken: Taken) => boolean
}[] = [
  { name: 'If-None-Match', when: ({ conditional }) => conditional },
  { name: 'X-CSRF-Token', when: (route, taken) => !isSafe(route.method) && takesCookie(route, taken) },
]

const toHeaderParameters = (route: DeclaredRoute, taken: Taken): Json[] => {
  const values = route.reference?.example.headers ?? {}
  const declared = Object.entries(headersOf(route).properties ?? {}).map(([name, schema]) => ({
    name: toHeaderName(name),
    required: isNeeded(route, name),
    schema,
    ...(values[name] !== undefined && { example: values[name] }),
  }))
  const others = further
    .filter(({ when }) => when(route, taken))
    .map(({ name }) => ({ name, required: false, schema: text }))
  return [...declared, ...others].map(({ name, ...rest }) => {
    const description = requestHeaders[name]
    return { name, in: 'header', ...(description !== undefined && { description }), ...rest }
  })
}

/** All that a request of this route takes beside its body and its credential. */
export const toParameters = (route: DeclaredRoute, taken: Taken): readonly Json[] => [
  ...toPathParameters(route),
  ...toQueryParameters(route),
  ...toHeaderParameters(route, taken),
]
