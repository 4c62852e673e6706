import type { CredentialPlaces } from '../../gate/credential.ts'
import type { RefusalCode } from '../../ground/refusal.ts'
import type { Settings } from '../../ground/settings.ts'
import { toProblem } from '../problem.ts'
import type { DeclaredRoute } from '../route-table.ts'
import { madeUpId } from '../schemas.ts'
import { type Components, createComponents } from './components.ts'
import { answerHeaders } from './headers.ts'
import { type Operation, toOperation } from './operation.ts'
import { listOperations, toPath } from './operations.ts'
import { type Taken, toSecuritySchemes } from './security-schemes.ts'

type Json = Readonly<Record<string, unknown>>

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
  readonly settings: Pick<Settings, 'appName' | 'trustedIssuers'>
  readonly places: CredentialPlaces
}

const toPaths = (
  components: Components,
  routes: readonly DeclaredRoute[],
  taken: Taken,
): OpenApi['paths'] => {
  const byPath = Map.groupBy(routes, ({ url }) => toPath(url))
  return Object.fromEntries(
    [...byPath].map(([path, group]) => [
      path,
      Object.fromEntries(
        group.map(route => [route.method.toLowerCase(), toOperation(components, route, taken)]),
      ),
    ]),
  )
}

/**
 * The routes as an OpenAPI 3.1 document, from the very schemas that check requests and write answers.
 * Pure: the same routes and facts give the same document. @throws Error where two schemas share a title
 */
export const toOpenApi = (
  routes: readonly DeclaredRoute[],
  { publicUrl, version, settings, places }: Facts,
): OpenApi => {
  const toExample = (code: RefusalCode) => ({
    ...toProblem({ code, details: {} }, { publicUrl, requestId: madeUpId }),
  })
  const components = createComponents(toExample)
  const operations = listOperations(routes)
  const taken = { ...places, hasOtherIssuers: settings.trustedIssuers.length > 0 }
  const paths = toPaths(components, operations, taken)
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
      securitySchemes: toSecuritySchemes(taken),
    },
  }
}
