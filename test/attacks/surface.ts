import type { Answer, Caller, TestApp } from '../harness.ts'
import { matrix, parseMatrix, requests } from '../route-matrix.ts'
import { makeOwner, things } from '../senders.ts'

/** The part of a JSON Schema that attacks are made from. */
type Schema = {
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
}

/** One place of one route where a caller's text goes in. */
export type Field = {
  /** Method and URL. */
  readonly route: string
  readonly place: 'body' | 'query' | 'path'
  /** Names from the outside in; an array is entered at 0. */
  readonly at: readonly (string | number)[]
  readonly schema: Schema
}

type Route = TestApp['app']['routeTable']['routes'][number]

const nameOf = ({ method, url }: Route): string => `${method} ${url}`

const walk = (schema: Schema, at: Field['at']): readonly Pick<Field, 'at' | 'schema'>[] => [
  ...(at.length === 0 ? [] : [{ at, schema }]),
  ...Object.entries(schema.properties ?? {}).flatMap(([name, part]) => walk(part, [...at, name])),
  ...(schema.items ? walk(schema.items, [...at, 0]) : []),
  ...(schema.anyOf ?? []).flatMap(part => walk(part, at)).filter(part => part.at.length > at.length),
]

const partsOf = ({ schema = {} }: Route) =>
  [
    ['body', schema.body],
    ['query', schema.querystring],
    ['path', schema.params],
  ] as const

/** Every field of every route, from the schemas that check them. */
export const listFields = ({ app }: TestApp): readonly Field[] =>
  app.routeTable.routes.flatMap(route =>
    partsOf(route).flatMap(([place, schema]) =>
      walk((schema ?? {}) as Schema, []).map(field => ({ route: nameOf(route), place, ...field })),
    ),
  )

/** A schema that takes nothing refuses every body: there is no field to attack. */
export const takesSomething = (schema: unknown): boolean =>
  schema !== undefined && (schema as { readonly type?: unknown }).type !== 'null'

/** The routes that take a body, as method and URL. */
export const listBodyRoutes = ({ app }: TestApp): readonly string[] =>
  app.routeTable.routes.filter(({ schema }) => takesSomething(schema?.body)).map(nameOf)

/** The JSON types that a field takes: of an alternative, those of all its parts. */
export const typesOf = ({ type = [], anyOf = [] }: Schema): readonly string[] => [
  ...[type].flat(),
  ...anyOf.flatMap(typesOf),
]

export const isText = ({ schema }: Field): boolean => typesOf(schema).includes('string')

export const describe = ({ route, place, at }: Field): string => `${route}, ${place} /${at.join('/')}`

export type Request = {
  readonly route: string
  readonly parameters: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>
  /** A text or bytes go out as they are, with `content-type: application/json`. */
  readonly body: unknown
}

const put = (target: unknown, [first, ...rest]: Field['at'], value: unknown): unknown => {
  if (first === undefined) return value
  if (typeof first === 'number') return [put(undefined, rest, value)]
  const object = (target ?? {}) as Readonly<Record<string, unknown>>
  return { ...object, [first]: put(object[first], rest, value) }
}

/** The request with one field changed. */
export const withValue = (
  request: Request,
  { place, at }: Pick<Field, 'place' | 'at'>,
  value: unknown,
): Request => {
  if (place === 'body') return { ...request, body: put(request.body, at, value) }
  const part = place === 'query' ? 'query' : 'parameters'
  return { ...request, [part]: { ...request[part], [String(at[0])]: String(value) } }
}

const toPath = ({ route, parameters, query }: Request): string => {
  const path = (route.split(' ')[1] ?? '').replace(/:(\w+)/g, (_, name) =>
    encodeURIComponent(parameters[name] ?? ''),
  )
  const text = new URLSearchParams(query).toString()
  return text === '' ? path : `${path}?${text}`
}

const { rows } = parseMatrix(matrix)

/** HEAD is asked as its GET is. */
const asGet = (route: string): string => route.replace(/^HEAD /, 'GET ')

const requestOf = (route: string) => requests[asGet(route)] ?? {}

/** What the request of an administrator, with things of the own, is about, so that it would succeed. */
const caseOf = (route: string): string => {
  const ofRoute = rows.filter(row => row.route === asGet(route))
  const letIn = (name: 'owner' | 'administrator') => ofRoute.find(row => row.expected[name].startsWith('2'))
  return (letIn('owner') ?? letIn('administrator'))?.of ?? ''
}

export type Attacker = {
  /** A request of this route that would succeed. */
  readonly prepare: (route: string) => Promise<Request>
  readonly send: (request: Request) => Promise<Answer>
}

/** An administrator who attacks with things of the own, so that nothing but the attack can be refused. */
export const createAttacker = (t: TestApp): Attacker => {
  let owner: Caller | undefined
  return {
    prepare: async route => {
      owner ??= await makeOwner(t, 'admin')
      const headers = { authorization: `Bearer ${owner.access}` }
      const sender = { ...owner, headers }
      const of = caseOf(route)
      const id = await things[of]?.(t, owner, sender)
      const { body, query = {}, headers: further } = requestOf(route)
      const parameters = id === undefined ? {} : { id }
      return {
        route,
        parameters,
        query,
        headers: { ...headers, ...further },
        body: await body?.({ t, owner, sender, of }),
      }
    },
    send: async request => {
      const isRaw = typeof request.body === 'string' || Buffer.isBuffer(request.body)
      const headers = { ...(isRaw && { 'content-type': 'application/json' }), ...request.headers }
      const [method = ''] = request.route.split(' ')
      const answer = await t.call(method, toPath(request), { headers, body: request.body })
      if (answer.status < 300 && requestOf(request.route).spends) owner = undefined
      return answer
    },
  }
}
