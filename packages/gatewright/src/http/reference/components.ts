import { type RefusalCode, refusals } from '../../ground/refusal.ts'
import { problemSchema, statuses } from '../problem.ts'
import { refusalHeadersOf, toHeaderReferences } from './headers.ts'

type Json = Readonly<Record<string, unknown>>

/** What several operations share, collected while they are written. */
export type Components = {
  /** The schema, with a reference in the place of each part that has a title. */
  readonly refer: (schema: unknown) => unknown
  /** A reference to the answer that tells one of these codes, which have one status. */
  readonly refusal: (codes: readonly RefusalCode[]) => Json
  readonly collected: () => { readonly schemas: Json; readonly responses: Json }
}

export const createComponents = (toExample: (code: RefusalCode) => Json): Components => {
  const schemas: Record<string, unknown> = {}
  const responses: Record<string, unknown> = {}

  const keep = (title: string, schema: unknown): Json => {
    if (title in schemas && JSON.stringify(schemas[title]) !== JSON.stringify(schema))
      throw new Error(`two schemas have the title ${title}: give one of them another`)
    schemas[title] = schema
    return { $ref: `#/components/schemas/${title}` }
  }
  // Many operations have the very same parts.
  const referred = new WeakMap<object, unknown>()
  const refer = (schema: unknown): unknown => {
    if (typeof schema !== 'object' || schema === null) return schema
    const known = referred.get(schema) ?? copyOf(schema)
    referred.set(schema, known)
    return known
  }
  const copyOf = (schema: object): unknown => {
    if (Array.isArray(schema)) return schema.map(refer)
    const { title, ...rest } = schema as Json
    const copy = Object.fromEntries(Object.entries(rest).map(([name, part]) => [name, refer(part)]))
    if (typeof title === 'string') return keep(title, copy)
    // In a list of properties `title` is one of them.
    return title === undefined ? copy : { ...copy, title: refer(title) }
  }
  return {
    refer,
    refusal: codes => {
      const name = codes.join('.')
      const status = statuses[codes[0] ?? 'internal_error']
      responses[name] ??= {
        description: codes.map(code => `\`${code}\`: ${refusals[code]}`).join(' '),
        headers: toHeaderReferences(refusalHeadersOf(status)),
        content: {
          'application/problem+json': {
            schema: {
              allOf: [refer(problemSchema), { properties: { code: { enum: codes } } }],
            },
            examples: Object.fromEntries(codes.map(code => [code, { value: toExample(code) }])),
          },
        },
      }
      return { $ref: `#/components/responses/${name}` }
    },
    collected: () => ({ schemas, responses }),
  }
}
