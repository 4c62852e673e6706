import type { RefusalCode } from '../../ground/refusal.ts'
import type { Settings } from '../../ground/settings.ts'
import { describeRule } from '../../permissions/access-rule.ts'
import { statuses, toProblem } from '../problem.ts'
import type { DeclaredRoute } from '../route-table.ts'
import { madeUpId } from '../schemas.ts'
import { type Components, createComponents } from './components.ts'
import { answerHeaders, toHeaderReferences, usualHeaders } from './headers.ts'
import { listOperations, toOperationId, toPath } from './operations.ts'
import { refusalsOf } from './refusals-of.ts'
import type { Example } from './route-reference.ts'
import { toSecurity, toSecuritySchemes } from './security-schemes.ts'

type Json = Readonly<Record<string, unknown>>

export type Operation = {
  readonly operationId: string
  readonly tags: readonly string[]
  readonly summary: string
  readonly description: string
  readonly security: readonly Readonly<Record<string, readonly string[]>>[]
  readonly parameters?: readonly Json[]
  readonly requestBody?: Json
  readonly responses: Readonly<Record<string, Json>>
}

/** An OpenAPI 3.1 document, as far as others here read it. */
export type OpenApi = {
  readonly openapi: string
  readonly info: Json
  readonly servers: readonly { readonly url: string }[]
  readonly tags: readonly { readonly name: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: Json
}

export type Facts = {
  readonly publicUrl: string
  readonly version: string
  readonly settings: Pick<Settings, 'appName' | 'tokenHeader' | 'tokenScheme'>
}

const json = 'application/json'

type Schema = {
  readonly properties?: Readonly<Record<string, unknown>>
  readonly required?: readonly string[]
  readonly anyOf?: readonly Schema[]
  readonly type?: unknown
}

const isNothing = ({ type }: Schema): boolean => type === 'null'

/** The parameters of one place; one of the path is always required, and has an id that is made up. */
const toParameters = (schema: unknown, place: 'path' | 'query' | 'header', values: Example['query'] = {}) => {
  const { properties = {}, required = [] } = (schema ?? {}) as Schema
  return Object.entries(properties).map(([name, part]) => {
    const example = place === 'path' ? madeUpId : values[name]
    return {
      name,
      in: place,
      required: place === 'path' || required.includes(name),
      schema: part,
      ...(example !== undefined && { example }),
    }
  })
}

const toContent = ({ refer }: Components, schema: Schema, example: unknown) => ({
  [json]: { schema: refer(schema), ...(example !== undefined && { example }) },
})

/** A body that may be left out is one of two schemas, the second of which is nothing. */
const toRequestBody = (components: Components, schema: Schema, example: unknown): Json => {
  const mayBeLeftOut = schema.anyOf?.some(isNothing) ?? false
  const body = (mayBeLeftOut && schema.anyOf?.find(part => !isNothing(part))) || schema
  return { required: !mayBeLeftOut, content: toContent(components, body, example) }
}

const successes: Readonly<Record<string, string>> = {
  200: 'Done.',
  201: 'Made.',
  202: 'Taken.',
  204: 'Done.',
}

const toAnswers = (components: Components, route: DeclaredRoute): Record<string, Json> => {
  const declared = Object.entries((route.schema?.response ?? { 200: {} }) as Record<string, Schema>)
  const { headers = [], example } = route.reference ?? {}
  return Object.fromEntries(
    declared.map(([status, schema]) => {
      const isSuccess = status.startsWith('2')
      const names = [...usualHeaders(route.rule.limit), ...(isSuccess ? headers : [])]
      const answer = {
        description: successes[status] ?? 'Not now.',
        headers: toHeaderReferences(names),
        ...(!isNothing(schema) && {
          content: toContent(components, schema, isSuccess ? example?.answer : undefined),
        }),
      }
      return [status, answer]
    }),
  )
}

/** Every status with which it may be refused; where the route has an answer of its own with it, that stays. */
const toRefusals = (components: Components, route: DeclaredRoute): Record<string, Json> => {
  const byStatus = Map.groupBy(refusalsOf(route), code => statuses[code])
  return Object.fromEntries([...byStatus].map(([status, codes]) => [status, components.refusal(codes)]))
}

const toDescription = ({ rule }: DeclaredRoute): string =>
  `Who: ${describeRule(rule.access)}. Limit: \`${rule.limit}\`.`

const toOperation = (components: Components, route: DeclaredRoute): Operation => {
  const { schema = {}, reference } = route
  const { tag = 'Other', summary = `${route.method} ${route.url}`, example = {} } = reference ?? {}
  const parameters = [
    ...toParameters(schema.params, 'path'),
    ...toParameters(schema.querystring, 'query', example.query),
    ...toParameters(schema.headers, 'header', example.headers),
  ]
  return {
    operationId: toOperationId(route),
    tags: [tag],
    summary,
    description: toDescription(route),
    security: toSecurity(route),
    ...(parameters.length > 0 && { parameters }),
    ...(schema.body !== undefined && {
      requestBody: toRequestBody(components, schema.body as Schema, example.body),
    }),
    responses: { ...toRefusals(components, route), ...toAnswers(components, route) },
  }
}

const toPaths = (components: Components, routes: readonly DeclaredRoute[]): OpenApi['paths'] => {
  const byPath = Map.groupBy(routes, ({ url }) => toPath(url))
  return Object.fromEntries(
    [...byPath].map(([path, group]) => [
      path,
      Object.fromEntries(group.map(route => [route.method.toLowerCase(), toOperation(components, route)])),
    ]),
  )
}

/**
 * The routes as an OpenAPI 3.1 document, from the very schemas that check requests and write answers.
 * Pure: the same routes and facts give the same document. @throws Error where two schemas share a title
 */
export const toOpenApi = (
  routes: readonly DeclaredRoute[],
  { publicUrl, version, settings }: Facts,
): OpenApi => {
  const toExample = (code: RefusalCode) => ({
    ...toProblem({ code, details: {} }, { publicUrl, requestId: madeUpId }),
  })
  const components = createComponents(toExample)
  const operations = listOperations(routes)
  const paths = toPaths(components, operations)
  const tags = new Set(operations.map(({ reference }) => reference?.tag ?? 'Other'))
  return {
    openapi: '3.1.1',
    info: {
      title: settings.appName,
      version,
      description: `Every refusal is a problem (RFC 9457); its \`code\` stands in [the list of errors](${publicUrl}/docs/errors). Fields that an operation does not know are refused. Every GET also takes HEAD.`,
    },
    servers: [{ url: publicUrl }],
    tags: [...tags].map(name => ({ name })),
    paths,
    components: {
      ...components.collected(),
      headers: Object.fromEntries(
        Object.entries(answerHeaders).map(([name, description]) => [
          name,
          { description, schema: { type: 'string' } },
        ]),
      ),
      securitySchemes: toSecuritySchemes(settings),
    },
  }
}
