/** Lines of JavaScript that Postman runs before a request, or on its answer. */
export type Script = { readonly listen: 'prerequest' | 'test'; readonly exec: readonly string[] }

export type Item = Readonly<Record<string, unknown>> & { readonly name: string }

/** Fields of examples that a run has values of its own for, and the variables with them. */
const filled: ReadonlyMap<string, string> = new Map([
  ['username', 'username'],
  ['password', 'password'],
  ['current_password', 'password'],
  ['new_password', 'password'],
  ['refresh_token', 'refresh_token'],
])

/** Where Postman puts the value of a variable. */
export const toPlaceholder = (variable: string): string => `{{${variable}}}`

const fillField = (name: string, value: unknown): unknown => {
  const variable = filled.get(name)
  return variable === undefined ? value : toPlaceholder(variable)
}

export const fill = (body: unknown): unknown =>
  typeof body === 'object' && body !== null && !Array.isArray(body)
    ? Object.fromEntries(Object.entries(body).map(([name, value]) => [name, fillField(name, value)]))
    : body

/** The variable that an id of this path stands in: `/api/v1/posts/{id}` → `posts_id`. */
export const toVariable = (path: string): string | undefined => {
  const [, noun] = /\/([\w-]+)\/\{\w+\}/.exec(path) ?? []
  return noun && `${noun}_id`
}

export type Parameter = { readonly name: string; readonly in: string; readonly example?: unknown }

export const toUrl = (path: string, parameters: readonly Parameter[] = []) => {
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

export const toItem = ({ name, method, url, body, headers = [], isPublic, scripts }: Outgoing): Item => ({
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
