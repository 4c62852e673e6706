import { STATUS_CODES } from 'node:http'
import { nameOf } from '../../limits/own-limit.ts'
import { describeAccess } from '../../permissions/describe-access.ts'
import { statuses } from '../problem.ts'
import type { DeclaredRoute } from '../route-table.ts'
import { nothing } from '../schemas.ts'
import type { Components } from './components.ts'
import { type HeaderName, toHeaderReferences, usualHeaders } from './headers.ts'
import { toOperationId } from './operations.ts'
import { takesHeader, toParameters } from './parameters.ts'
import { refusalsOf } from './refusals-of.ts'
import type { Example } from './route-reference.ts'
import { type Taken, toSecurity } from './security-schemes.ts'

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

const json = 'application/json'

type Shown = Pick<Example, 'answer' | 'answerToCookie'>

type Schema = {
  readonly anyOf?: readonly Schema[]
  readonly type?: unknown
}

const isNothing = ({ type }: Schema): boolean => type === 'null'

const toContent = ({ refer }: Components, schema: Schema, { answer, answerToCookie }: Shown) => ({
  [json]: {
    schema: refer(schema),
    ...(answerToCookie !== undefined
      ? { examples: { bearer: { value: answer }, cookie: { value: answerToCookie } } }
      : answer !== undefined && { example: answer }),
  },
})

/** A body that may be left out is one of two schemas, the second of which is nothing. */
const toRequestBody = (components: Components, schema: Schema, example: unknown): Json => {
  const mayBeLeftOut = schema.anyOf?.some(isNothing) ?? false
  const body = (mayBeLeftOut && schema.anyOf?.find(part => !isNothing(part))) || schema
  return { required: !mayBeLeftOut, content: toContent(components, body, { answer: example }) }
}

/** The headers of a success, beside the usual ones. */
const ownHeaders = (route: DeclaredRoute): readonly HeaderName[] => [
  ...(route.reference?.headers ?? []),
  ...(route.conditional ? (['ETag'] as const) : []),
  ...(takesHeader(route, 'idempotency-key') ? (['Idempotency-Replayed'] as const) : []),
]

const toAnswers = (components: Components, route: DeclaredRoute): Record<string, Json> => {
  const declared = Object.entries({
    ...((route.schema?.response ?? { 200: {} }) as Record<string, Schema>),
    ...(route.conditional && { 304: nothing }),
  })
  const { example = {} } = route.reference ?? {}
  return Object.fromEntries(
    declared.map(([status, schema]) => {
      const isSuccess = status.startsWith('2')
      const names = [...usualHeaders(nameOf(route.rule.limit)), ...(isSuccess ? ownHeaders(route) : [])]
      const answer = {
        description: STATUS_CODES[status] ?? status,
        headers: toHeaderReferences(names),
        ...(!isNothing(schema) && {
          content: toContent(components, schema, isSuccess ? example : {}),
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
  `Who: ${describeAccess(rule)}. Limit: \`${nameOf(rule.limit)}\`.`

/** One route as an operation of OpenAPI; what it shares with others goes to the components. */
export const toOperation = (components: Components, route: DeclaredRoute, taken: Taken): Operation => {
  const { schema = {}, reference } = route
  const { tag = 'Other', summary = `${route.method} ${route.url}`, example = {} } = reference ?? {}
  const parameters = toParameters(route, taken)
  return {
    operationId: toOperationId(route),
    tags: [tag],
    summary,
    description: toDescription(route),
    security: toSecurity(route, taken),
    ...(parameters.length > 0 && { parameters }),
    ...(schema.body !== undefined && {
      requestBody: toRequestBody(components, schema.body as Schema, example.body),
    }),
    responses: { ...toRefusals(components, route), ...toAnswers(components, route) },
  }
}
