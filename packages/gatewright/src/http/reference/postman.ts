import { madeUpId } from '../schemas.ts'
import type { OpenApi, Operation } from './open-api.ts'
import { type Script, steps, toStepScripts } from './postman-steps.ts'

type Item = Readonly<Record<string, unknown>> & { readonly name: string }

/** A Postman collection, version 2.1. */
export type Collection = Readonly<Record<string, unknown>> & { readonly item: readonly Item[] }

/** Fields of examples that a run has values of its own for. */
const filled: Readonly<Record<string, string>> = {
  username: '{{username}}',
  password: '{{password}}',
  current_password: '{{password}}',
  new_password: '{{password}}',
  refresh_token: '{{refresh_token}}',
}

const fill = (body: unknown): unknown =>
  typeof body === 'object' && body !== null && !Array.isArray(body)
    ? Object.fromEntries(Object.entries(body).map(([name, value]) => [name, filled[name] ?? value]))
    : body

/** The variable that an id of this path stands in: `/api/v1/posts/{id}` → `posts_id`. */
const toVariable = (path: string): string | undefined => {
  const [, noun] = /\/([\w-]+)\/\{\w+\}/.exec(path) ?? []
  return noun && `${noun}_id`
}

type Parameter = { readonly name: string; readonly in: string; readonly example?: unknown }

const toUrl = (path: string, parameters: readonly Parameter[] = []) => {
  const segments = path.replaceAll(/\{(\w+)\}/g, ':$1')
  const query = parameters
    .filter(({ in: place, example }) => place === 'query' && example !== undefined)
    .map(({ name, example }) => ({ key: name, value: String(example) }))
  const variable = parameters
    .filter(({ in: place }) => place === 'path')
    .map(({ name }) => ({ key: name, value: `{{${toVariable(path)}}}` }))
  const asked = query.map(({ key, value }) => `${key}=${value}`).join('&')
  return {
    raw: `{{base}}${segments}${asked && `?${asked}`}`,
    host: ['{{base}}'],
    path: segments.slice(1).split('/'),
    ...(query.length > 0 && { query }),
    ...(variable.length > 0 && { variable }),
  }
}

const toBody = (body: unknown) => ({
  mode: 'raw',
  raw: JSON.stringify(body, null, 2),
  options: { raw: { language: 'json' } },
})

type Outgoing = {
  readonly name: string
  readonly method: string
  readonly url: unknown
  readonly body: unknown
  readonly headers?: readonly { readonly key: string; readonly value: string }[]
  readonly isPublic: boolean
  readonly scripts: readonly Script[]
}

const toItem = ({ name, method, url, body, headers = [], isPublic, scripts }: Outgoing): Item => ({
  name,
  request: {
    method,
    header: [...(body === undefined ? [] : [{ key: 'Content-Type', value: 'application/json' }]), ...headers],
    url,
    ...(body !== undefined && { body: toBody(body) }),
    ...(isPublic && { auth: { type: 'noauth' } }),
  },
  event: scripts.map(({ listen, exec }) => ({ listen, script: { type: 'text/javascript', exec } })),
})

/** What an operation answers must be what the reference says; the id of what it made is kept. */
const toOperationScripts = (path: string, { responses }: Operation, paths: OpenApi['paths']): Script[] => {
  const statuses = Object.keys(responses).join(', ')
  const child = Object.keys(paths).find(other => other.startsWith(`${path}/{`))
  const variable = child && toVariable(child)
  const keep = `if (pm.response.code === 201) pm.collectionVariables.set('${variable}', pm.response.json().id)`
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

const toOperationItem = (
  path: string,
  method: string,
  operation: Operation,
  paths: OpenApi['paths'],
): Item => {
  const parameters = operation.parameters as unknown as readonly Parameter[] | undefined
  const headers = (parameters ?? [])
    .filter(({ in: place, example }) => place === 'header' && example !== undefined)
    .map(({ name, example }) => ({ key: name, value: String(example) }))
  return toItem({
    name: operation.summary,
    method: method.toUpperCase(),
    url: toUrl(path, parameters),
    body: fill(exampleBodyOf(operation)),
    headers,
    isPublic: operation.security.length === 0,
    scripts: toOperationScripts(path, operation, paths),
  })
}

/** Things are made before they are read, changed and deleted. */
const order = ['post', 'get', 'put', 'patch', 'delete']

/** A folder for each tag, with every operation. The one that signs out comes last. */
const toFolders = ({ paths, tags }: OpenApi, mount: string): readonly Item[] => {
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
  )
  const lastTag = paths[`${mount}/logout`]?.post?.tags[0]
  const names = tags.map(({ name }) => name).sort((a, b) => Number(a === lastTag) - Number(b === lastTag))
  return names.map(name => ({
    name,
    item: operations
      .filter(({ operation }) => operation.tags[0] === name)
      .sort((a, b) => order.indexOf(a.method) - order.indexOf(b.method))
      .map(({ path, method, operation }) => toOperationItem(path, method, operation, paths)),
  }))
}

/** After every request: what it gave is what the next ones show. */
const keepTokens = [
  "const isJson = (pm.response.headers.get('Content-Type') || '').includes('json')",
  'const body = isJson && pm.response.text() ? pm.response.json() : {}',
  "for (const name of ['access_token', 'refresh_token']) if (body[name]) pm.collectionVariables.set(name, body[name])",
]

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

/**
 * The document as a Postman collection: the life of a token, step by step, and then every operation with
 * its example. It makes a user of its own, with a password that nobody knows.
 */
export const toPostman = (document: OpenApi, mount: string): Collection => {
  const ids = new Set(Object.keys(document.paths).flatMap(path => toVariable(path) ?? []))
  const variables = {
    base: document.servers[0]?.url,
    username: '',
    password: '',
    access_token: '',
    refresh_token: '',
  }
  return {
    info: {
      name: document.info.title,
      description: 'Play the first folder from top to bottom. Registration must be open.',
      schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json',
    },
    auth: { type: 'bearer', bearer: [{ key: 'token', value: '{{access_token}}', type: 'string' }] },
    event: [{ listen: 'test', script: { type: 'text/javascript', exec: keepTokens } }],
    variable: [
      ...Object.entries(variables).map(([key, value]) => ({ key, value })),
      ...[...ids].map(key => ({ key, value: madeUpId })),
    ],
    item: [
      { name: 'The life of a token', item: toStepItems(mount) },
      {
        name: 'Every operation',
        item: [...toStepItems(mount, ['Sign in']), ...toFolders(document, mount)],
      },
    ],
  }
}
