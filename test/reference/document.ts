import { Ajv2020 } from 'ajv/dist/2020.js'
import type { OpenApi } from '../../packages/gatewright/src/http/reference/open-api.ts'
import type { Operation } from '../../packages/gatewright/src/http/reference/operation.ts'
import { toPath } from '../../packages/gatewright/src/http/reference/operations.ts'
import type { TestApp } from '../harness.ts'

export const readOpenApi = async ({ call }: TestApp): Promise<OpenApi> =>
  (await call('GET', '/openapi.json')).body

/** The operation of `POST /api/v1/login`; undefined for what the document leaves out. */
export const findOperation = ({ paths }: OpenApi, route: string): Operation | undefined => {
  const [method = '', url = ''] = route.split(' ')
  return paths[toPath(url)]?.[method.toLowerCase()]
}

/** An object of the document with its reference followed. */
export const follow = (document: OpenApi, part: unknown): unknown => {
  const { $ref } = (part ?? {}) as { readonly $ref?: string }
  if ($ref === undefined) return part
  const names = $ref.slice('#/'.length).split('/')
  return names.reduce<unknown>((at, name) => (at as Readonly<Record<string, unknown>>)?.[name], document)
}

/** What a value breaks of a schema of the document; empty where it keeps to it. */
export type Judge = (schema: unknown, value: unknown) => readonly string[]

/** By JSON Schema 2020-12, as OpenAPI 3.1 reads its schemas. */
export const createJudge = ({ components }: OpenApi): Judge => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  return (schema, value) => {
    const isGood = ajv.compile({ ...(schema as object), components })
    return isGood(value) ? [] : (isGood.errors ?? []).map(error => `${error.instancePath} ${error.message}`)
  }
}
