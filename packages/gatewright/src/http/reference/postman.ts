import type { CredentialPlaces } from '../../gate/credential.ts'
import { madeUpId } from '../schemas.ts'
import type { OpenApi } from './open-api.ts'
import type { Operation } from './operation.ts'
import {
  fill,
  type Item,
  type Parameter,
  type Script,
  toItem,
  toPlaceholder,
  toUrl,
  toVariable,
} from './postman-items.ts'
import { steps, toStepScripts } from './postman-steps.ts'

/** A Postman collection, version 2.1. */
export type Collection = Readonly<Record<string, unknown>> & { readonly item: readonly Item[] }

/** What an operation answers must be what the reference says; the id of what it made is kept. */
const toOperationScripts = (path: string, { responses }: Operation, paths: OpenApi['paths']): Script[] => {
  const statuses = Object.keys(responses).join(', ')
  const child = Object.keys(paths).find(other => other.startsWith(`${path}/{`))
  const variable = child && toVariable(child)
  const keep = `if (pm.response.code === 201 && pm.response.json().id) pm.collectionVariables.set('${variable}', pm.response.json().id)`
  const exec = [
    `pm.test('is answered as the reference says', () => pm.expect([${statuses}]).to.include(pm.response.code))`,
    ...(variable && responses[201] ? [keep] : []),
  ]
  return [{ listen: 'test', exec }]
}

const exampleBodyOf = ({ requestBody }: Operation): unknown =>
  (requestBody as { content?: Record<string, { example?: unknown }> } | undefined)?.content?.[
    'application/json'
  ]?.example

/** Headers that a run has values of its own for. */
const filledHeaders: ReadonlyMap<string, string> = new Map([
  ['If-Match', toPlaceholder('etag')],
  ['Idempotency-Key', toPlaceholder('$guid')],
])

const toHeaders = (parameters: readonly Parameter[]) =>
  parameters
    .filter(({ in: place }) => place === 'header')
    .map(({ name, example }) => ({ key: name, value: filledHeaders.get(name) ?? example }))
    .flatMap(({ key, value }) => (value === undefined ? [] : [{ key, value: String(value) }]))

const toOperationItem = (
  path: string,
  method: string,
  operation: Operation,
  paths: OpenApi['paths'],
): Item => {
  const parameters = operation.parameters as unknown as readonly Parameter[] | undefined
  return toItem({
    name: operation.summary,
    method: method.toUpperCase(),
    url: toUrl(path, parameters),
    body: fill(exampleBodyOf(operation)),
    headers: toHeaders(parameters ?? []),
    isPublic: operation.security.length === 0,
    scripts: toOperationScripts(path, operation, paths),
  })
}

const toStepItems = (mount: string, names?: readonly string[]): readonly Item[] =>
  steps
    .filter(({ name }) => names === undefined || names.includes(name))
    .map(step =>
      toItem({
        name: step.name,
        method: step.method,
        url: toUrl(mount + step.path),
        body: 'body' in step ? step.body : undefined,
        isPublic: 'body' in step,
        scripts: toStepScripts(step),
      }),
    )

/** Things are made before they are read, changed and deleted. */
const order = ['post', 'get', 'put', 'patch', 'delete']

/** Below the mount: after these nobody is signed in, so they come last, with a sign-in between them. */
const endings = ['post /logout', 'delete /me']
const end = 'The end'

/** A folder for each tag, with every operation. */
const toFolders = ({ paths, tags }: OpenApi, mount: string, signIn: readonly Item[]): readonly Item[] => {
  const operations = Object.entries(paths)
    .flatMap(([path, item]) =>
      Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
    )
    .sort((a, b) => order.indexOf(a.method) - order.indexOf(b.method))
  const last = endings.map(ending => ending.replace('/', `${mount}/`))
  const byTag = Map.groupBy(operations, ({ path, method, operation }) =>
    last.includes(`${method} ${path}`) ? end : (operation.tags[0] ?? ''),
  )
  return [...tags.map(({ name }) => name), end].map(name => ({
    name,
    item: (byTag.get(name) ?? []).flatMap(({ path, method, operation }, index) => [
      ...(name === end && index > 0 ? signIn : []),
      toOperationItem(path, method, operation, paths),
    ]),
  }))
}

/** After every request: what it gave is what the next ones show. */
const keepTokens = [
  "const isJson = (pm.response.headers.get('Content-Type') || '').includes('json')",
  'const body = isJson && pm.response.text() ? pm.response.json() : {}',
  "for (const name of ['access_token', 'refresh_token']) if (body[name]) pm.collectionVariables.set(name, body[name])",
  "if (pm.response.headers.has('ETag')) pm.collectionVariables.set('etag', pm.response.headers.get('ETag'))",
]

const toPart = (key: string, value: string) => ({ key, value, type: 'string' })

/** How Postman shows the access token, where this server takes one. */
const toAuth = ({ accepted, token, challenge }: CredentialPlaces) => {
  if (!accepted.has('bearer')) return { type: 'noauth' }
  const value = toPlaceholder('access_token')
  if (token.header === 'authorization' && token.scheme === 'bearer')
    return { type: 'bearer', bearer: [toPart('token', value)] }
  const parts = { key: token.name, value: `${challenge} ${value}`, in: 'header' }
  return { type: 'apikey', apikey: Object.entries(parts).map(([name, text]) => toPart(name, text)) }
}

const toDescription = ({ accepted }: CredentialPlaces): string =>
  accepted.has('bearer')
    ? 'Play the first folder from top to bottom. Registration must be open.'
    : 'This server takes no access tokens, so nobody is signed in here: it takes the cookie of a browser.'

/**
 * The document as a Postman collection: the life of a token, step by step, and then every operation with
 * its example. It makes a user of its own, with a password that nobody knows.
 */
export const toPostman = (document: OpenApi, mount: string, places: CredentialPlaces): Collection => {
  const ids = new Set(Object.keys(document.paths).flatMap(path => toVariable(path) ?? []))
  const variables = {
    base: document.servers[0]?.url,
    username: '',
    password: '',
    access_token: '',
    refresh_token: '',
    etag: '',
  }
  const hasTokens = places.accepted.has('bearer')
  const life = { name: 'The life of a token', item: toStepItems(mount) }
  const signIn = hasTokens ? toStepItems(mount, ['Sign in']) : []
  return {
    info: {
      name: document.info.title,
      description: toDescription(places),
      schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json',
    },
    auth: toAuth(places),
    // Tokens only: a session cookie beside them would ask for more.
    protocolProfileBehavior: { disableCookies: true },
    event: [{ listen: 'test', script: { type: 'text/javascript', exec: keepTokens } }],
    variable: [
      ...Object.entries(variables).map(([key, value]) => ({ key, value })),
      ...[...ids].map(key => ({ key, value: madeUpId })),
    ],
    item: [
      ...(hasTokens ? [life] : []),
      {
        name: 'Every operation',
        item: [...signIn, ...toFolders(document, mount, signIn)],
      },
    ],
  }
}
